"""What is left until a reset, where a service tells no more: neither how long its window is nor where it lies.

What the server does: it counts down, and at some moment begins anew. Each response reports what was left when its
request was counted, and the seconds to the reset, which may be rounded either way.

What we do: let so many requests be under way as were left at last. Those that were counted later than the report are
among them, so no more are counted than the server allows. Of several reports of a window the lowest is the latest. A
response without a report counts as one request less. After the reset as many may be under way as the limit, until a
response reports of the new window; what is heard of the old one is late and says nothing.

A reset that is further than an hour is not believed for longer than that: then one request asks again.
"""

import math
from typing import Final

_ROUNDING: Final = 1.0
"""Seconds by which a whole number of them may be too low; a fraction by a tenth of that."""
_ASK_AGAIN: Final = 3600.0
"""Seconds after which one request asks again, where nothing is left."""


class Quota:
    """Requests that are left in a window of unknown length."""

    __slots__ = ("_asks_at", "_left", "_limit", "_resets_after", "_resets_at")

    def __init__(self) -> None:
        self._left: float = 0
        self._limit: float = math.inf
        self._resets_after = self._resets_at = -math.inf
        """The earliest and the latest moment at which the window that was heard of begins anew."""
        self._asks_at = math.inf

    def has_room(self, under_way: int, now: float) -> bool:
        """True if a request may leave now, while so many are under way."""
        if now >= self._resets_at:
            return under_way < self._limit
        return under_way < self._left or (not under_way and now >= self._asks_at)

    def has_room_at(self, under_way: int, now: float) -> float:
        """The moment when one may leave if nothing else happens.

        0.0 stands for now, infinity for a moment that depends on a response.
        """
        if self.has_room(under_way, now):
            return 0.0
        if under_way:
            return self._resets_at if now < self._resets_at and under_way < self._limit else math.inf
        return min(self._resets_at, self._asks_at)

    def update(self, left: int, resets_in: float, limit: int | None, *, began: float, now: float) -> None:
        """Take over what a response reports; its request began at `began`."""
        rounding = _ROUNDING if resets_in.is_integer() else _ROUNDING / 10
        earliest, latest = began + resets_in - rounding, now + resets_in + rounding
        if earliest > self._resets_at:
            # Of a newer window than was heard of before.
            self._left, self._resets_after, self._resets_at = left, earliest, latest
        elif latest >= self._resets_after and now < self._resets_at:
            self._left = min(self._left, left)
        else:
            # Late, and of a window that is over.
            return
        self._limit = limit if limit is not None else math.inf
        self._asks_at = now + _ASK_AGAIN

    def lose(self, requests: int, now: float) -> None:
        """Count requests of which no report came: the server may have counted them."""
        self._left = max(0, self._left - requests)
        if requests:
            self._asks_at = now + _ASK_AGAIN

    def is_over(self, now: float) -> bool:
        """True if the window that was heard of has begun anew."""
        return now >= self._resets_at
