"""Leases of any limiter: of the one here, which keeps its word, and of a caller's, which may raise or lie.

What the protocol does not promise, the engine does not assume: a limiter of a caller's need not hold anybody back after
a refusal, and whatever its leases do, the response has come and the call goes on.
"""

import logging
import math
from collections.abc import Mapping
from typing import Final, cast

from .._limits.budget import Priority
from .._limits.limiter import Lease, Limiter, LocalLease, LocalLimiter, PausedTooLong, TimedLimiter, back_off
from ..errors import CommerceLayerError, ConfigurationError, RateLimited
from .deadline import Deadline

_log: Final = logging.getLogger("commercelayer_async")


async def wait_for_lease(
    limiter: Limiter, endpoint: str, *, priority: Priority, deadline: Deadline, turn: int | None, url: str
) -> Lease:
    """Wait in the limiter's queue; a call that was refused keeps its `turn`.

    Raises:
        ConfigurationError: the limiter gave no lease.
        RateLimited: it is known that no request leaves before the call's time is up.
    """
    if type(limiter) is not LocalLimiter and not isinstance(limiter, TimedLimiter):
        # Also a subclass, which may wait in a way of its own.
        lease = cast("object", await limiter.acquire(endpoint, priority=priority))
        if lease is None:
            raise ConfigurationError("the limiter's acquire() returned None, not a lease")
        return cast("Lease", lease)
    try:
        if isinstance(limiter, TimedLimiter):
            return await limiter.acquire_within(deadline.remaining(), endpoint, priority=priority)
        return await limiter.acquire_within(deadline.remaining(), endpoint, priority=priority, turn=turn)
    except PausedTooLong as paused:
        error = RateLimited(status=429, method="GET", url=url)
        error.retry_after = paused.seconds
    try:
        raise deadline.explain(error)
    finally:
        del error


def settle(lease: Lease, status: int | None, headers: Mapping[str, str], retry_after: float | None = None) -> float:
    """Report a response to a limiter; the seconds to wait, if it gives any that make sense."""
    if isinstance(lease, LocalLease):
        return lease.settle(status, headers, retry_after=retry_after)
    try:
        seconds = cast("object", lease.settle(status, headers, retry_after=retry_after))
    except Exception as error:  # noqa: BLE001 - the limiter is the caller's, and the response has come
        _log.warning("a limiter's settle() raised %s: the error is ignored", type(error).__name__)
        return 0.0
    return seconds if isinstance(seconds, int | float) and 0.0 <= seconds < math.inf else 0.0


def release(lease: Lease) -> None:
    """Give a lease back unused."""
    try:
        lease.release()
    except Exception as error:  # noqa: BLE001 - the limiter is the caller's, and the call ends for another reason
        _log.warning("a limiter's release() raised %s: the error is ignored", type(error).__name__)


def seconds_after_refusal(
    lease: Lease,
    failures: list[CommerceLayerError],
    *,
    asked: float | None,
    heeded: float | None,
    paused_for: float,
    random: float,
) -> float:
    """How long a call waits after a 429: as the server asks, else as the limiter pauses.

    A limiter of a caller's need not pause, so without a wish of the server's there is a back-off beneath.
    """
    if not isinstance(lease, LocalLease):
        if heeded is None:
            refusals = 1 + sum(isinstance(one, RateLimited) for one in failures)
            paused_for = max(paused_for, back_off(refusals, random))
        return max(paused_for, asked or 0.0)
    return paused_for if asked is None else asked
