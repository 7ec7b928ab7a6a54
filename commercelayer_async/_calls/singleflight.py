"""Calls that many await and one makes.

The call runs in a task of its own, so whoever stops waiting stops nobody else; when the last one leaves, the call is
cancelled. Nothing is remembered once it has ended.
"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any

from ..errors import SessionError


class _Call:
    """A call under way, and how many await it."""

    __slots__ = ("task", "waiting")

    def __init__(self, task: "asyncio.Task[Any]") -> None:
        self.task = task
        self.waiting = 0


class SingleFlight:
    """The calls of one session that are under way, by what they are for."""

    def __init__(self) -> None:
        self._calls: dict[Hashable, _Call] = {}
        self._closed = False

    async def call(self, key: Hashable, start: Callable[[], Coroutine[Any, Any, Any]]) -> Any:
        """What the call for `key` gives: the one under way, or the one that `start` makes.

        Raises:
            SessionError: the session was closed meanwhile.
        """
        call = self._calls.get(key)
        if call is None:
            call = self._calls[key] = _Call(asyncio.ensure_future(start()))
            call.task.add_done_callback(lambda task: self._ended(key, task))
        call.waiting += 1
        try:
            return await asyncio.shield(call.task)
        except asyncio.CancelledError:
            if self._closed:
                raise SessionError("the session was closed while the answer was awaited") from None
            raise
        finally:
            call.waiting -= 1
            if not call.waiting and not call.task.done():
                # Whoever comes next starts anew.
                self._calls.pop(key, None)
                call.task.cancel()

    async def close(self) -> None:
        """End all calls; those who await them get `SessionError`."""
        tasks = [call.task for call in self._calls.values()]
        self._closed = True
        for task in tasks:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks)

    def _ended(self, key: Hashable, task: "asyncio.Task[Any]") -> None:
        call = self._calls.get(key)
        if call is not None and call.task is task:
            del self._calls[key]
        if not task.cancelled():
            task.exception()  # seen, should everybody have stopped waiting
