"""One virtual time, and the event loops that share it.

Each loop stands for a process: the package keeps what it shares by loop. They run in one thread, a turn each, so that
a run has one order of events. Time moves only when no loop has anything ready: to the next timer of any of them.
"""

import asyncio
import math
from collections.abc import Callable, Sequence
from heapq import heappop
from typing import Any

import attrs

from commercelayer_async._clock import Clock, Timer
from commercelayer_async._markers import override
from tests.support.virtual_loop import VirtualLoop

WALL = 1_700_000_000.0
"""POSIX seconds at the beginning, when the virtual time is 1000."""
_MAX_TURNS = 20_000
"""Turns without a step of the time, after which something spins."""


@attrs.define
class Time:
    """The moment, for all loops."""

    moment: float = 1000.0


class ProcessLoop(VirtualLoop):
    """A virtual loop that is run turn by turn, in a time that it shares with others."""

    def __init__(self, time: Time) -> None:
        self._shared = time
        self.killed = False
        """True once its process was killed: nothing happens in it any more."""
        self.errors: list[str] = []
        """What nobody saw: exceptions of tasks and callbacks."""
        super().__init__()
        self.set_exception_handler(self._on_error)

    @property
    def moment(self) -> float:
        return self._shared.moment

    @moment.setter
    def moment(self, value: float) -> None:
        # The selector adds the time that it would have waited: none, as each turn is asked to stop after itself.
        self._shared.moment = max(value, self._shared.moment)

    @property
    def is_ready(self) -> bool:
        """True if a callback is ready, or a timer is due."""
        return not self.killed and (bool(self._ready) or self.next_timer <= self._shared.moment)

    @property
    def next_timer(self) -> float:
        """The moment of the next timer; infinity if there is none."""
        timers = self._scheduled
        while timers and timers[0].cancelled():
            # As the loop does itself, at its next turn.
            self._timer_cancelled_count -= 1
            heappop(timers)._scheduled = False
        return timers[0].when() if timers and not self.killed else math.inf

    @property
    def timers(self) -> list[Any]:
        """The timers that are set."""
        return [timer for timer in ([] if self.killed else self._scheduled) if not timer.cancelled()]

    def turn(self) -> None:
        """Run what is ready, once."""
        if self.killed:
            return
        self.stop()
        self.run_forever()

    def _on_error(self, _: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
        error = context.get("exception")
        self.errors.append(f"{context.get('message')}: {error!r}" if error is not None else str(context.get("message")))

    _ready: Any
    _scheduled: Any
    _timer_cancelled_count: int


class Stuck(Exception):
    """A run that does not go on: nothing is left that could wake anybody, or something never rests."""


def run_until(loops: Sequence[ProcessLoop], time: Time, done: Callable[[], bool], *, horizon: float) -> None:
    """Run loops until `done`.

    Raises:
        Stuck: they never will be, or not before the horizon.
    """
    turns = 0
    while not done():
        ready = [loop for loop in loops if loop.is_ready]
        if ready:
            turns += 1
            if turns > _MAX_TURNS:
                raise Stuck("spins")
            for loop in ready:
                loop.turn()
            continue
        turns = 0
        when = min(loop.next_timer for loop in loops)
        if when > horizon:
            raise Stuck("no timer" if when == math.inf else "horizon")
        time.moment = when


class SimulatedClock(Clock):
    """The clock of one session: the loop's time, and chance of its own."""

    def __init__(self, time: Time, chance: Callable[[], float]) -> None:
        self._time = time
        self._chance = chance

    @override
    def now(self) -> float:
        return self._time.moment

    @override
    async def sleep(self, seconds: float) -> None:
        await asyncio.sleep(seconds)

    @override
    def at(self, when: float, callback: Callable[[], None]) -> Timer:
        return asyncio.get_running_loop().call_at(when, callback)

    @override
    def random(self) -> float:
        return self._chance()

    @override
    def wall_time(self) -> float:
        return WALL + self._time.moment - 1000.0
