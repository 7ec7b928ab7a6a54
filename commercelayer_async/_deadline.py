"""One deadline around a whole call, whatever it is waiting for.

`asyncio.timeout` makes and cancels a timer for each call. Here calls that are allowed the same time share one timer:
the first to begin is the first to be overdue, so a queue in order of arrival is enough, and a call that ends in time
costs two operations on a dictionary.
"""

import asyncio
from types import TracebackType
from typing import Final, Self, cast

from .errors import TimeoutError  # noqa: A004


class Deadlines:
    """The deadlines of calls that may take `seconds` each; None for as long as they like."""

    def __init__(self, seconds: float | None) -> None:
        self.seconds: Final = seconds
        self._pending: dict[Deadline, float] = {}
        self._timer: asyncio.TimerHandle | None = None

    def add(self, deadline: "Deadline") -> None:
        """Watch over a call that begins now."""
        if self.seconds is None:
            return
        loop = asyncio.get_running_loop()
        due = self._pending[deadline] = loop.time() + self.seconds
        if self._timer is None:
            self._timer = loop.call_at(due, self._expire)

    def remove(self, deadline: "Deadline") -> None:
        """The call has ended."""
        self._pending.pop(deadline, None)

    def close(self) -> None:
        """Stop watching."""
        self._pending.clear()
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _expire(self) -> None:
        self._timer = None
        loop = asyncio.get_running_loop()
        now = loop.time()
        for deadline, due in list(self._pending.items()):
            if due > now:
                self._timer = loop.call_at(due, self._expire)
                return
            del self._pending[deadline]
            deadline.expire()


class Deadline:
    """A `with` block that ends in time: what is awaited in it is cancelled when the time is up.

    `phase` is what the block is doing, for the error.

    Raises:
        TimeoutError: the time was up.
    """

    __slots__ = ("_cancelling", "_deadlines", "_expired", "_task", "_url", "phase")

    def __init__(self, deadlines: Deadlines, url: str) -> None:
        self.phase = "connect"
        self._deadlines = deadlines
        self._url = url
        self._expired = False

    def __enter__(self) -> Self:
        self._task = cast("asyncio.Task[object]", asyncio.current_task())  # whatever awaits runs in a task
        self._cancelling = self._task.cancelling()
        self._deadlines.add(self)
        return self

    def expire(self) -> None:
        """The time is up."""
        self._expired = True
        self._task.cancel()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._deadlines.remove(self)
        if not self._expired:
            return
        # As asyncio.timeout does: the cancellation is ours unless somebody else asked for one too.
        if self._task.uncancel() <= self._cancelling and kind is asyncio.CancelledError:
            seconds = self._deadlines.seconds or 0.0
            raise TimeoutError(
                f"{self._url} was not read within {seconds:g} s; the time was up in phase {self.phase!r}",
                url=self._url,
                phase=self.phase,
                seconds=seconds,
            ) from None
