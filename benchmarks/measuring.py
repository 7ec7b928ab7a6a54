"""What all benchmarks share: workers that are asked in turns, medians, and ratios taken side by side.

A contender is a program that reads one JSON object a line and answers with one. It lives through all rounds, so that
each has its caches warm; within a round the contenders follow one another closely, and only what was measured in the
same round is compared.
"""

import gc
import json
import math
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final

ROOT: Final = Path(__file__).parent.parent
CLIENT_CORE: Final = 0
SERVER_CORE: Final = 1
SLOW: Final = ((1.5, 3), (6.0, 1))
"""Seconds of a sample, and how many rounds a contender that takes longer is measured in."""


def pin(core: int) -> None:
    """Stay on one core, where the system knows how and has so many."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def widen_malloc() -> None:
    """Give asyncio's receive buffer the same luck in each process; the package does this when it opens a session."""
    bytearray(2 << 20)


class Worker:
    """A contender's process."""

    def __init__(self, command: Sequence[str], **environment: str) -> None:
        self._process = subprocess.Popen(
            command,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            cwd=ROOT,
            text=True,
            env={**os.environ, "PYTHONHASHSEED": "0", **environment},
        )

    def ask(self, **question: Any) -> Any:
        """The worker's answer; the text of its failure if that is all it has."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(json.dumps(question) + "\n")
        self._process.stdin.flush()
        line = self._process.stdout.readline()
        return json.loads(line) if line else f"ended with {self._process.wait()}"

    def line(self) -> str:
        """What the worker says unasked."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        self._process.stdin.close()
        self._process.wait()


def python_worker(module: str, name: str, *arguments: str, python: str | None = None, **environment: str) -> Worker:
    """A worker in Python: `python -m benchmarks.<module> <name> <arguments>`."""
    return Worker([python or sys.executable, "-m", f"benchmarks.{module}", name, *arguments], **environment)


def questions() -> Iterator[dict[str, Any]]:
    """What a worker is asked."""
    for line in iter(sys.stdin.readline, ""):
        yield json.loads(line)


def answer(value: Any) -> None:
    """Tell the one who asked."""
    print(json.dumps(value), flush=True)


def cpu_of(call: Callable[[], Any], *, seconds: float) -> float:
    """Seconds of CPU time for one call, in as many as fit into the given time; results are dropped at once."""
    began = process_time()
    call()
    once = process_time() - began
    if once >= 1.0:
        # Too long for its first time to differ from the next.
        return once
    began = process_time()
    call()
    once = process_time() - began
    if once >= seconds:
        return once
    times = max(1, int(seconds / max(once, 1e-7)))
    gc.collect()
    began = process_time()
    for _ in range(times):
        call()
    return (process_time() - began) / times


def resident() -> int:
    """Bytes of memory that this process holds."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * os.sysconf("SC_PAGE_SIZE")


def page_faults() -> int:
    """How often this process has asked for memory that was not there yet; 0 where the system does not tell."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows
    except ImportError:
        return 0
    return resource.getrusage(resource.RUSAGE_SELF).ru_minflt


def rounds(workers: Mapping[str, Worker], times: int, question: Mapping[str, Any]) -> dict[str, list[Any] | str]:
    """What each worker answers in each round; its failure in place of its answers.

    Who takes long answers in the first rounds only (`SLOW`).
    """
    answers: dict[str, list[Any] | str] = {name: [] for name in workers}
    _TOOK.clear()
    for number in range(times):
        for name, worker in workers.items():
            found = answers[name]
            if isinstance(found, str) or number >= _rounds_of(name):
                continue
            began = perf_counter()
            value = worker.ask(**question)
            _TOOK[name] = perf_counter() - began
            if isinstance(value, str):
                answers[name] = value
            else:
                found.append(value)
    return answers


_TOOK: dict[str, float] = {}


def _rounds_of(name: str) -> float:
    took = _TOOK.get(name, 0.0)
    return min((few for seconds, few in SLOW if took > seconds), default=math.inf)


def ratio(values: Sequence[float], floor: Sequence[float]) -> float:
    """The median of what each round says of two contenders."""
    return median(value / base for value, base in zip(values, floor, strict=False))


def verdict(value: float, goal: float) -> str:
    """What a goal says of a measured ratio."""
    return f"{value:.2f} (goal <= {goal:.2f}: {'met' if value <= goal else 'missed'})"


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with its first column to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
