"""Single-flight: concurrent awaits of one key share one task.

The task is nobody's own, so whoever stops waiting stops nobody else; when the last one leaves, the task is cancelled.
Nothing is remembered once it has ended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from .._tasks import cancel_and_wait, consume_exception
from ..errors import closed_meanwhile, stopped_meanwhile


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
        self._tasks: set[asyncio.Task[Any]] = set()
        """Also those that nobody awaits any more and that are still ending."""
        self._closed = False

    async def do(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """The result of the task for `key`: the one under way, or the one that `start` begins.

        Raises:
            SessionError: the session was closed meanwhile, or the interpreter was interrupted while the task ran.
        """
        if self._closed:
            raise closed_meanwhile()
        flight = self._flights.get(key)
        if flight is None:
            flight = self._flights[key] = _Flight(asyncio.ensure_future(start()))
            self._tasks.add(flight.task)
            flight.task.add_done_callback(lambda task: self._on_done(key, task))
        flight.waiting += 1
        stopped: str | None = None
        try:
            return await asyncio.shield(flight.task)
        except asyncio.CancelledError:
            if self._closed:
                raise closed_meanwhile() from None
            raise
        except (KeyboardInterrupt, SystemExit) as error:
            # The task has raised it out of the event loop. Raised by each waiter too, it would break off the loop again
            # and again while the program ends.
            if not flight.task.done():
                raise
            stopped = type(error).__name__
        finally:
            flight.waiting -= 1
            if not flight.waiting and not flight.task.done():
                # Whoever comes next starts anew.
                if self._flights.get(key) is flight:
                    del self._flights[key]
                flight.task.cancel()
            # It holds the exception that leads to this frame.
            del flight
        raise stopped_meanwhile(stopped)

    async def close(self) -> None:
        """End all tasks; those who await them get `SessionError`."""
        self._closed = True
        await cancel_and_wait(tuple(self._tasks))

    def _on_done(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        self._tasks.discard(task)
        flight = self._flights.get(key)
        if flight is not None and flight.task is task:
            del self._flights[key]
        consume_exception(task)
