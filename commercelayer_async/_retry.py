"""When to try again, and when never.

A GET may always be repeated, so what decides is whether it can help: what did not arrive, what broke off and what the
server could not do just now may go better; what it refused will not. Waits are drawn evenly from zero to a bound that
doubles with each try ("full jitter"), so that those who failed together do not come back together. A quota per session
keeps an outage from multiplying the traffic.
"""

import math
from collections.abc import Mapping
from email.utils import parsedate_to_datetime
from enum import Enum
from typing import Final

import attrs

from ._clock import Chance
from .errors import (
    ApiError,
    BodyTooLarge,
    CommerceLayerError,
    ConfigurationError,
    DecodeError,
    RateLimited,
    TimeoutError,
    TLSError,
    TransportError,
)

_TRANSIENT: Final = frozenset({408, 500, 502, 503, 504})
_LONGEST: Final = 10 * 24 * 3600.0
"""Seconds; a server that asks for more has lost its clock."""
_SHORTEST: Final = 0.05
"""Seconds to wait at least where a server asks for none: no tight loop."""


class Kind(Enum):
    """What a failure calls for."""

    FINAL = "final"
    """Another try cannot help."""
    ONCE = "once"
    """One more try may help: the answer came, but garbled."""
    TRANSIENT = "transient"
    """Another try may help."""
    THROTTLED = "throttled"
    """Too many requests: wait with all others at the gate."""


@attrs.frozen(kw_only=True)
class Retry:
    """How a session tries again. `Retry.web()` and `Retry.worker()` suit a request handler and a bulk worker."""

    attempts: int = 4
    """Tries of one call at most, the first included. Waiting for a rate limit does not use them up."""
    base: float = 0.1
    """Seconds that the wait before the second try is at most; it doubles with each further try."""
    cap: float = 20.0
    """Seconds that a wait is at most, unless the server asks for more."""
    quota: int = 500
    """Units for all retries of a session: each costs 5, after a time-out 10, and each success gives 1 back."""

    def __attrs_post_init__(self) -> None:
        for name in ("attempts", "quota"):
            value: object = getattr(self, name)
            if not isinstance(value, int) or isinstance(value, bool) or value < (name == "attempts"):
                raise ConfigurationError(f"Retry.{name} must be a whole number of {int(name == 'attempts')} or more")
        for name in ("base", "cap"):
            value = getattr(self, name)
            if not isinstance(value, int | float) or not 0 <= value < math.inf:
                raise ConfigurationError(f"Retry.{name} must be a number of seconds, 0 or more")

    @classmethod
    def web(cls) -> "Retry":
        """For a request handler, whose own caller waits: few tries, close together."""
        return cls(attempts=3, base=0.05, cap=2.0)

    @classmethod
    def worker(cls) -> "Retry":
        """For a bulk worker, which has time: many tries, far apart."""
        return cls(attempts=8, base=0.5, cap=60.0)

    @classmethod
    def never(cls) -> "Retry":
        """One try and no more."""
        return cls(attempts=1)

    def wait_before(self, attempt: int, chance: Chance) -> float:
        """Seconds to wait before try number `attempt`, from 2 on."""
        return chance() * min(self.cap, self.base * 2.0 ** min(attempt - 2, 32))


def kind_of(error: CommerceLayerError) -> Kind:
    """What a failure calls for."""
    match error:
        case RateLimited():
            return Kind.THROTTLED
        case TLSError() | BodyTooLarge():
            return Kind.FINAL
        case TransportError():
            return Kind.TRANSIENT
        case ApiError(status=status):
            return Kind.TRANSIENT if status in _TRANSIENT else Kind.FINAL
        case DecodeError(offset=offset) if offset is not None:
            return Kind.ONCE
        case _:
            return Kind.FINAL


def cost_of(error: CommerceLayerError) -> int:
    """What a retry after `error` costs of the quota."""
    return 10 if isinstance(error, TimeoutError) else 5


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
        moment = _posix(text)
        start = _posix(headers.get("date", ""))
        return None if moment is None else max(moment - (now if start is None else start), _SHORTEST)
    if not math.isfinite(seconds) or seconds < 0:
        return None
    return max(seconds, _SHORTEST)


def sane(seconds: float) -> bool:
    """Whether anybody could mean to wait so long."""
    return seconds <= _LONGEST


def _posix(text: str) -> float | None:
    try:
        return parsedate_to_datetime(text).timestamp()
    except (ValueError, TypeError, OverflowError, OSError):
        return None


class Quota:
    """What is left for retries; nobody waits for it, a call that finds too little fails at once."""

    def __init__(self, units: int) -> None:
        self._most: Final = units
        self._left = units

    def take(self, units: int) -> bool:
        """Whether a retry may be made for so much."""
        if units > self._left:
            return False
        self._left -= units
        return True

    def give_back(self, units: int = 1) -> None:
        """A call succeeded: what its last retry cost, or one unit where it needed none."""
        self._left = min(self._most, self._left + units)
