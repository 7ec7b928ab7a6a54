"""Measure what many wallets take, each with its customer and its payment source: `python -m benchmarks.bulk`.

Three parts: `unlimited` has the contenders read from one fast local server, each in a process of its own and in an
order drawn for each round; `limited` reads under the API's live limits, in simulated time; `growth` looks at what an id
costs, from 100 to a million of them. What is compared was measured in the same round.
"""

import argparse
import tempfile
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path
from random import Random
from typing import Final

from .bulk_api import LimitedApi
from .bulk_growth import WAYS as GROWING
from .bulk_limits import ONE_BY_ONE, WAYS, beside_bulk, measured
from .bulk_readers import CONTENDERS
from .documents import PAGE, ids
from .environments import python_of, sdk_of_node
from .measuring import BUSY, SERVER_CORE, Samples, Worker, python_worker, rounds
from .results import Results, Table, Verdict
from .run import add_options, facts

FLOOR: Final = "aiohttp + orjson, 25 a request"
PACKAGE: Final = "commercelayer_async"
OURS: Final = "commercelayer_async, stream"
BY_HAND: Final = "aiohttp + orjson, gather"
PEER: Final = "commercelayer 3.0.4"
SDK: Final = {"@commercelayer/sdk, 25 a request": "list", "@commercelayer/sdk, retrieve": "retrieve"}
SHOWN: Final = {PEER: "commercelayer 3.0.4 (the wallet alone)"}

SIZES: Final = (100, 1_000, 10_000, 100_000, 1_000_000)
FEW: Final = 1_000
SIZE_OF_ALL: Final = 100_000
"""The size at which all ways are compared; the others are of `_FLAT` alone."""
GROWTH_ROUNDS: Final = 3
_FLAT: Final = "stream"
_GATHER: Final = "gather of get"


def main() -> None:
    """Measure and print."""
    options = _options()
    results = Results("bulk", facts(options))
    order = Random(options.seed)
    if "unlimited" in options.parts:
        _unlimited(options, order, results)
    if "limited" in options.parts:
        _limited(options.limited, results)
    if "growth" in options.parts:
        _growth(min(options.rounds, GROWTH_ROUNDS), order, results)
    results.write(options.json)


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.bulk", description=__doc__)
    add_options(parser, rounds=5)
    parser.add_argument("--wallets", type=int, default=10_000, help="that the fast contenders read in each sample")
    parser.add_argument("--seconds", type=float, default=1.2, help="of a sample of a slow contender, about")
    parser.add_argument("--limited", type=int, default=10_000, help="wallets that are read under limits")
    parts = ("unlimited", "limited", "growth")
    parser.add_argument("parts", nargs="*", default=parts, help="unlimited, limited, growth; all unless given")
    return parser.parse_args()


def _unlimited(options: argparse.Namespace, order: Random, results: Results) -> None:
    with _readers(options.wallets) as workers:
        used = rounds(workers, options.rounds, {"seconds": options.seconds, "use": True}, order)
        few = {name: workers[name] for name in (FLOOR, OURS, BY_HAND)}
        unused = rounds(few, options.rounds, {"seconds": options.seconds, "use": False}, order)
    for what, samples in (("used", used), ("not used", unused)):
        if samples.waited(FLOOR) > BUSY:
            results.disturbed(f"{what}, the floor took {samples.waited(FLOOR):.1f} times its CPU time")
    results.table(_shares("bulk-used", "Reading each wallet with its customer and its payment source", workers, used))
    results.table(_shares("bulk-unused", "The same, without a look at what was read", few, unused))
    results.verdict(Verdict("bulk-unused", OURS, "CPU", 0.50, FLOOR))
    # Three resources for each wallet that is got by hand: that is 1/25 for each.
    results.verdict(Verdict("bulk-unused", OURS, "CPU", 3 / PAGE, BY_HAND))


@contextmanager
def _readers(wallets: int) -> Iterator[dict[str, Worker | None]]:
    """A server, and a process for each contender; None for one that cannot be had here."""
    server = python_worker("bulk_server", str(SERVER_CORE), str(wallets))
    url = f"http://127.0.0.1:{server.line()}"
    workers: dict[str, Worker | None] = {}
    with tempfile.TemporaryDirectory() as folder:
        Path(folder, "ids").write_text("\n".join(ids(wallets)))
        try:
            for name in (*CONTENDERS, *SDK):
                worker = workers[name] = _reader(name, url, wallets, folder)
                if worker is not None:
                    # One after the other, or the first samples would share their core with those who warm up.
                    worker.line()
            yield workers
        finally:
            for worker in (*workers.values(), server):
                if worker is not None:
                    worker.close()


def _reader(name: str, url: str, wallets: int, folder: str) -> Worker | None:
    if name in SDK:
        node = sdk_of_node()
        if node is None:
            return None
        program, module = Path(__file__).with_name("bulk_sdk.mjs"), node[1].replace("jsonapi.js", "bundle.js")
        return Worker([node[0], str(program), module, SDK[name], url, folder])
    python = python_of("commercelayer") if name == PEER else None
    if name == PEER and python is None:
        return None
    return python_worker("bulk_readers", name, url, str(wallets), python=python)


