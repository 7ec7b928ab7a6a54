"""Instructions of retrieving one wallet: `python -m benchmarks.instructions`, which needs valgrind.

What a busy machine does to seconds it does not do to instructions: two runs differ by less than a hundredth. What the
system does on behalf of a process is not in them, nor is what memory and caches cost. `--seeds` counts this package
over hash seeds 0 to 9 instead.
"""

import argparse
import json
import os
import re
import subprocess
import sys
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from itertools import repeat
from typing import Final

from .measuring import ROOT, SERVER_CORE, print_table, python_worker
from .retrieve import BEST, FLOOR, GOALS, OURS, SEEDS_GOAL, UNLIMITED
from .retrievers import HOOKED

AT_ONCE: Final = (10, 100)
TIMES: Final = (200, 1200)
"""Retrievals of two runs, whose difference leaves out what comes before and after them."""


def main() -> None:
    """Count and print."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.instructions", description=__doc__)
    parser.add_argument("--seeds", action="store_true", help="this package over hash seeds 0 to 9")
    options = parser.parse_args()
    server = python_worker("server", str(SERVER_CORE))
    url = f"http://127.0.0.1:{server.line()}"
    try:
        for at_once in AT_ONCE:
            print(f"\n{at_once} at once")
            if options.seeds:
                seeds = [str(seed) for seed in range(10)]
                found = dict(zip(seeds, _counted(repeat(OURS), seeds, url, at_once), strict=True))
                least = min(found.values())
            else:
                names = (FLOOR, BEST, OURS, UNLIMITED, HOOKED)
                found = dict(zip(names, _counted(iter(names), ["0"] * len(names), url, at_once), strict=True))
                least = found[FLOOR]
            rows = [(name, f"{count:,}", f"{count / least:.2f}") for name, count in found.items()]
            print_table(("", "instructions", "x least" if options.seeds else "x floor"), rows)
            if options.seeds:
                print(f"slowest / fastest: {max(found.values()) / least:.2f} (<= {SEEDS_GOAL:.2f})")
                continue
            for name, beside, bound in GOALS:
                print(f"{name} / {beside}: {found[name] / found[beside]:.2f} (<= {bound:.2f})")
    finally:
        server.close()


def _counted(names: Iterator[str], seeds: list[str], url: str, at_once: int) -> list[int]:
    """Instructions of one retrieval by each contender; as many at once as there are cores, for they do not mind."""
    with ThreadPoolExecutor(os.cpu_count()) as threads:
        return list(threads.map(lambda name, seed: _count(name, seed, url, at_once), names, seeds))


def _count(name: str, seed: str, url: str, at_once: int) -> int:
    few, many = (_run(name, seed, url, at_once, times) for times in TIMES)
    return (many - few) // (TIMES[1] - TIMES[0])


def _run(name: str, seed: str, url: str, at_once: int, times: int) -> int:
    """Instructions of a whole process that does so many retrievals."""
    run = subprocess.run(
        [
            *("valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null"),
            *(sys.executable, "-m", "benchmarks.retrievers", name, url),
        ],
        input=json.dumps({"at_once": at_once, "times": times}) + "\n",
        capture_output=True,
        check=True,
        cwd=ROOT,
        text=True,
        env={**os.environ, "PYTHONHASHSEED": seed},
    )
    collected = re.search(r"Collected : (\d+)", run.stderr)
    if collected is None:
        raise SystemExit(f"valgrind counted nothing: {run.stderr[-500:]}")
    return int(collected[1])


if __name__ == "__main__":
    main()
