"""Measure CPU and wall time of retrieving one wallet: `python -m benchmarks.retrieve`.

A server on one core, the contenders on another, each in a process of its own; they take turns in an order drawn for
each round, and what is compared was measured in the same round. `--seeds` compares this package with itself over hash
seeds 0 to 9 instead.
"""

import argparse
from collections.abc import Mapping
from random import Random
from typing import Final

from .environments import python_of
from .measuring import BUSY, SERVER_CORE, Samples, Worker, python_worker, rounds
from .results import Results, Table, Verdict
from .retrievers import CONTENDERS, HOOKED
from .run import add_options, facts

OURS: Final = "commercelayer_async"
FLOOR: Final = "aiohttp + orjson"
BEST: Final = "aiohttp at its best + orjson"
PEER: Final = "commercelayer 3.0.4"
AT_ONCE: Final = (1, 10, 100)
UNLIMITED: Final = "the same, no limits"
GOALS: Final = ((UNLIMITED, FLOOR, 0.95), (OURS, FLOOR, 1.00), (OURS, BEST, 1.00))
"""This package against the floors, at 10 and 100 at once: typed and with its deadline; with limiter and retries too."""
PEER_GOAL: Final = 1 / 250
HOOKS_GOAL: Final = 1.06
"""All hooks set, against none."""
SEEDS_GOAL: Final = 1.05
"""The slowest process against the fastest."""


def main() -> None:
    """Measure and print."""
    options = _options()
    results = Results("retrieve", facts(options))
    server = python_worker("server", str(SERVER_CORE))
    url = f"http://127.0.0.1:{server.line()}"
    workers: dict[str, Worker | None] = {}
    try:
        if options.seeds:
            for seed in range(10):
                workers[str(seed)] = python_worker("retrievers", OURS, url, PYTHONHASHSEED=str(seed))
            _compare_seeds(workers, options, results)
        else:
            for name in CONTENDERS:
                workers[name] = _worker(name, url)
            _compare(workers, options, results)
    finally:
        for worker in (*workers.values(), server):
            if worker is not None:
                worker.close()
    results.write(options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieve", description=__doc__)
    add_options(parser, rounds=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each sample")
    parser.add_argument("--seeds", action="store_true", help="this package over hash seeds 0 to 9")
    return parser.parse_args()


def _worker(name: str, url: str) -> Worker | None:
    if name != PEER:
        return python_worker("retrievers", name, url)
    python = python_of("commercelayer")
    return None if python is None else python_worker("retrievers", name, url, python=python)


def _compare(workers: Mapping[str, Worker | None], options: argparse.Namespace, results: Results) -> None:
    order = Random(options.seed)
    for at_once in AT_ONCE:
        found = rounds(workers, options.rounds, {"at_once": at_once, "seconds": options.seconds}, order)
        # One at once, the client waits for the server, and its core is idle meanwhile.
        if at_once > 1 and found.waited(FLOOR) > BUSY:
            results.disturbed(f"{at_once} at once, the floor took {found.waited(FLOOR):.1f} times its CPU time")
        table = _table(at_once, workers, found)
        results.table(table)
        for name, beside, bound in (*GOALS, (HOOKED, OURS, HOOKS_GOAL)) if at_once > 1 else ():
            results.verdict(Verdict(table.key, name, "CPU", bound, beside))
        results.verdict(Verdict(table.key, OURS, "CPU", PEER_GOAL, PEER))


def _table(at_once: int, workers: Mapping[str, Worker | None], found: Samples) -> Table:
    return Table(
        key=f"retrieve-{at_once}",
        title=f"Retrieving a wallet, {at_once} at once",
        unit=f"x {FLOOR}",
        columns=("CPU", "wall", "rounds"),
        rows={name: [*(found.ratio(name, FLOOR, time) for time in (0, 1)), found.rounds_of(name)] for name in workers},
        ours=(OURS, UNLIMITED, HOOKED),
        drawn=("CPU",),
    )


def _compare_seeds(workers: Mapping[str, Worker | None], options: argparse.Namespace, results: Results) -> None:
    """A process that is out of luck with asyncio's receive buffer has page faults at each retrieval."""
    order = Random(options.seed)
    for at_once in AT_ONCE[1:]:
        found = rounds(workers, options.rounds, {"at_once": at_once, "seconds": options.seconds}, order)
        fastest = min(workers, key=lambda seed: found.medians(seed, 0))
        slowest = max(workers, key=lambda seed: found.medians(seed, 0))
        table = Table(
            key=f"retrieve-seeds-{at_once}",
            title=f"Retrieving a wallet, {at_once} at once, in processes of different hash seeds",
            unit=f"x the fastest, which is {fastest}",
            columns=("CPU", "page faults"),
            rows={seed: (found.ratio(seed, fastest, 0), found.medians(seed, 2)) for seed in workers},
        )
        results.table(table)
        results.verdict(Verdict(table.key, slowest, "CPU", SEEDS_GOAL, fastest))


if __name__ == "__main__":
    main()
