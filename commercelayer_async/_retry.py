"""How a session tries again: the policy, the retry budget, and what a server asks for.

Waits are drawn evenly from zero to a bound that doubles with each attempt ("full jitter"), so that those who failed
together do not come back together. A retry budget per session keeps an outage from multiplying the traffic. What a
failure means is judged elsewhere (`_calls/attempts`).
"""

import math
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from ._markers import public
from ._plain import make_plain
from ._rate_dialects import posix_time
from .errors import ConfigurationError

SHORTEST_WAIT: Final = 0.05
"""Seconds to wait at least where a server asks for none: no tight loop."""


@public("commercelayer_async")
@attrs.frozen(kw_only=True)
class Retry:
    """How a session tries again. `Retry.web()` and `Retry.worker()` suit a request handler and a bulk worker."""

    attempts: int = 4
    """Attempts of one call at most, the first included. Waiting for a rate limit does not use them up."""
    base: float = 0.1
    """Seconds that the wait before the second attempt is at most; it doubles with each further attempt."""
    cap: float = 20.0
    """Seconds that a wait is at most, unless the server asks for more."""
    quota: int = 500
    """Units for all retries of a session: each costs 5, after a time-out 10, and each success gives 1 back."""

    def __attrs_post_init__(self) -> None:
        make_plain(self, "attempts", "base", "cap", "quota")
        for name in ("attempts", "quota"):
            value: object = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < (name == "attempts"):
                raise ConfigurationError(f"Retry.{name} must be a whole number of {int(name == 'attempts')} or more")
        for name in ("base", "cap"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or isinstance(value, bool) or not 0 <= value < math.inf:
                raise ConfigurationError(f"Retry.{name} must be a number of seconds, 0 or more")

    @classmethod
    def web(cls) -> "Retry":
        """For a request handler, whose own caller waits: few attempts, close together."""
        return cls(attempts=3, base=0.05, cap=2.0)

    @classmethod
    def worker(cls) -> "Retry":
        """For a bulk worker, which has time: many attempts, far apart."""
        return cls(attempts=8, base=0.5, cap=60.0)

    @classmethod
    def never(cls) -> "Retry":
        """One attempt and no more."""
        return cls(attempts=1)

    def wait_before(self, attempt: int, random: Callable[[], float]) -> float:
        """Seconds to wait before attempt number `attempt`, from 2 on; `random` gives a number from 0.0 to 1.0."""
        return random() * min(self.cap, self.base * 2.0 ** min(attempt - 2, 32))


def retry_after(headers: Mapping[str, str], *, now: float) -> float | None:
    """Seconds that a server asks to wait: whole or not, or a date (RFC 9110, 10.2.3); None if it asks for nothing sane.

    `headers` are by lower-case name. A date counts from the server's own `date`, else from `now` (POSIX seconds).
    """
    text = headers.get("retry-after", "").strip()
    if not text or not text.isascii() or len(text) > 100:  # noqa: PLR2004 - no sane value is longer
        return None
    try:
        seconds = float(text)
    except ValueError:
        moment = posix_time(text)
        start = posix_time(headers.get("date", ""))
        return None if moment is None else max(moment - (now if start is None else start), SHORTEST_WAIT)
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return max(seconds, SHORTEST_WAIT)


class RetryBudget:
    """A retry budget. If it is too low for another retry, the call fails at once."""

    def __init__(self, units: int) -> None:
        self._most: Final = units
        self._left = units

    def take(self, units: int) -> bool:
        """Pay for a retry; False if too little is left."""
        if units > self._left:
            return False
        self._left -= units
        return True

    def give_back(self, units: int = 1) -> None:
        """Pay back after a success: what its last retry cost, or one unit where it needed none."""
        self._left = min(self._most, self._left + units)
