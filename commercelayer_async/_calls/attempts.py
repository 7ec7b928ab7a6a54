"""When another attempt is made, and when never: for calls and for token requests alike.

`judge` says what a failure means, from the failure alone. `Attempts` counts what a call has had and decides, within the
retry policy and the session's retry budget, whether another attempt follows and after how long.
"""

import math
from enum import Enum
from typing import Final

import attrs

from .._clock import Clock
from .._rate_dialects import LONGEST_WAIT
from .._retry import Retry, RetryBudget
from ..errors import (
    ApiError,
    AuthError,
    BodyTooLarge,
    CommerceLayerError,
    DecodeError,
    RateLimited,
    TimeoutError,
    TLSError,
    TransportError,
    Unauthorized,
)

_TRANSIENT: Final = frozenset({408, 500, 502, 503, 504})
_TOKEN_TRANSIENT: Final = _TRANSIENT | {429}


class Remedy(Enum):
    """What may help after a failure."""

    NONE = "none"
    """Another attempt cannot help."""
    ONE_MORE = "one more"
    """One more attempt may help: a response came, but garbled."""
    RETRY = "retry"
    """Another attempt may help."""
    NEW_TOKEN = "new token"  # noqa: S105 - the name of a remedy
    """A new token may help: this one was refused."""
    PAUSE = "pause"
    """Rate limited (429): the limiter pauses every call, this one included. It is not an attempt of the call's own."""


@attrs.frozen
class Verdict:
    """What a failure means."""

    remedy: Remedy
    wait: float = 0.0
    """Seconds that the server asks to wait at least."""
    cost: int = 0
    """Units of the retry budget that another attempt costs."""


_FINAL: Final = Verdict(Remedy.NONE)


def judge(failure: CommerceLayerError, *, no_permission_code: str) -> Verdict:  # noqa: PLR0911 - one table
    """What a failure means for the call it happened to; nothing but the failure decides.

    A GET may always be repeated, so what counts is whether it can help. What did not arrive, what broke off, and what
    the server could not do just now may go better; what it refused will not.
    """
    match failure:
        case RateLimited(retry_after=seconds):
            return Verdict(Remedy.PAUSE, wait=seconds or 0.0)
        case Unauthorized(code=code):
            # The token is good where the code says that it may not read this record.
            return _FINAL if no_permission_code and code == no_permission_code else Verdict(Remedy.NEW_TOKEN)
        case TLSError() | BodyTooLarge() | TransportError(is_final=True):
            return _FINAL
        case TimeoutError():
            return Verdict(Remedy.RETRY, cost=10)
        case TransportError():
            return Verdict(Remedy.RETRY, cost=5)
        case ApiError(status=status, retry_after=seconds) if status in _TRANSIENT:
            return Verdict(Remedy.RETRY, wait=seconds or 0.0, cost=5)
        case AuthError(status=status, retry_after=seconds) if status in _TOKEN_TRANSIENT:
            return Verdict(Remedy.RETRY, wait=seconds or 0.0, cost=5)
        case DecodeError(offset=offset) if offset is not None:
            return Verdict(Remedy.ONE_MORE, cost=5)
        case _:
            return _FINAL


def is_sane_wait(seconds: float) -> bool:
    """True unless nobody can mean to wait that long."""
    return seconds <= LONGEST_WAIT


class Attempts:
    """The attempts of one call."""

    __slots__ = ("_budget", "_clock", "_made", "_renewed", "_renews", "_retry", "_retry_cost")

    def __init__(self, retry: Retry, budget: "RetryBudget | None", clock: Clock, *, renews: bool = False) -> None:
        """Begin with none; `renews` says that a refused token can be replaced, `budget` is None for no limit."""
        self._retry = retry
        self._budget = budget
        self._clock = clock
        self._renews = renews
        self._made = 1
        self._retry_cost = 0
        self._renewed = False

    def wait_before_next(self, verdict: Verdict) -> float | None:
        """Seconds until the next attempt after a failure so judged; None if there is to be none."""
        match verdict.remedy:
            case Remedy.NONE:
                return None
            case Remedy.NEW_TOKEN:
                # Once: a new token that is refused too will not get better.
                renewed, self._renewed = self._renewed, True
                return 0.0 if self._renews and not renewed else None
            case Remedy.PAUSE:
                return verdict.wait if is_sane_wait(verdict.wait) and self._retry.attempts > 1 else None
            case _:
                return self._wait_before_retry(verdict)

    def succeeded(self) -> None:
        """Give the budget back what the last attempt cost, or one unit where the first one succeeded."""
        if self._budget is not None:
            self._budget.give_back(self._retry_cost or 1)

    def _wait_before_retry(self, verdict: Verdict) -> float | None:
        if not is_sane_wait(verdict.wait):
            return None
        self._made += 1
        most = min(self._retry.attempts, 2 if verdict.remedy is Remedy.ONE_MORE else math.inf)
        if self._made > most:
            return None
        if self._budget is not None and not self._budget.take(verdict.cost):
            return None
        self._retry_cost = verdict.cost
        return max(self._retry.wait_before(self._made, self._clock.random), verdict.wait)
