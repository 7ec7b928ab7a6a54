"""The calls of one event loop that wait for a place in a budget, by priority and endpoint, each in order of arrival."""

import asyncio
import math

from .._limits.budget import Priority
from .._limits.limiter import Lease, PausedTooLong
from .._tasks import WaitQueue


class Queues:
    """All that wait. Who was cancelled counts no more."""

    def __init__(self) -> None:
        self._queues: dict[Priority, dict[str, WaitQueue[Lease]]] = {priority: {} for priority in Priority}
        self._patience: dict[asyncio.Future[Lease], float] = {}
        """When the time of those is up who have not all the time there is."""

    def __bool__(self) -> bool:
        """True if anybody waits."""
        return any(queue for queues in self._queues.values() for queue in queues.values())

    def __len__(self) -> int:
        """How many wait."""
        return sum(len(queue) for queues in self._queues.values() for queue in queues.values())

    def has(self, type: str, priority: Priority) -> bool:
        """True if anybody waits at an endpoint with this priority."""
        return bool(self._queues[priority].get(type))

    def at(self, type: str) -> tuple[int, int]:
        """How many wait at an endpoint, interactive and bulk."""
        interactive, bulk = (len(self._queues[priority].get(type, ())) for priority in Priority)
        return interactive, bulk

    def types(self) -> list[str]:
        """The endpoints where calls wait, those first that have waited longest."""
        first: dict[str, int] = {}
        for queues in self._queues.values():
            for type, queue in list(queues.items()):
                if queue:
                    first[type] = min(first.get(type, queue.first_number), queue.first_number)
                else:
                    del queues[type]
        return sorted(first, key=first.__getitem__)

    def append(self, type: str, priority: Priority, *, due: float) -> "asyncio.Future[Lease]":
        """Join at the end, with time until a moment; await it by `wait`."""
        waiter = self._queues[priority].setdefault(type, WaitQueue()).append()
        if due < math.inf:
            self._patience[waiter] = due
        return waiter

    async def wait(self, waiter: "asyncio.Future[Lease]") -> Lease:
        """Wait for the turn; who is cancelled in the moment when it comes gives it back."""
        try:
            return await waiter
        except asyncio.CancelledError:
            if not waiter.cancelled() and waiter.done() and waiter.exception() is None:
                waiter.result().release()
            raise
        finally:
            self._patience.pop(waiter, None)

    def wake_next(self, type: str, priority: Priority, lease: Lease) -> None:
        """Give the first at an endpoint its place."""
        self._queues[priority][type].wake_next(lease)

    def fail_impatient(self, now: float, until: float) -> None:
        """Tell those of a pause whose time is up before its end."""
        for waiter, due in self._patience.items():
            if due < until and not waiter.done():
                waiter.set_exception(PausedTooLong(until - now))

    def fail_all(self, error: Exception) -> None:
        """Raise `error` in all that wait."""
        for queues in self._queues.values():
            for queue in queues.values():
                queue.fail_all(error)
            queues.clear()
