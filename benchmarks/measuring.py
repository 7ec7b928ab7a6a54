"""What all benchmarks share: workers that are asked in turns, and ratios of what was measured side by side.

A contender is a program that reads one JSON object a line and answers with one. It lives through all rounds, so that
each has its caches warm; within a round the contenders follow one another closely, in an order drawn for that round,
and only what was measured in the same round is compared.
"""

import contextlib
import gc
import json
import os
import subprocess
import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from random import Random
from statistics import median
from time import perf_counter, process_time
from typing import Any, Final, NamedTuple, Protocol

ROOT: Final = Path(__file__).parent.parent
CLIENT_CORE: Final = 0
SERVER_CORE: Final = 1
ABSENT: Final = "absent"
"""What is said of a contender that is not on this machine."""
BUSY: Final = 1.25
"""Wall time over CPU time of a floor that never waits: more than that, and others had its core."""
SLOW: Final = 1.5
"""Seconds of an answer: a contender that takes longer has three rounds."""


def pin(core: int) -> None:
    """Stay on one core, where the system knows how and has so many."""
    if hasattr(os, "sched_setaffinity") and core in os.sched_getaffinity(0):
        os.sched_setaffinity(0, {core})


def widen_malloc() -> None:
    """Give asyncio's receive buffer the same luck in each process; the package does this when it opens a session."""
    bytearray(2 << 20)


class Seconds(NamedTuple):
    """Time that one call takes."""

    cpu: float
    """User and system time of the whole process."""
    wall: float


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
        try:
            self._process.stdin.write(json.dumps(question) + "\n")
            self._process.stdin.flush()
            line = self._process.stdout.readline()
        except BrokenPipeError:
            line = ""
        return json.loads(line) if line else f"ended with {self._process.wait()}"

    def line(self) -> str:
        """What the worker says unasked."""
        assert self._process.stdout is not None
        return self._process.stdout.readline().strip()

    def close(self) -> None:
        """End the process."""
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        with contextlib.suppress(BrokenPipeError):
            self._process.stdin.close()
        self._process.stdout.close()
        self._process.wait()


class Asked(Protocol):
    """Whatever can be asked; a `Worker`."""

    def ask(self, **question: Any) -> Any:
        """The figures, or the text of a failure."""
        ...


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


_LONG: Final = 0.5
"""Seconds of a call that is too long for its first time to differ from the next."""


class Timed:
    """Times a call, in as many calls as fit into the time of a sample; what it returns is dropped at once."""

    def __init__(self) -> None:
        self._times: dict[object, int] = {}

    def sample(self, key: object, call: Callable[[], Any], *, seconds: float) -> Seconds:
        """CPU and wall time of one call; `key` names the call, whose first sample finds out how long it takes."""
        if key not in self._times:
            first = _timed(call, 1)
            once = first.cpu if first.cpu >= _LONG else _timed(call, 1).cpu
            self._times[key] = max(1, int(seconds / max(once, 1e-7)))
            if once >= _LONG:
                return first
        gc.collect()
        return _timed(call, self._times[key])


def _timed(call: Callable[[], Any], times: int) -> Seconds:
    cpu, wall = process_time(), perf_counter()
    for _ in range(times):
        call()
    return Seconds((process_time() - cpu) / times, (perf_counter() - wall) / times)


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


class Samples:
    """What each contender answered in each round, or why it did not."""

    def __init__(self) -> None:
        self._found: dict[str, dict[int, Sequence[float]]] = {}
        self.failures: dict[str, str] = {}

    def add(self, name: str, number: int, sample: Sequence[float]) -> None:
        """Keep what a contender answered in a round."""
        self._found.setdefault(name, {})[number] = sample

    def rounds_of(self, name: str) -> int:
        """How many rounds a contender took part in."""
        return len(self._found.get(name, ()))

    def medians(self, name: str, column: int) -> float:
        """The median of one of the figures that a contender answered with."""
        return median(sample[column] for sample in self._found[name].values())

    def waited(self, name: str) -> float:
        """Wall time over CPU time; for who answers with these two first."""
        return self.medians(name, 1) / self.medians(name, 0)

    def ratio(self, name: str, floor: str, column: int) -> float | str:
        """The median of what the rounds in which both took part say of them; the contender's failure if it has one."""
        if name in self.failures:
            return self.failures[name].partition(":")[0]
        own, base = self._found[name], self._found[floor]
        return median(sample[column] / base[number][column] for number, sample in own.items() if number in base)


def rounds(workers: Mapping[str, Asked | None], times: int, question: Mapping[str, Any], order: Random) -> Samples:
    """Ask all workers in each of so many rounds, in an order that is drawn anew for each.

    Each is asked once before the first round, and that answer is dropped: from then on it is warm, and who cannot
    answer is left out. Whoever takes longer than `SLOW` to answer sits out most rounds (`_takes_part`). A contender
    that is None is not on this machine.
    """
    samples = Samples()
    took: dict[str, float] = {}
    for name, worker in workers.items():
        value = ABSENT if worker is None else worker.ask(**question)
        if isinstance(value, str):
            samples.failures[name] = value
    for number in range(times):
        names = [name for name in workers if name not in samples.failures]
        order.shuffle(names)
        for name in names:
            worker = workers[name]
            if worker is None or not _takes_part(number, times, took.get(name, 0.0)):
                continue
            began = perf_counter()
            value = worker.ask(**question)
            took[name] = perf_counter() - began
            if isinstance(value, str):
                samples.failures[name] = value
            else:
                samples.add(name, number, value)
    return samples


def _takes_part(number: int, times: int, took: float) -> bool:
    """The slow take part in the first round, the middle one and the last: spread over the run like the others."""
    return took <= SLOW or number in {0, times // 2, times - 1}


def print_table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> None:
    """Print a table with its first column to the left and all others to the right."""
    widths = [max(map(len, column)) for column in zip(head, *rows, strict=True)]
    for row in (head, *rows):
        cells = [cell.rjust(width) for cell, width in zip(row, widths, strict=True)]
        print("  ".join([row[0].ljust(widths[0]), *cells[1:]]).rstrip())
