"""Sessions with secrets of every sort, which the environment holds: one that reads, and some that fail."""

import os

from commercelayer_async import ClientCredentials, RateLimits, Session
from commercelayer_async.redis import RedisLimiter


def session() -> Session:
    return Session.from_env(limits=RateLimits.none())


def without_redis() -> Session:
    """Nothing listens there, so a process that never reached it is told so."""
    return Session.from_env(limiter=RedisLimiter(os.environ["SHOP_REDIS"]))


def refused() -> Session:
    return Session(
        os.environ["COMMERCELAYER_ORGANIZATION"],
        ClientCredentials(os.environ["COMMERCELAYER_CLIENT_ID"], os.environ["SHOP_WRONG_SECRET"]),
        limits=RateLimits.none(),
    )
