"""CPU and wall time of retrieving one wallet: `python -m benchmarks.retrieve`.

A server on one core, the contenders on another, each in a process of its own; they take turns, and what is compared
was measured in the same round. `--seeds` compares this package with itself over hash seeds 0 to 9 instead.
"""

import argparse
from collections.abc import Mapping
from pathlib import Path
from statistics import median
from typing import Final

from .environments import python_of
from .measuring import SERVER_CORE, Worker, python_worker, ratio, rounds, table, verdict
from .results import Results
from .retrievers import CONTENDERS, HOOKED

OURS: Final = "commercelayer_async"
FLOOR: Final = "aiohttp + orjson"
PEER: Final = "commercelayer 3.0.4"
AT_ONCE: Final = (1, 10, 100)
UNLIMITED: Final = "the same, no limits"
GOALS: Final = (("10", UNLIMITED, 0.95), ("11", OURS, 1.00))
"""This package against the floor, at 10 and 100 at once: typed and with its deadline; with limiter and retries too."""
PEER_GOAL: Final = 1 / 250
"""Goal 8: against commercelayer 3.0.4."""
HOOKS_GOAL: Final = 5.0
"""Goal 14: microseconds that hooks take, all of them together."""
SEEDS_GOAL: Final = 1.05
"""Goal 13: the slowest process against the fastest."""


def main() -> None:
    """Measure and print."""
    options = _options()
    server = python_worker("server", str(SERVER_CORE))
    url = f"http://127.0.0.1:{server.line()}"
    workers: dict[str, Worker] = {}
    try:
        if options.seeds:
            for seed in range(10):
                workers[str(seed)] = python_worker("retrievers", OURS, url, PYTHONHASHSEED=str(seed))
            _compare_seeds(workers, options)
        else:
            for name in CONTENDERS:
                python = python_of("commercelayer") if name == PEER else None
                if name != PEER or python:
                    workers[name] = python_worker("retrievers", name, url, python=python)
            _compare(workers, options)
    finally:
        for worker in (*workers.values(), server):
            worker.close()


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m benchmarks.retrieve", description=__doc__)
    parser.add_argument("--rounds", type=int, default=9)
    parser.add_argument("--seconds", type=float, default=0.3, help="of each sample")
    parser.add_argument("--seeds", action="store_true", help="this package over hash seeds 0 to 9")
    parser.add_argument("--json", type=Path, help="where to write the results for `make plots`; not of --seeds")
    return parser.parse_args()


def _compare(workers: Mapping[str, Worker], options: argparse.Namespace) -> None:
    print("Retrieving one wallet (982 bytes) over loopback; medians, and medians of ratios within rounds.")
    print("Every contender starts with `bytearray(2 << 20)`, as this package does: a process that lacks it may pay")
    print("a fifth more for asyncio's receive buffer, by luck of its hash seed.")
    results = Results("retrieve")
    for at_once in AT_ONCE:
        found = rounds(workers, options.rounds, {"at_once": at_once, "seconds": options.seconds})
        floor = [cpu for cpu, _, _ in found[FLOOR]]
        rows = []
        for name, samples in found.items():
            if isinstance(samples, str):
                rows.append((name, samples, "", "", ""))
                continue
            cpu, wall = [cpu for cpu, _, _ in samples], [wall for _, wall, _ in samples]
            walls = ratio(wall, [wall for _, wall, _ in found[FLOOR]])
            rows.append(
                (name, f"{median(cpu):,.1f}", f"{ratio(cpu, floor):.2f}", f"{median(wall):,.1f}", f"{walls:.2f}")
            )
        print(f"\n{at_once} at once")
        table(("", "CPU us", "x floor", "wall us", "x floor"), rows)
        bars = {
            name: ratio([cpu for cpu, _, _ in samples], floor)
            for name, samples in found.items()
            if not isinstance(samples, str)
        }
        title = f"CPU time of retrieving a wallet, {at_once} at once"
        results.chart(f"retrieve-{at_once}", title, FLOOR, bars, ours=(OURS, UNLIMITED))
        ours = [cpu for cpu, _, _ in found[OURS]]
        for number, name, goal in GOALS if at_once > 1 else ():
            samples = found[name]
            if not isinstance(samples, str):
                part = ratio([cpu for cpu, _, _ in samples], floor)
                what = f"{OURS if name == OURS else 'without limits'} / {FLOOR}"
                print(f"goal {number}, {what}: {verdict(part, goal)}")
                results.goal(number, f"{what}, {at_once} at once", part, goal)
        hooked = found[HOOKED]
        if not isinstance(hooked, str):
            extra = median(cpu - without for (cpu, _, _), without in zip(hooked, ours, strict=False))
            met = "met" if extra <= HOOKS_GOAL else "missed"
            print(f"goal 14, {HOOKED}: {extra:+.1f} us (goal <= {HOOKS_GOAL:.0f}: {met})")
        peers = found.get(PEER, "")
        if not isinstance(peers, str):
            part = ratio(ours, [cpu for cpu, _, _ in peers])
            print(
                f"goal 8, {OURS} / {PEER}: 1/{1 / part:.0f} (goal 1/{1 / PEER_GOAL:.0f}:"
                f" {'met' if part <= PEER_GOAL else 'missed'})"
            )
            results.goal("8", f"{OURS} / {PEER}, {at_once} at once", part, PEER_GOAL)
    results.write(options.json)


def _compare_seeds(workers: Mapping[str, Worker], options: argparse.Namespace) -> None:
    print("This package in processes of different hash seeds; medians of ratios to the round's mean. A process that is")
    print("out of luck with asyncio's receive buffer has page faults at each retrieval.")
    for at_once in AT_ONCE[1:]:
        found = rounds(workers, options.rounds, {"at_once": at_once, "seconds": options.seconds})
        samples = {seed: [cpu for cpu, _, _ in values] for seed, values in found.items()}
        means = [sum(values) / len(values) for values in zip(*samples.values(), strict=True)]
        shares = {seed: ratio(values, means) for seed, values in samples.items()}
        print(f"\n{at_once} at once")
        faults = {seed: median(count for _, _, count in values) for seed, values in found.items()}
        table(
            ("seed", "CPU us", "x mean", "page faults"),
            [(seed, f"{median(samples[seed]):.1f}", f"{shares[seed]:.3f}", f"{faults[seed]:.2f}") for seed in samples],
        )
        print(f"goal 13, slowest / fastest: {verdict(max(shares.values()) / min(shares.values()), SEEDS_GOAL)}")


if __name__ == "__main__":
    main()
