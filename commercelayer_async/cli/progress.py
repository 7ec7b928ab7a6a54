"""What a command shows of itself while it goes on: waits for the rate limit, and how far an export is.

It stands on stderr alone. On a terminal it is one line that changes; elsewhere a line each half a minute at most, so
that a log shows that the program lives, and not much more.
"""

import asyncio
import math
import os
import sys
import time
from collections.abc import AsyncGenerator, Callable, Generator
from contextlib import asynccontextmanager, contextmanager, suppress
from typing import TYPE_CHECKING, Any, Final, Protocol, TextIO, cast

import attrs
import click
from rich.console import Console
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, TaskProgressColumn, TextColumn

from .._markers import override
from .invocation import open_session
from .layout import NARROW
from .output import DUMB
from .services import service_in_use

if TYPE_CHECKING:
    from .. import ExportProgress, RateState, Session
    from ..dask import Progress as DaskProgress

_INTERVAL: Final = 1.0
"""Seconds between two looks at the session."""
_WORTH_SAYING: Final = 2.0
"""Seconds of a wait that is shown at all."""
_QUIET: Final = 30.0
"""Seconds between two lines where stderr is not a terminal."""
_ERASE: Final = "\r\x1b[K"
_MINUTE: Final = 60


class Display(Protocol):
    """Shows what a session is at."""

    def look(self, state: "RateState", now: float) -> None:
        """Show the state of the rate budget at the moment `now`, in seconds of any clock."""
        ...


@attrs.define
class WaitWatch:
    """Notices that calls wait for the rate limit, and for how long."""

    _since: float | None = None

    def sentence(self, state: "RateState", now: float) -> str | None:
        """What to say of the wait; None if there is none worth it."""
        if not state.waiting:
            self._since = None
            return None
        if self._since is None:
            self._since = now
        if state.closed_for >= _WORTH_SAYING:
            return f"waiting {math.ceil(state.closed_for)} s for the rate limit"
        waited = now - self._since
        return f"waiting for the rate limit, {int(waited)} s so far" if waited >= _WORTH_SAYING else None


@attrs.define
class WaitLine(Display):
    """One line on a terminal, there while a call waits. Whatever is written next overwrites it."""

    stream: TextIO
    _waits: WaitWatch = attrs.field(factory=WaitWatch)
    _shown: str | None = None

    @override
    def look(self, state: "RateState", now: float) -> None:
        sentence = self._waits.sentence(state, now)
        if sentence != self._shown:
            self._shown = sentence
            self.stream.write(_ERASE + (f"{sentence}\r" if sentence else ""))
            self.stream.flush()

    def erase(self) -> None:
        """Leave nothing on the terminal."""
        if self._shown is not None:
            self._shown = None
            self.stream.write(_ERASE)
            self.stream.flush()


@attrs.define
class Lines(Display):
    """Lines for a log: of a wait, and with a `status` of that too; one each half a minute at most."""

    write: Callable[[str], None]
    status: Callable[["RateState"], str | None] = lambda _: None
    _waits: WaitWatch = attrs.field(factory=WaitWatch)
    _began: float | None = None
    _last: float | None = None

    @override
    def look(self, state: "RateState", now: float) -> None:
        if self._began is None:
            self._began = now
        wait, quiet_since = self._waits.sentence(state, now), self._last
        if quiet_since is None and not wait:
            # What takes less than that needs no line at all.
            quiet_since = self._began
        if quiet_since is None or now - quiet_since >= _QUIET:
            parts = [part for part in (self.status(state), wait) if part]
            if parts:
                self._last = now
                self.write(", ".join(parts))


@attrs.define
class ExportStatus:
    """How far an export is, in words."""

    name: str
    progress: "ExportProgress | None" = None
    details: str = ""
    """What else there is to say of it."""

    def update(self, progress: "ExportProgress") -> None:
        """Take over what the export says after a page."""
        self.progress = progress

    def text(self, state: "RateState") -> str | None:
        """Name, count, percentage and what is left; None before the first page."""
        progress = self.progress
        if progress is None:
            return None
        if not progress.total:
            return ", ".join(filter(None, [f"{self.name}: {progress.records} records", self.details]))
        share = f"{progress.records} of {progress.total} ({100 * progress.records // progress.total} %)"
        return ", ".join(filter(None, [f"{self.name}: {share}", self.details, self.left(state)]))

    def left(self, state: "RateState") -> str:
        """How long the rest takes at least, as the rate limits have it; empty where that is not known.

        Not by the speed so far: what the windows hold leaves at once, and all that follows at their rate.
        """
        seconds = None if self.progress is None else seconds_left(self.progress, state)
        if seconds is None:
            return ""
        if seconds < _MINUTE:
            return "less than a minute left"
        minutes = math.ceil(seconds / _MINUTE)
        return f"about {minutes} min left" if minutes < 2 * _MINUTE else f"about {round(minutes / _MINUTE)} h left"


