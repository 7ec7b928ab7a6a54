"""Keeps one token fresh: many wait, one asks.

A token is renewed in the background while it is still good, so that nobody waits; only when it is not does a call wait.
The request runs in a task of the manager's own (single-flight), which no caller can cancel; all who wait get its token,
or its error. A failed renewal in the background is passed over and not tried again for some seconds; a failure that a
call waits for is raised there and not remembered.
"""

import asyncio
import logging
from collections.abc import Callable
from typing import Final, Protocol, cast

from .._clock import Clock
from .._http.message import Response
from .._tasks import cancel_and_wait
from ..errors import AuthError, SessionError
from .credentials import (
    AccessToken,
    Auth,
    AuthorizationCode,
    ClientCredentials,
    Credentials,
    JwtBearer,
    Password,
    RefreshToken,
    StoredToken,
    Token,
    TokenStore,
    form_of,
    store_key,
    stored_of,
    token_of,
    usable,
)

CREDENTIALS: Final = (ClientCredentials, Password, RefreshToken, AuthorizationCode, JwtBearer)

_log: Final = logging.getLogger("commercelayer_async")

_AFTER_FAILURE: Final = 10.0
"""Seconds in which a renewal in the background is not tried again."""
_BETWEEN: Final = 1.0
"""Seconds between two tokens at least, however short the server says that they live."""


class TokenEndpoint(Protocol):
    """What the manager asks for tokens, and tells that one is to be revoked."""

    async def request(self, form: dict[str, str]) -> Response:
        """The response to a token request that needs no other attempt, whatever its status.

        Raises:
            AuthError: the endpoint answered that it could not answer, and went on to.
            TransportError: no response came; the phase is "token".
        """
        ...

    async def revoke(self, form: dict[str, str]) -> Response:
        """The response to a revocation, whatever its status.

        Raises:
            TransportError: no response came; the phase is "token".
        """
        ...


class TokenManager:
    """The token of one session and its copies."""

    def __init__(
        self,
        auth: Auth,
        endpoint: TokenEndpoint,
        *,
        auth_url: str,
        store: TokenStore | None,
        clock: Clock,
        on_token: Callable[[str], None],
    ) -> None:
        self._auth = auth
        self._endpoint = endpoint
        self._auth_url = auth_url
        self._store = store
        self._clock = clock
        self._on_token = on_token
        self._fixed = auth.token if isinstance(auth, AccessToken) else None
        self._token: Token | None = None
        self._renewal: asyncio.Task[Token] | None = None
        self._not_before = 0.0
        self._requested_at = -_BETWEEN
        self._closed = False

    @property
    def renews(self) -> bool:
        """True if another token can be had in place of a refused one."""
        return self._fixed is None

    def cached(self) -> str | None:
        """The token if there is a good one, without waiting; where it is due, its renewal begins meanwhile."""
        if self._fixed is not None:
            return self._fixed
        token = self._token
        if token is None:
            return None
        now = self._clock.now()
        if now >= token.unusable_at:
            return None
        if now >= token.renew_at and now >= self._not_before and self._renewal is None:
            self._renewal = self._renew()
        return token.value

    async def token(self) -> str:
        """A good token.

        Raises:
            AuthError: none can be had, with the server's reason.
            TransportError: the token endpoint sent no response; the phase is "token".
            SessionError: the session was closed meanwhile.
        """
        cached = self.cached()
        if cached is not None:
            return cached
        if not isinstance(self._auth, CREDENTIALS) and not isinstance(self._auth, AccessToken):
            return usable(await self._auth())
        if self._renewal is None:
            self._renewal = self._renew()
        renewal = self._renewal
        try:
            return (await asyncio.shield(renewal)).value
        except asyncio.CancelledError:
            if self._closed:
                raise SessionError("the session was closed while a token was being requested") from None
            raise

    def invalidate(self, value: str) -> None:
        """Forget a token that the API refused, unless another has taken its place already."""
        if self._token is not None and self._token.value == value:
            # The refresh token, if there is one, is what the next one is asked for with.
            self._token = Token(
                value="", renew_at=0.0, unusable_at=float("-inf"), refresh_token=self._token.refresh_token
            )

    async def revoke(self) -> None:
        """Have the server forget the token; the session asks for another when it needs one.

        Raises:
            AuthError: the server refused, or the session has no credentials to revoke with.
        """
        value = self._fixed or (self._token.value if self._token is not None else None)
        if not isinstance(self._auth, CREDENTIALS):
            raise AuthError("only a session with credentials can revoke its token")
        if not value:
            return
        secret = getattr(self._auth, "client_secret", None)
        form = {"client_id": self._auth.client_id, "token": value} | ({"client_secret": secret} if secret else {})
        response = await self._endpoint.revoke(form)
        self._token = None
        if response.status != 200:  # noqa: PLR2004 - the documented success
            stored_of(response.status, response.body, at=0.0, secrets=(secret, value))

    async def close(self) -> None:
        """Stop asking; those who wait get `SessionError`."""
        self._closed = True
        renewal, self._renewal = self._renewal, None
        if renewal is not None:
            await cancel_and_wait([renewal])

    def _renew(self) -> "asyncio.Task[Token]":
        renewal = asyncio.ensure_future(self._fetch(cast("Credentials", self._auth)))
        renewal.add_done_callback(self._on_renewed)
        return renewal

    def _on_renewed(self, renewal: "asyncio.Task[Token]") -> None:
        if self._renewal is renewal:
            self._renewal = None
        if renewal.cancelled():
            return
        # Reading the exception marks it as seen, should everybody have stopped waiting.
        error = renewal.exception()
        if error is None:
            self._token = renewal.result()
        else:
            self._not_before = self._clock.now() + _AFTER_FAILURE
            _log.info("no new token: %s", type(error).__name__)

    async def _fetch(self, credentials: Credentials) -> Token:
        key = store_key(credentials, self._auth_url)
        stored = await self._load(key) if self._token is None else None
        if stored is None:
            await self._clock.sleep(max(0.0, self._requested_at + _BETWEEN - self._clock.now()))
            self._requested_at = self._clock.now()
            refresh_token = self._token.refresh_token if self._token is not None else None
            stored = await self._request(credentials, refresh_token)
            await self._save(key, stored)
            self._on_token(stored.value)
        age = self._clock.wall_time() - stored.received_at
        return token_of(stored, now=self._clock.now(), age=age, spread=self._clock.random())

    async def _request(self, credentials: Credentials, refresh_token: str | None) -> StoredToken:
        form = form_of(credentials, refresh_token)
        secrets = tuple(text for name, text in form.items() if name not in ("grant_type", "client_id", "scope"))
        response = await self._endpoint.request(form)
        return stored_of(response.status, response.body, at=self._clock.wall_time(), secrets=secrets)

    async def _load(self, key: str) -> StoredToken | None:
        if self._store is None:
            return None
        try:
            stored = await self._store.load(key)
        except Exception as error:  # noqa: BLE001 - a store is the caller's, and may raise anything
            _log.warning("the token store failed to load: %s", type(error).__name__)
            return None
        if stored is None or self._clock.wall_time() >= stored.received_at + stored.life * 0.75:
            return None
        return stored

    async def _save(self, key: str, stored: StoredToken) -> None:
        if self._store is None:
            return
        try:
            await self._store.save(key, stored)
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("the token store failed to save: %s", type(error).__name__)
