"""Primitives of asyncio that several rooms need, each written once.

A waiter is a future that somebody awaits until it is their turn. It may be cancelled in the very moment when its turn
comes; a queue of waiters has to expect that.
"""

import asyncio
from collections import deque
from collections.abc import Iterable
from itertools import count
from typing import Any, Final, Generic, TypeVar

T = TypeVar("T")

next_number: Final = count().__next__
"""The number of the next who comes; whoever comes later has a higher one."""


class WaitQueue(Generic[T]):
    """Waiters in order of arrival. Those who were cancelled are passed over and never get a turn."""

    __slots__ = ("_waiters",)

    def __init__(self) -> None:
        self._waiters: deque[tuple[int, asyncio.Future[T]]] = deque()

    def __bool__(self) -> bool:
        """True if anybody waits."""
        self._drop_cancelled()
        return bool(self._waiters)

    def __len__(self) -> int:
        """How many wait."""
        return sum(not waiter.done() for _, waiter in self._waiters)

    @property
    def first_number(self) -> int:
        """The number of the first waiter: it shows who came earlier, also among several queues."""
        return self._waiters[0][0]

    def append(self) -> "asyncio.Future[T]":
        """Join the queue at its end; await what this returns."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        self._waiters.append((next_number(), waiter))
        return waiter

    def insert(self, number: int) -> "asyncio.Future[T]":
        """Join the queue behind all with lower numbers; await what this returns."""
        waiter: asyncio.Future[T] = asyncio.get_running_loop().create_future()
        index = next((n for n, (other, _) in enumerate(self._waiters) if other > number), len(self._waiters))
        self._waiters.insert(index, (number, waiter))
        return waiter

    def discard_done(self) -> None:
        """Drop all who were cancelled, wherever they stand."""
        self._waiters = deque(entry for entry in self._waiters if not entry[1].done())

    def wake_next(self, value: T) -> bool:
        """Give the first waiter `value`; False if nobody waits."""
        self._drop_cancelled()
        if not self._waiters:
            return False
        self._waiters.popleft()[1].set_result(value)
        return True

    def wake_all(self, value: T) -> None:
        """Give every waiter `value`."""
        while self.wake_next(value):
            pass

    def fail_all(self, error: BaseException) -> None:
        """Raise `error` in every waiter."""
        waiters, self._waiters = self._waiters, deque()
        for _, waiter in waiters:
            if not waiter.done():
                waiter.set_exception(error)

    def remove(self, waiter: "asyncio.Future[T]") -> None:
        """Take a waiter out of the queue, whom nobody awaits any more."""
        self._waiters = deque(one for one in self._waiters if one[1] is not waiter)

    def _drop_cancelled(self) -> None:
        while self._waiters and self._waiters[0][1].done():
            del self._waiters[0]


def consume_exception(task: "asyncio.Future[Any]") -> None:
    """Mark a task's exception as seen: without it asyncio logs one that nobody awaited. Fit for a done callback."""
    if not task.cancelled():
        task.exception()


async def cancel_and_wait(tasks: "Iterable[asyncio.Task[Any]]") -> None:
    """Cancel tasks and wait until they have ended, however they do; their exceptions count as seen."""
    pending = [task for task in tasks if not task.done()]
    for task in pending:
        # A callback, as whoever waits here may be cancelled before the task has ended.
        task.add_done_callback(consume_exception)
        task.cancel()
    if pending:
        await asyncio.wait(pending)


def is_cancelled() -> bool:
    """True if somebody cancelled the current task, and not only what it awaits."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
