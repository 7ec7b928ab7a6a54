"""Keeps one token fresh: many wait, one asks.

The token request runs in a task of its own, which nobody who waits can cancel; all who wait get its token, or its
error. Its failure is not remembered.
"""

import asyncio
from typing import Protocol

from ._tokens import AccessToken, Auth, ClientCredentials, Token, token_of, usable
from ._transport import Response
from .errors import SessionError


class TokenEndpoint(Protocol):
    """What posts a token request."""

    async def post(self, form: dict[str, str]) -> Response:
        """The token endpoint's answer."""
        ...


class Keeper:
    """The token of one session."""

    def __init__(self, auth: Auth, endpoint: TokenEndpoint) -> None:
        self._auth = auth
        self._endpoint = endpoint
        self._token: Token | None = None
        self._asking: asyncio.Task[Token] | None = None

    def known(self) -> str | None:
        """The token if there is a fresh one, without waiting."""
        if isinstance(self._auth, AccessToken):
            return self._auth.token
        token = self._token
        return token.value if token is not None and token.renew_at > asyncio.get_running_loop().time() else None

    async def token(self) -> str:
        """A fresh token.

        Raises:
            AuthError: there is none to be had.
            TransportError: the token endpoint did not answer.
        """
        known = self.known()
        if known is not None:
            return known
        auth = self._auth
        if isinstance(auth, AccessToken):
            return auth.token
        if not isinstance(auth, ClientCredentials):
            return usable(await auth())
        if self._asking is None:
            self._asking = asyncio.ensure_future(self._ask(auth))
            self._asking.add_done_callback(self._answered)
        asking = self._asking
        try:
            return (await asyncio.shield(asking)).value
        except asyncio.CancelledError:
            if asking.cancelled():
                raise SessionError("the session was closed while a token was being asked for") from None
            raise

    async def close(self) -> None:
        """Stop asking; those who wait are told by their cancelled wait."""
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()
            await asyncio.wait([asking])

    async def _ask(self, credentials: ClientCredentials) -> Token:
        response = await self._endpoint.post(credentials.form())
        now = asyncio.get_running_loop().time()
        return token_of(response.status, response.body, now=now, secret=credentials.client_secret)

    def _answered(self, asking: "asyncio.Task[Token]") -> None:
        self._asking = None
        # Reading the exception here marks it as seen, should everybody have stopped waiting.
        if not asking.cancelled() and asking.exception() is None:
            self._token = asking.result()
