"""Sessions that the workers of the tests make: the sandbox tells limits that a test would wait for."""

import os
from pathlib import Path
from typing import Final

from commercelayer_async import AccessToken, RateLimits, Session
from commercelayer_async.shared import FileLimiter, FileTokenStore

SHARED_FOLDER: Final = "TEST_SHARED_FOLDER"
"""The variable that names the folder of what `sharing` shares."""
TIMES_FASTER: Final = 40
"""So much shorter than the live limits' are the windows of `sharing`."""


def unlimited() -> Session:
    """A session as the environment says, which waits for nothing."""
    return Session.from_env(limits=RateLimits.none())


def sharing() -> Session:
    """A session that keeps the live limits, in windows that are shorter, together with all others of the folder."""
    folder = Path(os.environ[SHARED_FOLDER])
    limits = RateLimits(average=(200, 60.0 / TIMES_FASTER), burst=(50, 10.0 / TIMES_FASTER))
    return Session.from_env(
        limiter=FileLimiter(folder / "limits.db", limits=limits),
        token_store=FileTokenStore(folder / "tokens.db"),
        timeout=300.0,
    )


def of_another() -> Session:
    """A session with another's token."""
    return Session(
        os.environ["COMMERCELAYER_ORGANIZATION"], AccessToken(os.environ["OTHER_TOKEN"]), limits=RateLimits.none()
    )


def not_a_session() -> str:
    """Something else."""
    return "session"
