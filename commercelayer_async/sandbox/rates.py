"""Rate limits as the API tells them: the average window only, sliding, in three headers.

Nothing is refused: the limits are those of the test mode, counted truthfully. The burst window of ten seconds
exists in the API but never shows in a header.
"""

from collections import deque
from collections.abc import Callable, Mapping

import attrs


@attrs.define
class Window:
    """A sliding window over the requests of one class."""

    limit: int
    interval: float
    """Seconds."""
    clock: Callable[[], float]
    _times: deque[float] = attrs.field(factory=deque[float], init=False, repr=False)

    def count(self) -> Mapping[str, str]:
        """Take note of a request now, and give the headers for its answer."""
        now = self.clock()
        while self._times and self._times[0] <= now - self.interval:
            self._times.popleft()
        self._times.append(now)
        return {
            "X-Ratelimit-Limit": str(self.limit),
            "X-Ratelimit-Interval": f"{self.interval:g}",
            "X-Ratelimit-Remaining": str(max(0, self.limit - len(self._times))),
        }


def core_window(clock: Callable[[], float]) -> Window:
    """Reads of what is not cacheable, test mode."""
    return Window(100, 60.0, clock)


def token_window(clock: Callable[[], float]) -> Window:
    """Requests for tokens, both modes together."""
    return Window(30, 60.0, clock)
