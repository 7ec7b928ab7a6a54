"""Single-flight: concurrent awaits of one key share one task.

The task is nobody's own, so whoever stops waiting stops nobody else; when the last one leaves, the task is cancelled.
Nothing is remembered once it has ended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from .._tasks import cancel_and_wait, consume_exception
from ..errors import closed_meanwhile


class _Flight:
    """A task under way, and how many await it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.task = task
        self.waiting = 0


class SingleFlight:
    """The tasks under way, by key."""

    def __init__(self) -> None:
        self._flights: dict[Hashable, _Flight] = {}
        self._closed = False

    async def do(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The result of the task for `key`: the one under way, or the one that `start` begins.

        Raises:
            SessionError: the session was closed meanwhile.
        """
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(start()))
            flight.task.add_done_callback(lambda task: self._on_done(key, task))
        flight.waiting += 1
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if self._closed:
                raise closed_meanwhile() from None
            raise
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                # Whoever comes next starts anew.
                self._flights.pop(key, None)
                flight.task.cancel()

    async def close(self) -> None:
        """End all tasks; those who await them get `SessionError`."""
        self._closed = True
        await cancel_and_wait([flight.task for flight in self._flights.values()])

    def _on_done(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        consume_exception(task)
