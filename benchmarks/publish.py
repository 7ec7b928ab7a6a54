"""Measure everything that docs/benchmarks.md shows, in one run, and write the page: `python -m benchmarks.publish`.

The benchmarks follow one another, with one seed; `--rounds` takes fewer rounds than they have by themselves. Nothing is
written if the machine was busy, unless `--busy` asks for it; the page says so then.
"""

import argparse
import json
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Final

from . import plots
from .measuring import ROOT

BENCHMARKS: Final = ("retrieve", "decode", "bulk")
FOLDER: Final = ROOT / "build/benchmarks"


def main(arguments: Sequence[str] | None = None) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.publish", description=__doc__)
    parser.add_argument("--seed", type=int, default=time.time_ns() % 10**6, help="of the order within each round")
    parser.add_argument("--rounds", type=int, help="of each benchmark, in place of its own number")
    parser.add_argument("--busy", action="store_true", help="write the page, and say so, though the machine was busy")
    options = parser.parse_args(arguments)
    began = time.monotonic()
    for name in BENCHMARKS:
        started = time.monotonic()
        command = [sys.executable, "-m", f"benchmarks.{name}", "--seed", str(options.seed)]
        command += ["--json", str(FOLDER / f"{name}.json")]
        if options.rounds is not None:
            command += ["--rounds", str(options.rounds)]
        subprocess.run(command, check=True, cwd=ROOT)
        print(f"\n{name} took {(time.monotonic() - started) / 60:.1f} minutes\n", flush=True)
    found = [json.loads((FOLDER / f"{name}.json").read_text()) for name in BENCHMARKS]
    plots.publish(found, plots.PAGE, busy=options.busy)
    print(f"all took {(time.monotonic() - began) / 60:.1f} minutes")


if __name__ == "__main__":
    main()
