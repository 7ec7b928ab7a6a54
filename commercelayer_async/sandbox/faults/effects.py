"""What may go wrong with a response. A fault is one of these values; its `name` is what `Faults.counts` counts.

A mistake in one is a `TypeError` or a `ValueError` where it is made.
"""

import json
from typing import Final, Protocol, TypeAlias

import attrs

from ..._markers import public
from ..http.negotiation import MEDIA_TYPE
from ..refusals import Refusal, invalid_token, too_many_requests
from .checks import (
    Headers,
    headers_of,
    require_body,
    require_effect,
    require_retry_after,
    require_seconds,
    require_share,
    require_status,
    require_text,
    require_waitable,
)


class Waitable(Protocol):
    """A `Gate`, or an `asyncio.Event` of the loop in which the sandbox runs."""

    async def wait(self) -> object:
        """Wait until the response may be sent."""
        ...


@public("commercelayer_async.sandbox")
@attrs.frozen
class Answer:
    """Another response instead of the true one. The request is not handled, so it changes nothing."""

    status: int
    """From 200 to 599."""
    body: bytes = b""
    headers: Headers = attrs.field(default=(), converter=headers_of)
    """Added to those that every response has, or instead of those of the same name.

    A mapping, or pairs of name and value, in which a name may occur twice.
    """

    def __attrs_post_init__(self) -> None:
        require_status(self.status)
        require_body(self.body)

    @property
    def name(self) -> str:
        """`status_502`."""
        return f"status_{self.status}"

    @classmethod
    def errors(cls, status: int, *, code: str = "SANDBOX_FAULT", detail: str = "A fault was asked for.") -> "Answer":
        """Respond with an errors document of the Core API."""
        require_text("code", code)
        require_text("detail", detail)
        return cls._from_refusal(Refusal(status, code, code.replace("_", " ").capitalize(), detail))

    @classmethod
    def html(cls, status: int) -> "Answer":
        """Respond with a page in HTML, as a proxy does."""
        page = f"<html>\n<head><title>{status}</title></head>\n<body><h1>{status}</h1></body>\n</html>\n"
        return cls(status, page.encode(), (("Content-Type", "text/html"),))

    @classmethod
    def empty(cls, status: int) -> "Answer":
        """Respond without a body."""
        return cls(status)

    @classmethod
    def invalid_token(cls) -> "Answer":
        """Respond with 401 INVALID_TOKEN, although the token stays valid. See `ExpireTokens` to end it."""
        return cls._from_refusal(invalid_token())

    @classmethod
    def too_many(cls, *, retry_after: str | int | None = None) -> "Answer":
        """Respond with 429, and with *retry_after* as `Retry-After` unless it is None."""
        require_retry_after(retry_after)
        headers = () if retry_after is None else (("Retry-After", str(retry_after)),)
        return cls._from_refusal(too_many_requests(), headers)

    @classmethod
    def _from_refusal(cls, refusal: Refusal, headers: Headers = ()) -> "Answer":
        return cls(refusal.status, json.dumps(refusal.body()).encode(), (("Content-Type", MEDIA_TYPE), *headers))


@public("commercelayer_async.sandbox")
@attrs.frozen
class Replace:
    """The true response, with another body or other headers. Its `Content-Length` is that of the new body."""

    body: bytes | None = None
    """None keeps the true body."""
    headers: Headers = attrs.field(default=(), converter=headers_of)
    """Instead of those of the same name: a mapping, or pairs of name and value, in which a name may occur twice."""

    def __attrs_post_init__(self) -> None:
        if self.body is not None:
            require_body(self.body)

    @property
    def name(self) -> str:
        """`replaced`."""
        return "replaced"


@public("commercelayer_async.sandbox")
@attrs.frozen
class Reset:
    """A reset connection (TCP RST), after the response was made."""

    after: float | None = None
    """The share of the body that is sent before, from 0 to 1. None resets before the headers."""

    def __attrs_post_init__(self) -> None:
        if self.after is not None:
            require_share("after", self.after)

    @property
    def name(self) -> str:
        """`reset`, or `reset_in_body`."""
        return "reset" if self.after is None else "reset_in_body"


@public("commercelayer_async.sandbox")
@attrs.frozen
class Truncate:
    """A connection that is closed in the regular way before the end of the body that `Content-Length` promised."""

    after: float = 0.5
    """The share of the body that is sent, from 0 to 1; never all of it."""

    def __attrs_post_init__(self) -> None:
        require_share("after", self.after)

    @property
    def name(self) -> str:
        """`truncated`."""
        return "truncated"


@public("commercelayer_async.sandbox")
@attrs.frozen
class ExpireTokens:
    """The end of all access tokens issued so far, just before the request is handled."""

    @property
    def name(self) -> str:
        """`expired_tokens`."""
        return "expired_tokens"


Immediate: TypeAlias = Answer | Replace | Reset | Truncate | ExpireTokens
IMMEDIATE: Final = (Answer, Replace, Reset, Truncate, ExpireTokens)


@public("commercelayer_async.sandbox")
@attrs.frozen
class Delay:
    """A response that is made at once, from the world as it is then, and sent later."""

    seconds: float = 0.0
    until: Waitable | None = None
    """What else it waits for, after the seconds."""
    then: Immediate | None = None
    """What else goes wrong with the response."""

    def __attrs_post_init__(self) -> None:
        require_seconds("seconds", self.seconds)
        if self.until is not None:
            require_waitable(self.until)
        if self.then is not None:
            require_effect("then", self.then, IMMEDIATE)

    @property
    def name(self) -> str:
        """`delayed`; with another fault, for example `delayed_reset`."""
        return f"delayed_{self.then.name}" if self.then else "delayed"


Fault: TypeAlias = Immediate | Delay
FAULTS: Final = (*IMMEDIATE, Delay)
