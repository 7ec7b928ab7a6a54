"""The response of a web service when the API could not be read: a status and a sentence, and nothing of the API's own.

The web recipes share this module. The text of an error names the URL and the request id. That belongs in the log of the
service, not in a response to its callers.
"""

import logging
import math
from typing import Final

import attrs

from commercelayer_async import (
    AuthError,
    CommerceLayerError,
    ConfigurationError,
    Forbidden,
    NotFound,
    RateLimited,
    ServerError,
    SessionError,
    TimeoutError,
    Unauthorized,
)

_log: Final = logging.getLogger("wallets")

# The first match counts. A refusal of the service's credentials is not the caller's fault: so neither 401 nor 403.
_ANSWERS: Final = (
    (NotFound, 404, "there is no such wallet"),
    (RateLimited, 503, "busy, try again later"),
    (TimeoutError, 504, "the commerce API did not answer in time"),
    (ServerError, 502, "the commerce API has trouble"),
    ((AuthError, Unauthorized, Forbidden), 502, "the commerce API refused this service"),
    (SessionError, 503, "shutting down, try again later"),
    (ConfigurationError, 500, "a mistake in this service"),
)
_OTHERWISE: Final = (502, "the commerce API gave no usable answer")
_COME_BACK: Final = 1.0
"""Seconds, for a 503 whose error has no `retry_after`."""


@attrs.frozen
class ErrorAnswer:
    """The response: its status, its sentence, and when to come back."""

    status: int
    title: str
    retry_after: float | None = None
    """Seconds; for the header `Retry-After`."""

    @property
    def headers(self) -> dict[str, str]:
        """`Retry-After` in whole seconds, rounded up, if there is a `retry_after`."""
        return {} if self.retry_after is None else {"Retry-After": str(math.ceil(self.retry_after))}

    @property
    def body(self) -> dict[str, str]:
        """The body, to be sent as JSON."""
        return {"error": self.title}


def answer_to(error: CommerceLayerError) -> ErrorAnswer:
    """Log the error, and make the response to the caller."""
    found = ((status, title) for classes, status, title in _ANSWERS if isinstance(error, classes))
    status, title = next(found, _OTHERWISE)
    wished = error.retry_after if isinstance(error, RateLimited) else None
    answer = ErrorAnswer(status, title, (wished or _COME_BACK) if status == 503 else None)  # noqa: PLR2004 - as HTTP has it
    level = logging.INFO if answer.status == 404 else logging.ERROR  # noqa: PLR2004 - as HTTP has it
    _log.log(level, "answered %d: %s", answer.status, error)
    return answer