def _shares(key: str, title: str, workers: Mapping[str, Worker | None], found: Samples) -> Table:
    rows = {
        SHOWN.get(name, name): [*(found.ratio(name, FLOOR, time) for time in (0, 1)), found.rounds_of(name)]
        for name in workers
    }
    ours = [name for name in rows if name.startswith(PACKAGE)]
    return Table(key, title, f"x {FLOOR}", ("CPU", "wall", "rounds"), rows, ours, drawn=("CPU",))


def _limited(count: int, results: Results) -> None:
    """Simulated time: one run, which another would repeat to the digit."""
    fewest = -(-count // PAGE)
    least = LimitedApi.least_seconds(fewest)
    runs = {name: measured(way, count) for name, way in WAYS.items()}
    table = Table(
        key="bulk-limits",
        title=f"Reading {count:,} wallets with customers and payment sources under the live limits",
        unit=f"x the least time that {fewest} requests can take, {least:,.0f} s",
        columns=("time", "requests", "refused", "x the least time of its own requests"),
        rows={
            name: (
                run.seconds / least,
                run.requests,
                run.refused,
                # Refused requests begin when they like.
                "-" if run.refused else run.seconds / LimitedApi.least_seconds(run.requests),
            )
            for name, run in runs.items()
        },
        ours=[name for name in runs if "by hand" not in name],
        drawn=("time",),
    )
    results.table(table)
    for name in ("get_many with include", "stream with include"):
        results.verdict(Verdict(table.key, name, "requests", fewest))
        results.verdict(Verdict(table.key, name, "time", 1.02))
        results.verdict(Verdict(table.key, name, "time", 1 / 95, ONE_BY_ONE))
        results.verdict(Verdict(table.key, name, "refused", 0))
    # A scan asks for one page more, which is empty: its least time is that of its own requests.
    results.verdict(Verdict(table.key, "scan with include", table.columns[-1], 1.02))
    beside = beside_bulk(LimitedApi.LIMITS)
    row = "a web call each 2 s"
    results.table(
        Table(
            key="bulk-beside",
            title="Interactive calls beside a stream that takes all it gets, under the live limits",
            unit="calls, and seconds of simulated time",
            columns=("calls", "not done in 8 s", "the longest, s"),
            rows={row: (beside.calls, beside.failed, beside.longest)},
            ours=(row,),
        )
    )
    results.verdict(Verdict("bulk-beside", row, "not done in 8 s", 0))


def _growth(times: int, order: Random, results: Results) -> None:
    """Every sample is taken in a process of its own: what was freed before is memory to grow into."""
    kinds = [(_FLAT, size) for size in SIZES] + [(name, SIZE_OF_ALL) for name in GROWING if name != _FLAT]
    found = Samples()
    for number in range(times):
        order.shuffle(kinds)
        for name, size in kinds:
            found.add(_named(name, size), number, _grown(name, size))
    base = _named(_FLAT, FEW)
    columns = ("CPU", "wall", "MiB grown", f"MiB above those of {FEW:,}")
    rows = {
        f"{size:,} ids": (
            *(found.ratio(_named(_FLAT, size), base, time) for time in (0, 1)),
            *_grown_mib(found, _named(_FLAT, size), base),
        )
        for size in SIZES
    }
    ours = list(rows)
    results.table(
        Table("bulk-growth", "What an id of a stream costs", f"x an id of {FEW:,}", columns, rows, ours, ("CPU",))
    )
    results.verdict(Verdict("bulk-growth", f"{SIZES[-1]:,} ids", "CPU", 1.10))
    results.verdict(Verdict("bulk-growth", f"{SIZES[-1]:,} ids", columns[-1], 1.0))
    floor = _named(_GATHER, SIZE_OF_ALL)
    results.table(
        Table(
            key="bulk-ways",
            title=f"What each of {SIZE_OF_ALL:,} ids costs, by ways to read them",
            unit=f"x {_GATHER}",
            columns=("CPU", "wall"),
            rows={name: [found.ratio(_named(name, SIZE_OF_ALL), floor, time) for time in (0, 1)] for name in GROWING},
            ours=[name for name in GROWING if name != _GATHER],
        )
    )
    results.verdict(Verdict("bulk-ways", _FLAT, "CPU", 0.5, _GATHER))


def _named(name: str, size: int) -> str:
    return f"{name}, {size}"


def _grown_mib(found: Samples, name: str, base: str) -> tuple[float | str, float | str]:
    grown = found.medians(name, 2)
    return ("unknown", "unknown") if grown < 0 else (grown, grown - found.medians(base, 2))


def _grown(name: str, size: int) -> tuple[float, float, float]:
    """Seconds of CPU and of wall time for each id, and MiB of memory; -1 where the system does not tell."""
    worker = python_worker("bulk_growth", name)
    try:
        found = worker.ask(ids=size, seconds=0.25)
    finally:
        worker.close()
    if isinstance(found, str):
        raise SystemExit(f"{name} {found}")
    cpu, wall, grown = found
    return cpu, wall, -1.0 if grown is None else grown


if __name__ == "__main__":
    main()
