"""Time and chance, as everything here takes them: from outside, so that a test can run an hour in a millisecond."""

import asyncio
import random
from collections.abc import Callable
from typing import Protocol


class Timer(Protocol):
    """Something that will happen, unless it is cancelled."""

    def cancel(self) -> None:
        """Let it not happen."""
        ...


class Clock(Protocol):
    """A monotonic clock; its zero means nothing."""

    def now(self) -> float:
        """Seconds."""
        ...

    async def sleep(self, seconds: float) -> None:
        """Wait so long."""
        ...

    def at(self, when: float, happen: Callable[[], None]) -> Timer:
        """Call `happen` when `now()` is `when`."""
        ...


class LoopClock:
    """The clock of the event loop where it is first read, which neither a clock set back nor a leap second disturbs."""

    def __init__(self) -> None:
        self._time: Callable[[], float] | None = None

    def now(self) -> float:
        """See `Clock.now`."""
        if self._time is None:
            self._time = asyncio.get_running_loop().time
        return self._time()

    async def sleep(self, seconds: float) -> None:
        """See `Clock.sleep`."""
        await asyncio.sleep(seconds)

    def at(self, when: float, happen: Callable[[], None]) -> Timer:
        """See `Clock.at`."""
        return asyncio.get_running_loop().call_at(when, happen)


Chance = Callable[[], float]
"""A number from 0.0 up to, but not including, 1.0."""

chance: Chance = random.Random().random  # noqa: S311 - it spreads waits, and guards nothing
