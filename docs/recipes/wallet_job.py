"""A job that a queue runs, whichever it is: its session, what it does, and when another run of it may help."""

import os
from typing import Final

from commercelayer_async import (
    AuthError,
    BodyTooLarge,
    CommerceLayerError,
    RateLimited,
    ServerError,
    Session,
    SharedBudgetError,
    TimeoutError,
    TLSError,
    TransportError,
    presets,
)
from commercelayer_async.redis import RedisLimiter, RedisTokenStore
from commercelayer_async.resources import CustomerPaymentSource

REDIS: Final = os.environ.get("REDIS_URL", "redis://localhost:6379/0")
DEADLINE: Final = float(os.environ.get("JOB_DEADLINE", "60"))
"""Seconds for each call, its own retries and waits for the rate limits in them."""
LONGER: Final = DEADLINE + 15
"""What the queue gives a job: more, so that a call ends with an error that says why, and not by being cancelled."""
RUNS: Final = 3
"""Of a job, at most."""
_SOON: Final = 5.0


def open_session() -> Session:
    """A session for the process: with all others of the queue it shares the rate budget and the token."""
    options = {**presets.WORKER, "timeout": DEADLINE}
    return Session.from_env(limiter=RedisLimiter(REDIS), token_store=RedisTokenStore(REDIS), **options)


async def describe(session: Session, id: str) -> str:
    """Read a wallet with its customer."""
    wallet = await session.get(CustomerPaymentSource, id, include=["customer"])
    customer = await wallet.customer  # included, so no request
    return f"{wallet.name} of {customer.email}"


def again_after(error: CommerceLayerError) -> float | None:
    """Seconds after which another run may help; None where it would end as this one did.

    The session has tried again already for as long as it may. What is left for the queue is to come back later, to an
    API that was out of reach, down or busy. What was refused for good (a wallet that is not there, a token that may not
    read it, a response that does not fit) stays refused.
    """
    match error:
        case TLSError() | BodyTooLarge() | TransportError(is_final=True):
            return None
        case RateLimited(retry_after=seconds) | ServerError(retry_after=seconds):
            return seconds or _SOON
        case TimeoutError():
            return 0.0  # it has waited long enough
        case TransportError() | SharedBudgetError() | AuthError(status=429 | 500 | 502 | 503 | 504):
            return _SOON
        case _:
            return None
