"""Sessions that the workers of the tests make: the sandbox tells limits that a test would wait for."""

import os

from commercelayer_async import AccessToken, RateLimits, Session


def unlimited() -> Session:
    """A session as the environment says, which waits for nothing."""
    return Session.from_env(limits=RateLimits.none())


def of_another() -> Session:
    """A session with another's token."""
    return Session(
        os.environ["COMMERCELAYER_ORGANIZATION"], AccessToken(os.environ["OTHER_TOKEN"]), limits=RateLimits.none()
    )


def not_a_session() -> str:
    """Something else."""
    return "session"
