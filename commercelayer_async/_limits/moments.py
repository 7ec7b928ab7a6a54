"""Moments in order of time, in little memory where there may be very many: of windows of an hour, a day or a month.

A window keeps the moment of each request that it counts. Of 100,000 a day that would be megabytes, so those that lie
together count as one moment, the latest of them: each is counted a five-hundredth of the window too long at most, and
never too short. What is kept is a quarter of a megabyte for a window at most, however many requests it lets through.
"""

from collections import deque
from collections.abc import Iterable, Iterator
from itertools import chain, repeat
from typing import Final, TypeAlias

_MANY: Final = 5_000
"""Requests up to which each moment is kept, which is up to half a megabyte."""
_LONG: Final = 600.0
"""Seconds up to which each moment is kept: in so short a time no client makes too many requests for its memory."""
_GRAINS: Final = 500
"""Parts of a window in which moments count as one."""


class Grains:
    """A deque of moments that come in order, of which those within a grain are kept as the latest of them."""

    __slots__ = ("_count", "_grain", "_runs")

    def __init__(self, grain: float) -> None:
        self._grain = grain
        self._count = 0
        self._runs: deque[tuple[float, float, int]] = deque()
        """The first moment, the latest, and how many."""

    def __len__(self) -> int:
        return self._count

    def __iter__(self) -> Iterator[float]:
        return chain.from_iterable(repeat(latest, count) for _, latest, count in self._runs)

    def __reversed__(self) -> Iterator[float]:
        return chain.from_iterable(repeat(latest, count) for _, latest, count in reversed(self._runs))

    def __getitem__(self, n: int) -> float:
        """The moment at a place from 0 on."""
        for _, latest, count in self._runs:
            if n < count:
                return latest
            n -= count
        raise IndexError(n)

    def append(self, moment: float) -> None:
        """Add a moment that is not before the latest."""
        self._count += 1
        if self._runs and moment - self._runs[-1][0] <= self._grain:
            first, _, count = self._runs.pop()
            self._runs.append((first, moment, count + 1))
        else:
            self._runs.append((moment, moment, 1))

    def extend(self, moments: Iterable[float]) -> None:
        """Add moments that are not before the latest, in order."""
        for moment in moments:
            self.append(moment)

    def popleft(self) -> float:
        """Remove the first."""
        first, latest, count = self._runs.popleft()
        if count > 1:
            self._runs.appendleft((first, latest, count - 1))
        self._count -= 1
        return latest


Moments: TypeAlias = deque[float] | Grains


def moments(limit: int, seconds: float, kept: Iterable[float] = ()) -> Moments:
    """What keeps the moments of a window, with those that are kept already."""
    made: Moments = Grains(seconds / _GRAINS) if are_many(limit, seconds) else deque()
    made.extend(kept)
    return made


def are_many(limit: int, seconds: float) -> bool:
    """True for a window that lets through so many requests that not each moment is kept."""
    return limit > _MANY and seconds > _LONG
