"""One deadline around a whole call, whatever it is waiting for; and an end to all calls when the session is closed.

`asyncio.timeout` makes and cancels a timer for each call. Here calls that are allowed the same time share one timer:
the first to begin is the first to be overdue, so a queue in order of arrival is enough, and a call that ends in time
costs two operations on a dictionary.

What a caller awaits may take several requests: a batch and then single ones, a related link and then the parent, a
chunk and then its halves. They are sent in one `CallScope`, so that all of them together have the caller's time.
"""

import asyncio
import math
from types import TracebackType
from typing import Final, Self, TypeVar

from .._clock import Clock, Timer
from ..errors import CommerceLayerError, TimeoutError, closed_meanwhile

_Error = TypeVar("_Error", bound=CommerceLayerError)


class CallScope:
    """What the requests have in common that are sent for one call of the caller's."""

    __slots__ = ("due", "requests", "waited")

    def __init__(self, due: float) -> None:
        self.due: Final = due
        """When the caller's time is up, by the clock; infinite for never."""
        self.requests = 0
        """Requests sent, with all tries."""
        self.waited = 0.0
        """Seconds spent waiting for rate limits."""


class Deadlines:
    """The deadlines of calls that may take `seconds` each; None for as long as it takes."""

    def __init__(self, seconds: float | None, *, clock: Clock) -> None:
        self.seconds: Final = seconds
        self.clock: Final = clock
        self._pending: dict[Deadline, float] = {}
        """In the order of their moments, so that one timer is enough."""
        self._latest = -math.inf
        """The moment of the last that was added there."""
        self._earlier: dict[Deadline, Timer] = {}
        """Those with a timer of their own: of calls that began earlier, and would come after the last."""
        self._timer: Timer | None = None

    def due(self) -> float:
        """When the time of a call that begins now is up."""
        return math.inf if self.seconds is None else self.clock.now() + self.seconds

    def add(self, deadline: "Deadline", now: float, scope: CallScope | None = None) -> float:
        """Register a request and return its deadline: that of its scope, if it has one."""
        due = math.inf if self.seconds is None else now + self.seconds
        if scope is not None and scope.due < due:
            due = scope.due
            if due < self._latest:
                self._earlier[deadline] = self.clock.at(due, lambda: self._expire_one(deadline))
                return due
        self._pending[deadline] = self._latest = due
        if self._timer is None and due < math.inf:
            self._timer = self.clock.at(due, self._expire)
        return due

    def remove(self, deadline: "Deadline") -> None:
        """Forget a call that has ended."""
        self._pending.pop(deadline, None)
        if self._earlier and (timer := self._earlier.pop(deadline, None)) is not None:
            timer.cancel()

    def close(self) -> None:
        """End every call that is under way."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        pending, self._pending = self._pending, {}
        earlier, self._earlier = self._earlier, {}
        for timer in earlier.values():
            timer.cancel()
        for deadline in (*pending, *earlier):
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

    def _expire_one(self, deadline: "Deadline") -> None:
        del self._earlier[deadline]
        deadline.end(closed=False)


class Deadline:
    """A `with` block that ends in time: whatever is awaited in it is cancelled when the time is up.

    `phase` says what the block is doing, and `failures` what went wrong in it so far, both for the error.

    Raises:
        TimeoutError: the time was up. Where that of its scope is up already, nothing of the block runs.
        SessionError: the session was closed.
    """

    __slots__ = (
        "_began",
        "_cancelling",
        "_deadlines",
        "_due",
        "_scope",
        "_task",
        "_url",
        "ended",
        "failures",
        "phase",
        "tries",
    )

    def __init__(self, deadlines: Deadlines, url: str, scope: CallScope | None = None) -> None:
        self.phase = "queue"
        self.tries = 0
        self.failures: list[CommerceLayerError] = []
        self._deadlines = deadlines
        self._url = url
        self._scope = scope
        self.ended: str | None = None
        """Why the block was cancelled, whoever caught the cancellation: it must not send anything any more."""

    def __enter__(self) -> Self:
        task = asyncio.current_task()
        assert task is not None  # noqa: S101 - whatever awaits runs in a task
        self._task = task
        self._cancelling = task.cancelling()
        self._began = self._deadlines.clock.now()
        if self._scope is not None and self._scope.due <= self._began:
            self.ended = "time"
            raise self._error()
        self._due = self._deadlines.add(self, self._began, self._scope)
        return self

    def remaining(self) -> float:
        """Seconds until the time is up."""
        return self._due - self._deadlines.clock.now()

    def elapsed(self) -> float:
        """Seconds since the block began."""
        return self._deadlines.clock.now() - self._began

    def explain(self, error: _Error) -> _Error:
        """Add to the error that ends the block what it is the last of."""
        error.after(self.failures, tries=self.tries, elapsed=self.elapsed())
        # It holds them now. Held here too, they would be in a cycle with the frames that they went through.
        self.failures.clear()
        return error

    def end(self, *, closed: bool) -> None:
        """Cancel the block, because its time is up or the session is closed."""
        self.ended = "closed" if closed else "time"
        self._task.cancel()

    def __exit__(
        self, cls: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        task = self._task
        # The task ends with the error whose traceback leads here: together they would be a cycle.
        del self._task
        if self.ended is None:
            return
        # As asyncio.timeout does: the cancellation is ours unless somebody else asked for one too.
        if task.uncancel() <= self._cancelling and cls is asyncio.CancelledError:
            raise self._error() from None

    def _error(self) -> CommerceLayerError:
        error: CommerceLayerError
        if self.ended == "closed":
            error = closed_meanwhile()
        else:
            seconds = self._deadlines.seconds or 0.0
            error = TimeoutError(
                f"{self._url} was not read within {seconds:g} s; the time was up in phase {self.phase!r}",
                url=self._url,
                phase=self.phase,
                seconds=seconds,
            )
        return self.explain(error)
