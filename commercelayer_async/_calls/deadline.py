"""One deadline around a whole call, whatever it is waiting for; and an end to all calls when the session is closed.

`asyncio.timeout` makes and cancels a timer for each call. Here calls that are allowed the same time share one timer:
the first to begin is the first to be overdue, so a queue in order of arrival is enough, and a call that ends in time
costs two operations on a dictionary.
"""

import asyncio
import math
from types import TracebackType
from typing import Final, Self, cast

from .._clock import Clock, Timer
from ..errors import CommerceLayerError, TimeoutError, closed_meanwhile


class Deadlines:
    """The deadlines of calls that may take `seconds` each; None for as long as it takes."""

    def __init__(self, seconds: float | None, *, clock: Clock) -> None:
        self.seconds: Final = seconds
        self.clock: Final = clock
        self._pending: dict[Deadline, float] = {}
        self._timer: Timer | None = None

    def add(self, deadline: "Deadline", now: float) -> float:
        """Register a call and return its deadline."""
        if self.seconds is None:
            self._pending[deadline] = math.inf
            return math.inf
        due = self._pending[deadline] = now + self.seconds
        if self._timer is None:
            self._timer = self.clock.at(due, self._expire)
        return due

    def remove(self, deadline: "Deadline") -> None:
        """Forget a call that has ended."""
        self._pending.pop(deadline, None)

    def close(self) -> None:
        """End every call that is under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, self._pending = self._pending, {}
        for deadline in pending:
            deadline.end(closed=True)

    def _expire(self) -> None:
        self._timer = None
        now = self.clock.now()
        for deadline, due in list(self._pending.items()):
            if due > now:
                self._timer = self.clock.at(due, self._expire)
                return
            del self._pending[deadline]
            deadline.end(closed=False)


class Deadline:
    """A `with` block that ends in time: whatever is awaited in it is cancelled when the time is up.

    `phase` says what the block is doing, and `failures` what went wrong in it so far, both for the error.

    Raises:
        TimeoutError: the time was up.
        SessionError: the session was closed.
    """

    __slots__ = ("_began", "_cancelling", "_deadlines", "_due", "_ended", "_task", "_url", "failures", "phase", "tries")

    def __init__(self, deadlines: Deadlines, url: str) -> None:
        self.phase = "queue"
        self.tries = 0
        self.failures: list[CommerceLayerError] = []
        self._deadlines = deadlines
        self._url = url
        self._ended: str | None = None

    def __enter__(self) -> Self:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())  # whatever awaits runs in a task
        self._cancelling = self._task.cancelling()
        self._began = self._deadlines.clock.now()
        self._due = self._deadlines.add(self, self._began)
        return self

    def remaining(self) -> float:
        """Seconds until the time is up."""
        return self._due - self._deadlines.clock.now()

    def elapsed(self) -> float:
        """Seconds since the block began."""
        return self._deadlines.clock.now() - self._began

    def end(self, *, closed: bool) -> None:
        """Cancel the block, because its time is up or the session is closed."""
        self._ended = "closed" if closed else "time"
        self._task.cancel()

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if self._ended is None:
            return
        # As asyncio.timeout does: the cancellation is ours unless somebody else asked for one too.
        if self._task.uncancel() <= self._cancelling and cls is asyncio.CancelledError:
            raise self._error() from None

    def _error(self) -> CommerceLayerError:
        error: CommerceLayerError
        if self._ended == "closed":
            error = closed_meanwhile()
        else:
            seconds = self._deadlines.seconds or 0.0
            error = TimeoutError(
                f"{self._url} was not read within {seconds:g} s; the time was up in phase {self.phase!r}",
                url=self._url,
                phase=self.phase,
                seconds=seconds,
            )
        return error.after(self.failures, tries=self.tries, elapsed=self.elapsed())
