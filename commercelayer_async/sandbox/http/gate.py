"""A gate that holds responses back until a test opens it."""

import asyncio
from threading import Lock

from ..._markers import public


@public("commercelayer_async.sandbox")
class Gate:
    """A barrier for delayed responses: closed at first, and open for good once it was opened.

    Unlike an `asyncio.Event` it may be opened from another thread than that in which the sandbox runs.
    """

    def __init__(self) -> None:
        self._lock = Lock()
        self._is_open = False
        self._waiting = dict[asyncio.Event, asyncio.AbstractEventLoop]()

    @property
    def waiting(self) -> int:
        """How many responses it holds back now."""
        return len(self._waiting)

    def open(self) -> None:
        """Let all waiting responses go, and all later ones at once."""
        with self._lock:
            self._is_open = True
            for event, loop in self._waiting.items():
                loop.call_soon_threadsafe(event.set)

    async def wait(self) -> None:
        """Wait until the gate is open."""
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
