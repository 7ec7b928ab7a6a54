"""Time and chance, as everything here takes them: as a parameter, so that a test runs an hour in a millisecond."""

import asyncio
import random
import time
from collections.abc import Callable
from typing import Protocol

from ._markers import override


class Timer(Protocol):
    """A callback that is due at some moment, unless it is cancelled."""

    def cancel(self) -> None:
        """Never call back."""
        ...


class Clock(Protocol):
    """A monotonic clock, whose zero means nothing, and a source of chance."""

    def now(self) -> float:
        """Seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait for that time."""
        ...

    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        """Call back when `now()` is `when`."""
        ...

    def random(self) -> float:
        """A number from 0.0 up to, but not including, 1.0: for spreading waits, never for secrets."""
        ...

    def wall_time(self) -> float:
        """POSIX seconds, for what other machines read or wrote; it may jump."""
        ...


class LoopClock(Clock):
    """The clock of the event loop where it is first read, which neither a clock set back nor a leap second disturbs."""

    def __init__(self, *, random: Callable[[], float] = random.Random().random) -> None:  # noqa: B008, S311 - one for all
        self._random = random

    @override
    def now(self) -> float:
        loop = asyncio.get_running_loop()
        # From now on the loop's own method stands in place of this one: it is read four times in each call.
        vars(self)["now"] = loop.time
        return loop.time()

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @override
    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_at(when, callback)

    @override
    def random(self) -> float:
        return self._random()

    @override
    def wall_time(self) -> float:
        return time.time()