def seconds_left(progress: "ExportProgress", state: "RateState") -> float | None:
    """The seconds that the rest of an export takes by the rate limits; None where they or the count are unknown."""
    if progress.total is None or not state.limit or state.seconds is None:
        return None
    size = service_in_use().paging_of(None).most_of(None) or 1
    requests = math.ceil(max(0, progress.total - progress.records) / size)
    return max(0, requests - (state.remaining or 0)) * state.seconds / state.limit + state.closed_for


@attrs.define
class _Bar(Display):
    """A bar on a terminal, with what is left beside it."""

    bar: Progress
    status: ExportStatus
    _task: Any = None
    _waits: WaitWatch = attrs.field(factory=WaitWatch)

    def begin(self) -> None:
        self._task = self.bar.add_task(self.status.name, total=None, left="")

    def update(self, progress: "ExportProgress") -> None:
        self.status.update(progress)
        self.bar.update(self._task, completed=progress.records, total=progress.total)

    @override
    def look(self, state: "RateState", now: float) -> None:
        left = self._waits.sentence(state, now) or self.status.left(state)
        self.bar.update(self._task, left=", ".join(filter(None, [self.status.details, left])))


@attrs.define
class _Nothing(Display):
    """Nothing is shown: what is shown and what is written would share a terminal."""

    @override
    def look(self, state: "RateState", now: float) -> None:
        pass


@asynccontextmanager
async def watched_session(**options: Any) -> AsyncGenerator["Session"]:
    """The session of the running command, whose waits for the rate limit are shown on stderr while the block runs."""
    stderr = cast("TextIO | None", sys.stderr)
    if stderr is not None and _is_terminal(stderr):
        line = WaitLine(stderr)
        try:
            async with open_session(**options) as session, watching(session, line):
                yield session
        finally:
            line.erase()
    else:
        async with open_session(**options) as session, watching(session, Lines(_write_line)):
            yield session


@asynccontextmanager
async def watching(session: "Session", display: Display) -> AsyncGenerator[None]:
    """Have `display` look at the session's rate budget each second, while the block runs."""
    loop = asyncio.get_running_loop()

    async def look() -> None:
        while True:
            display.look(session.rate_limits, loop.time())
            await asyncio.sleep(_INTERVAL)

    task = loop.create_task(look())
    try:
        yield
    finally:
        task.cancel()
        # What goes wrong in looking, such as a closed stderr, is no reason to fail.
        with suppress(asyncio.CancelledError, Exception):
            await task


@contextmanager
def dask_export_display(name: str) -> Generator[Callable[["DaskProgress"], None]]:
    """Show how far an export over workers is; gives the callback of partitions."""
    status = ExportStatus(name)

    with _display_of(status) as (display, on_progress):

        def update(progress: "DaskProgress") -> None:
            status.details = f"{progress.partitions} of {progress.planned} files, {progress.requests} requests"
            on_progress(progress)
            if progress.rate_limits is not None:
                display.look(progress.rate_limits, time.monotonic())

        yield update


@contextmanager
def export_display(name: str, *, streaming: bool) -> Generator[tuple[Display, Callable[["ExportProgress"], None]]]:
    """Show how far an export is while the block runs; gives what looks at the session, and the callback of pages."""
    stdout = cast("TextIO | None", sys.stdout)
    status = ExportStatus(name)
    if streaming and stdout is not None and stdout.isatty():
        yield _Nothing(), status.update
    else:
        with _display_of(status) as shown:
            yield shown


@contextmanager
def _display_of(status: ExportStatus) -> Generator[tuple[Display, Callable[["ExportProgress"], None]]]:
    """A bar on a terminal, else lines for a log."""
    stderr = cast("TextIO | None", sys.stderr)
    if stderr is None or not _is_terminal(stderr):
        yield Lines(_write_line, status.text), status.update
        return
    console = Console(stderr=True)
    with Progress(*_columns(console.width), console=console, transient=True) as bar:
        display = _Bar(bar, status)
        display.begin()
        yield display, display.update


def _columns(width: int) -> list[ProgressColumn]:
    left: list[ProgressColumn] = [TaskProgressColumn(), MofNCompleteColumn(), TextColumn("{task.fields[left]}")]
    return left if width < NARROW else [TextColumn("{task.description}"), BarColumn(bar_width=None), *left]


def _is_terminal(stream: TextIO) -> bool:
    return stream.isatty() and os.environ.get("TERM") not in DUMB


def _write_line(text: str) -> None:
    click.echo(text, err=True)
