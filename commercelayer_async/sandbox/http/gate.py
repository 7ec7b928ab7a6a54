"""Holds answers back until somebody opens it."""

import asyncio
from threading import Lock


class Gate:
    """Closed at first; once opened it stays open.

    Unlike an `asyncio.Event` it may be opened from another thread than the sandbox runs in.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_open = False
        self._waiting = dict[asyncio.Event, asyncio.AbstractEventLoop]()

    @property
    def waiting(self) -> int:
        """How many answers it holds back now."""
        return len(self._waiting)

    def open(self) -> None:
        """Let everybody through, now and later."""
        with self._lock:
            self._is_open = True
            for event, loop in self._waiting.items():
                loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        """Return when it is open."""
        event = asyncio.Event()
        with self._lock:
            if self._is_open:
                return
            self._waiting[event] = asyncio.get_running_loop()
        try:
            await event.wait()
        finally:
            with self._lock:
                del self._waiting[event]
