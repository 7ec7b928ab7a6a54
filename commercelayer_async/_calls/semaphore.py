"""As many calls at once as there are connections, and the others in order of arrival.

aiohttp has a queue of its own in front of its connections, but the time spent there looks like the server's. Here it is
the call's own phase, and a call that passes without waiting pays for a comparison.
"""

import asyncio
from collections import deque


class FifoSemaphore:
    """Places for `limit` calls."""

    def __init__(self, limit: int) -> None:
        self._free = limit
        self._waiting: deque[asyncio.Future[None]] = deque()

    def try_acquire(self) -> bool:
        """Whether there is a place now; then it is taken."""
        if self._free <= 0:
            return False
        self._free -= 1
        return True

    async def acquire(self) -> None:
        """Take a place when there is one, first come first served."""
        turn = asyncio.get_running_loop().create_future()
        self._waiting.append(turn)
        try:
            await turn
        except asyncio.CancelledError:
            if turn.done() and not turn.cancelled():
                self.release()
            raise

    def release(self) -> None:
        """Give a place up, to the first who waits for one."""
        while self._waiting:
            turn = self._waiting.popleft()
            if not turn.done():
                turn.set_result(None)
                return
        self._free += 1


def cap_to_open_file_limit(wanted: int) -> int:
    """Connections that the process may have: `wanted`, but at most half of the files that it may open."""
    try:
        # Absent on Windows, whose limit is far away.
        import resource  # noqa: PLC0415
    except ImportError:
        return wanted
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, files // 2))
