"""What the token manager needs of those around it: a token endpoint, and calls that can wait for so long."""

from collections.abc import Awaitable, Callable
from typing import Protocol

from .._http.message import Response
from ..errors import CommerceLayerError


class Patience(Protocol):
    """How long a call can wait for a token, and what went wrong meanwhile; a `Deadline` is one."""

    failures: list[CommerceLayerError]

    def remaining(self) -> float:
        """Seconds until its time is up."""
        ...


OnFailure = Callable[[CommerceLayerError, float], None]
"""Learns that an attempt failed, and that the next one follows after so many seconds."""


NextForm = Callable[[], Awaitable[dict[str, str] | None]]
"""What to send, asked for directly before each attempt; None once nothing is to be sent any more."""


class TokenEndpoint(Protocol):
    """Where the manager sends its token requests and its revocations."""

    async def request(self, next_form: NextForm, on_failure: OnFailure) -> Response | None:
        """The response to a token request that needs no other attempt, whatever its status.

        None where `next_form` has nothing to be sent any more.

        Raises:
            AuthError: the endpoint answered that it could not answer, and went on to; or that it will not for long.
            TransportError: no response came; the phase is "token".
        """
        ...

    async def revoke(self, form: dict[str, str]) -> Response:
        """The response to a revocation, whatever its status.

        Raises:
            TransportError: no response came; the phase is "token".
        """
        ...
