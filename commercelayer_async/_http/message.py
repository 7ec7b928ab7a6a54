"""Requests and responses as values, and what carries them.

A request is a target on the origin that the transport is bound to, and nothing here can name another host. So a request
cannot end anywhere else, whatever a document or a caller says.
"""

from collections.abc import Mapping
from typing import Protocol

import attrs

from .._markers import override
from .._text import Secret


class SecretBytes(bytes):
    """A body that shows nothing of itself where variables are printed, as error trackers do."""

    @override
    def __repr__(self) -> str:
        return "b'[masked]'"


@attrs.define
class Request:
    """A request on the transport's origin."""

    target: str
    """Path and query, sent as they are."""
    authorization: str | None = attrs.field(default=None, repr=False, converter=attrs.converters.optional(Secret))
    form: Mapping[str, str] | None = attrs.field(default=None, repr=False)
    """What to POST as JSON; None for a GET. Its secrets are of a class that shows nothing of itself."""


@attrs.define
class Response:
    """A whole response."""

    status: int
    headers: Mapping[str, str] = attrs.field(repr=False)
    """By name, whatever its case."""
    body: bytes = attrs.field(repr=False)
    url: str
    """Where it came from."""

    @property
    def url_without_query(self) -> str:
        """Where it came from, for errors and logs: filters in the query hold what nobody should log.

        Links are resolved against it; only an empty one would need the query (RFC 3986, 5.2.2), and leads nowhere.
        """
        return without_query(self.url)


def without_query(url: str) -> str:
    """A URL as errors and logs show it: without what its query holds."""
    return url.partition("?")[0]


class PhaseObserver(Protocol):
    """Whoever wants to know what a request is waiting for."""

    phase: str
    """One of "queue", "token", "connect", "headers", "body" and "retry"; the transport sets it."""


class Transport(Protocol):
    """Carry requests to one origin."""

    async def send(self, request: Request, observer: PhaseObserver) -> Response:
        """The response, whatever its status; `observer` learns of the phases.

        Raises:
            TransportError: there was none, or not a whole one.
        """
        ...

    def discard_connections(self) -> None:
        """Use no connection again that is open now: responses got out of step on one of them."""
        ...

    async def close(self) -> None:
        """Let everything go; twice is fine."""
        ...

    @property
    def is_open(self) -> bool:
        """True if there is something of our own to close."""
        ...
