"""Keeps one token fresh: many wait, one asks.

A token is renewed in the background while it is still good (the advisory window), so that nobody waits; only when it
is not (the mandatory one) does a call wait. The request runs in a task of the session's own, which no caller can
cancel; all who wait get its token, or its error. An advisory failure is remembered for some seconds and otherwise
passed over; a mandatory one is not remembered.
"""

import asyncio
import logging
import time
from collections.abc import Callable
from typing import Final, Protocol, cast

from .._clock import Chance, Clock
from .._http.transport import Response
from .._limits.limiter import Limiter, Priority
from .._retry import Kind, Retry, kind_of, retry_after
from ..errors import AuthError, CommerceLayerError, SessionError, TransportError
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
"""Seconds in which an advisory renewal is not tried again."""
_BETWEEN: Final = 1.0
"""Seconds between two tokens at least, however short the server says that they live."""
_AGAIN: Final = frozenset({408, 429, 500, 502, 503, 504})


class TokenEndpoint(Protocol):
    """What posts to the token endpoint."""

    async def post(self, path: str, form: dict[str, str]) -> Response:
        """The answer, whatever its status."""
        ...


class TokenManager:
    """The token of one session."""

    def __init__(
        self,
        auth: Auth,
        endpoint: TokenEndpoint,
        *,
        auth_url: str,
        store: TokenStore | None,
        clock: Clock,
        chance: Chance,
        limiter: Callable[[], Limiter],
        on_token: Callable[[str], None],
    ) -> None:
        self._auth = auth
        self._endpoint = endpoint
        self._auth_url = auth_url
        self._store = store
        self._clock = clock
        self._chance = chance
        self._limiter = limiter
        self._on_token = on_token
        self._fixed = auth.token if isinstance(auth, AccessToken) else None
        self._token: Token | None = None
        self._asking: asyncio.Task[Token] | None = None
        self._not_before = 0.0
        self._asked_at = -_BETWEEN
        self._closed = False

    @property
    def renews(self) -> bool:
        """Whether another token can be had in place of a refused one."""
        return self._fixed is None

    def cached(self) -> str | None:
        """The token if there is a good one, without waiting; where it is due, a new one is asked for meanwhile."""
        if self._fixed is not None:
            return self._fixed
        token = self._token
        if token is None:
            return None
        now = self._clock.now()
        if now >= token.unusable_at:
            return None
        if now >= token.renew_at and now >= self._not_before and self._asking is None:
            self._asking = self._ask()
        return token.value

    async def token(self) -> str:
        """A good token.

        Raises:
            AuthError: there is none to be had, with the server's reason.
            TransportError: the token endpoint did not answer; its phase is "token".
            SessionError: the session was closed meanwhile.
        """
        cached = self.cached()
        if cached is not None:
            return cached
        if not isinstance(self._auth, CREDENTIALS) and not isinstance(self._auth, AccessToken):
            return usable(await self._auth())
        if self._asking is None:
            self._asking = self._ask()
        asking = self._asking
        try:
            return (await asyncio.shield(asking)).value
        except asyncio.CancelledError:
            if self._closed:
                raise SessionError("the session was closed while a token was being asked for") from None
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
        response = await self._endpoint.post("/oauth/revoke", form)
        self._token = None
        if response.status != 200:  # noqa: PLR2004 - the documented success
            stored_of(response.status, response.body, at=0.0, secrets=(secret, value))

    async def close(self) -> None:
        """Stop asking; those who wait get `SessionError`."""
        self._closed = True
        asking, self._asking = self._asking, None
        if asking is not None:
            asking.cancel()
            await asyncio.wait([asking])

    def _ask(self) -> "asyncio.Task[Token]":
        asking = asyncio.ensure_future(self._fetch(cast("Credentials", self._auth)))
        asking.add_done_callback(self._answered)
        return asking

    def _answered(self, asking: "asyncio.Task[Token]") -> None:
        if self._asking is asking:
            self._asking = None
        if asking.cancelled():
            return
        # Reading the exception marks it as seen, should everybody have stopped waiting.
        error = asking.exception()
        if error is None:
            self._token = asking.result()
        else:
            self._not_before = self._clock.now() + _AFTER_FAILURE
            _log.info("no new token: %s", type(error).__name__)

    async def _fetch(self, credentials: Credentials) -> Token:
        key = store_key(credentials, self._auth_url)
        stored = await self._load(key) if self._token is None else None
        if stored is None:
            await self._clock.sleep(max(0.0, self._asked_at + _BETWEEN - self._clock.now()))
            self._asked_at = self._clock.now()
            refresh_token = self._token.refresh_token if self._token is not None else None
            stored = await self._request(credentials, refresh_token)
            await self._save(key, stored)
            self._on_token(stored.value)
        age = time.time() - stored.received_at
        return token_of(stored, now=self._clock.now(), age=age, chance=self._chance)

    async def _request(self, credentials: Credentials, refresh_token: str | None) -> StoredToken:
        """A token of the endpoint, which has a limit, tries and refusals of its own."""
        retry = Retry(attempts=4, base=0.5)
        form = form_of(credentials, refresh_token)
        secrets = tuple(text for name, text in form.items() if name not in ("grant_type", "client_id", "scope"))
        for attempt in range(1, retry.attempts + 1):
            wait = retry.wait_before(attempt + 1, self._chance)
            failure: CommerceLayerError
            lease = await self._limiter().acquire("token", priority=Priority.INTERACTIVE)
            try:
                response = await self._endpoint.post("/oauth/token", form)
            except TransportError as error:
                failure = error
            else:
                lease.settle(response.status, response.headers)
                if response.status not in _AGAIN:
                    return stored_of(response.status, response.body, at=time.time(), secrets=secrets)
                failure = AuthError(f"the token endpoint answered {response.status}", status=response.status)
                named = {name.lower(): value for name, value in response.headers.items()}
                wait = retry_after(named, now=time.time()) or wait
            finally:
                lease.settle(None, {})
            if attempt == retry.attempts or (isinstance(failure, TransportError) and kind_of(failure) is Kind.FINAL):
                raise failure
            await self._clock.sleep(wait)
        raise AssertionError("the last attempt returns or raises")

    async def _load(self, key: str) -> StoredToken | None:
        if self._store is None:
            return None
        try:
            stored = await self._store.load(key)
        except Exception as error:  # noqa: BLE001 - a store is the caller's, and may raise anything
            _log.warning("the token store failed to load: %s", type(error).__name__)
            return None
        if stored is None or time.time() >= stored.received_at + stored.life * 0.75:
            return None
        return stored

    async def _save(self, key: str, stored: StoredToken) -> None:
        if self._store is None:
            return
        try:
            await self._store.save(key, stored)
        except Exception as error:  # noqa: BLE001 - as above
            _log.warning("the token store failed to save: %s", type(error).__name__)
