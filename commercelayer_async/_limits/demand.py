"""How much of a window interactive calls will need, judged by what they used lately.

Bulk calls would fill a window to the last request, and an interactive call that comes then waits until one fades. So
bulk calls leave what interactive ones are expected to use: their pace over the last windows, times the window. Where
there were none lately, bulk calls leave nothing, and read as fast as the windows allow.

After the first call much is reserved, and less with each moment that no other follows: one call is assumed a thirtieth
of a window before it.
"""

import math
from typing import Final

_MEMORY: Final = 2.0
"""Windows after which what was seen counts for a third, and after which none of it counts if nothing followed."""
_ASSUMED: Final = 1 / 30
"""Part of a window in which one call is assumed."""


class Demand:
    """The pace of interactive calls in one window. Only bulk calls look at it: it costs the others nothing."""

    __slots__ = ("_at", "_calls", "_last", "_seen", "_span")

    def __init__(self) -> None:
        self._seen = 0
        self._at = -math.inf
        self._last = -math.inf
        self._calls = 0.0
        self._span = 0.0

    def expected(self, total: int, in_window: int, since: float, now: float, seconds: float) -> int:
        """Calls to expect in a window of `seconds`; 0 where there were none lately.

        Args:
            total: Interactive calls that were ever counted in the window.
            in_window: Those that are counted now.
            since: The moment from which on there is something in the window.
            now: The time, in seconds from any start.
            seconds: The length of the window.
        """
        new, gap = max(0, total - self._seen), now - self._at
        self._seen, self._at = total, now
        if gap > seconds:
            # Nobody looked for long. Of what came meanwhile, only that in the window is known to have come lately.
            new, gap = max(0, min(new, in_window)), seconds
            self._calls, self._span = 0.0, min(seconds, now - since) if new else 0.0
        elif self._calls:
            fading = math.exp(-gap / (_MEMORY * seconds))
            self._calls *= fading
            self._span = self._span * fading + gap
        if new:
            self._calls += new
            self._last = now
        elif now - self._last > _MEMORY * seconds:
            self._calls = self._span = 0.0
        if not self._calls:
            return 0
        return math.ceil(seconds * (self._calls + 1.0) / (self._span + _ASSUMED * seconds))
