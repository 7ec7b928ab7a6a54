"""A first-in-first-out semaphore in front of the connection pool.

aiohttp has a queue of its own in front of its connections, but time spent there looks like the server's. Here it is a
phase of the call, and a call that passes without waiting pays for a comparison.
"""

from .._tasks import WaitQueue


class FifoSemaphore:
    """As many holders at once as `limit`, and the others in order of arrival."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: WaitQueue[None] = WaitQueue()

    def try_acquire(self) -> bool:
        """Hold it if it is free; True if so."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    async def acquire(self) -> None:
        """Hold it as soon as it is free, first come first served."""
        waiter = self._waiting.append()
        try:
            await waiter
        except BaseException:
            # Cancelled, or dropped with its event loop. If that was in the moment when its turn came, the turn goes to
            # the next.
            if not waiter.done():
                self._waiting.remove(waiter)
            elif not waiter.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Hand it to the first who waits for it, or leave it free."""
        if not self._waiting.wake_next(None):
            self._free += 1
