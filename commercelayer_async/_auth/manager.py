"""Keeps one token fresh: many wait, one asks.

A token is renewed in the background while it is still good, so that nobody waits; only when it is not does a call wait.
The renewal runs in a task of the manager's own (single-flight), which no caller can cancel; all who wait get its token,
or its error. Where it has to wait for the server, a call that has less time than that gets the reason at once.

A failed renewal in the background is passed over and not tried again for some seconds. A failure that a call waits for
is raised there and not remembered, but for what the server asks to wait.

With a store, each renewal begins by looking whether another process was first, and looks again after each wait,
directly before something is sent: a refresh token is good for one use. A store that locks lets one process ask at a
time, and the others wait for what that one saves. See `store.py`, and `renewals.py` for several sessions of one loop.
"""

import asyncio
import logging
import math
from collections import deque
from collections.abc import Callable
from typing import Final, cast

import attrs

from .._clock import Clock, Timer
from .._markers import override
from .._tasks import cancel_and_wait
from .._text import Secret
from ..errors import AuthError, CommerceLayerError, SessionError, TransportError, closed_error, closed_meanwhile
from ..service import OAuth2, Scheme
from .credentials import (
    AccessToken,
    Auth,
    AuthorizationCode,
    ClientCredentials,
    Credentials,
    FixedSecret,
    JwtBearer,
    Password,
    RefreshToken,
    Signed,
    StoredToken,
    Token,
    TokenStore,
    form_of,
    is_fresh,
    is_good,
    is_used_up,
    store_key,
    stored_of,
    token_of,
)
from .endpoint import Patience, TokenEndpoint
from .renewals import Member, Pause, announce_together, copy_error, renew_together
from .store import GuardedStore
from .token_function import signed_by, token_from

CREDENTIALS: Final = (ClientCredentials, Password, RefreshToken, AuthorizationCode, JwtBearer)
_REUSABLE: Final = (ClientCredentials, Password, JwtBearer)
"""Those that can be sent again when a refresh token is refused."""

_BEARER: Final = OAuth2()

_log: Final = logging.getLogger("commercelayer_async")

_AFTER_FAILURE: Final = 10.0
"""Seconds in which a renewal in the background is not tried again."""
_BETWEEN: Final = 1.0
"""Seconds between two tokens at least, however short the server says that they live."""
_MOST_WAITED: Final = 60.0
"""Seconds at most in which the endpoint is not asked because it said so: its rate window is no longer."""
_STAGGER: Final = 5.0
"""Seconds over which the renewals of processes that share a store are spread at most, where all are due at once."""
_BETWEEN_LOOKS: Final = 0.1
"""Seconds on average after which whoever waits for another process looks again for what that one saved."""
_LONGEST_TURN: Final = 30.0
"""Seconds after which nobody waits for another process any more: what a token request takes with all its tries."""
_LOOKED: Final = 0.1
"""Seconds for which it counts what the store held: a request that leaves later has the store read again."""
_REFUSED_KEPT: Final = 8
"""Tokens that are remembered as refused, so that a store which still gives one is not believed."""


@attrs.define(eq=False, repr=False)
class _Exchange:
    """What is exchanged for a token, or was found in place of one."""

    credentials: Credentials
    refresh_token: str | None
    """None to exchange the credentials themselves."""
    is_last_resort: bool = attrs.field(default=False, kw_only=True)
    """True if it follows a refusal: it is sent at once, and nothing newer takes its place."""
    found: StoredToken | None = attrs.field(default=None, init=False)
    """The token of another process that made the request needless."""

    @property
    def form(self) -> dict[str, str]:
        """The members of the token request."""
        return form_of(self.credentials, self.refresh_token)


@attrs.frozen(eq=False)
class _Waiter:
    """A call that waits for a token."""

    outcome: "asyncio.Future[str | BaseException]"
    patience: Patience | None

    def settle(self, outcome: str | BaseException) -> None:
        # An exception is a result too: one that is set as such and that nobody fetches is logged by asyncio.
        if not self.outcome.done():
            self.outcome.set_result(outcome)

    def on_pause(self, pause: Pause, now: float) -> None:
        if self.patience is None:
            return
        self.patience.failures.append(pause.error(now))
        if self.patience.remaining() <= pause.until - now:
            self.settle(pause.error(now))


class TokenManager(Member):
    """The token of one session and its copies."""

    def __init__(
        self,
        auth: Auth | FixedSecret,
        endpoint: TokenEndpoint,
        *,
        scheme: Scheme = _BEARER,
        auth_url: str,
        store: TokenStore | None,
        clock: Clock,
        on_token: Callable[[str, bool], None],
    ) -> None:
        """Keep a token for `auth`; `on_token` learns of each new one, and whether the token endpoint gave it."""
        self._auth = auth
        self._endpoint = endpoint
        self._clock = clock
        self._on_token = on_token
        self._scheme = scheme
        self._fixed = auth.token if isinstance(auth, AccessToken | FixedSecret) else None
        self._store: GuardedStore | None = None
        if store is not None and isinstance(auth, CREDENTIALS):
            self._store = GuardedStore(store, store_key(auth, auth_url), clock)
        self._token: Token | None = None
        self._latest: StoredToken | None = None
        """The token received last, good or not: its refresh token asks for the next one."""
        self._looked_at = -math.inf
        """When the store was read last."""
        self._refused: deque[str] = deque(maxlen=_REFUSED_KEPT)
        self._renewal: asyncio.Task[StoredToken] | None = None
        self._timer: Timer | None = None
        """For a renewal that begins soon."""
        self._waiters: dict[_Waiter, None] = {}
        self._pause: Pause | None = None
        self._not_before = 0.0
        """When the next renewal in the background may begin."""
        self._requested_at = -math.inf
        self._failure: Pause | None = None
        """Why the last token request failed, and until when the next one has to wait for that."""
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
            self._renew_soon(token.unusable_at - now)
        return token.value

    def newest(self, token: str) -> str | None:
        """The token to send in place of one that was had some time ago; None if that was refused meanwhile."""
        return self.cached() or (None if token in self._refused else token)

    async def token(self, patience: Patience | None = None) -> str:
        """A good token, for a call that can wait as long as `patience` says; None for as long as it takes.

        Raises:
            AuthError: none can be had, or not in time, with the server's reason.
            TransportError: the token endpoint sent no response; the phase is "token".
            SessionError: the session was closed meanwhile.
        """
        cached = self.cached()
        if cached is not None:
            return cached
        if self._closed:
            raise closed_error()
        if not isinstance(self._auth, (*CREDENTIALS, Signed, AccessToken, FixedSecret)):
            return await token_from(self._auth, self._scheme)
        self._renew()
        waiter = _Waiter(asyncio.get_running_loop().create_future(), patience)
        self._waiters[waiter] = None
        if self._pause is not None:
            waiter.on_pause(self._pause, self._clock.now())
        try:
            outcome = await waiter.outcome
        finally:
            del self._waiters[waiter]
        if isinstance(outcome, str):
            return outcome
        try:
            raise outcome
        finally:
            del outcome

    def invalidate(self, value: str) -> None:
        """Forget a token that the API refused, unless another has taken its place already."""
        if self._token is not None and self._token.value == value:
            self._forget(value)
            if self._store is not None and not self._closed:
                self._store.remove(value, for_good=False)

    async def revoke(self) -> None:
        """Have the server forget the token; the session asks for another when it needs one.

        Raises:
            AuthError: the server refused, or the session has no credentials to revoke with.
            TransportError: no response came.
            SessionError: the session was closed meanwhile.
        """
        if not isinstance(self._auth, CREDENTIALS):
            raise AuthError("only a session with credentials can revoke its token; revoke this one where it was issued")
        values = [self._token.value] if self._token is not None else []
        if self._renewal is not None:
            # What is on its way is given back too.
            await asyncio.wait([self._renewal])
        if self._token is not None:
            values.append(self._token.value)
        if not values and self._store is not None:
            kept = await self._store.load()
            values = [kept.value] if kept is not None and kept.value else []
        for value in dict.fromkeys(values):
            await self._revoke(self._auth, value)

    async def close(self) -> None:
        """Stop asking; those who wait get `SessionError`."""
        self._closed = True
        self._stop_timer()
        for waiter in self._waiters:
            waiter.settle(
                SessionError("the session was closed while a token was requested; close it after its last call")
            )
        try:
            if self._renewal is not None:
                await cancel_and_wait([self._renewal])
        finally:
            if self._store is not None:
                await self._store.close()

    # A renewal

    def _renew_soon(self, left: float) -> None:
        """Renew in the background, within the time that the token has left."""
        if self._store is None:
            self._renew()
        elif self._timer is None and not self._closed:
            # Others may be due in the same moment; whoever comes later finds a new token in the store.
            wait = self._clock.random() * min(_STAGGER, left / 10)
            self._timer = self._clock.at(self._clock.now() + wait, self._renew)

    def _renew(self) -> None:
        self._stop_timer()
        if self._renewal is None and not self._closed:
            self._renewal = asyncio.ensure_future(self._get())
            self._renewal.add_done_callback(self._on_renewed)

    def _stop_timer(self) -> None:
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    def _on_renewed(self, renewal: "asyncio.Task[StoredToken]") -> None:
        self._renewal = self._pause = None
        outcome: str | BaseException
        if renewal.cancelled():
            outcome = AuthError("the request for a token was cancelled; the next call begins another")
        else:
            # Reading the exception marks it as seen, should everybody have stopped waiting.
            error = renewal.exception()
            if error is None:
                outcome = self._adopt(renewal.result())
            else:
                self._not_before = self._clock.now() + _AFTER_FAILURE
                _log.info("no new token: %s", type(error).__name__)
                outcome = error
        for waiter in self._waiters:
            waiter.settle(copy_error(outcome) if isinstance(outcome, CommerceLayerError) else outcome)

    def _adopt(self, stored: StoredToken) -> str:
        age = self._clock.wall_time() - stored.received_at
        self._token = token_of(stored, now=self._clock.now(), age=age, spread=self._clock.random())
        self._latest = stored
        return self._token.value

    async def _get(self) -> StoredToken:
        if isinstance(self._auth, Signed):
            return await self._sign(self._auth)
        if self._store is None:
            return await self.fetch()
        token = await renew_together(self._store.store, self._store.key, self)
        self._on_token(token.value, False)  # noqa: FBT003 - its only other parameter
        return token

    async def _sign(self, signed: Signed) -> StoredToken:
        received_at = self._clock.wall_time()
        value = await signed_by(signed, self._scheme, self._clock)
        self._on_token(value, False)  # noqa: FBT003 - its only other parameter
        return StoredToken(value=value, received_at=received_at, life=signed.lasts)

    @override
    async def fetch(self) -> StoredToken:
        kept = await self._look()
        if kept is not None and self.accepts(kept):
            return kept
        if self._store is not None and self._store.locks:
            return await self._fetch_in_turn(self._store)
        return await self._exchange(self._newest_refresh_token(kept))

    async def _fetch_in_turn(self, store: GuardedStore) -> StoredToken:
        """Ask when no other process does, unless what that one saved will do."""
        until = self._clock.now() + _LONGEST_TURN
        try:
            while True:
                has_turn = await store.lock() or self._clock.now() > until
                # Also with the turn in hand: whoever had it until now may have saved a token.
                kept = await self._look()
                if kept is not None and self.accepts(kept):
                    return kept
                if has_turn:
                    return await self._exchange(self._newest_refresh_token(kept))
                await self._clock.sleep(_BETWEEN_LOOKS * (0.5 + self._clock.random()))
        finally:
            store.unlock()

    async def _look(self) -> StoredToken | None:
        """What the store holds; None if that is nothing, or there is no store."""
        kept = await self._store.load() if self._store is not None else None
        self._looked_at = self._clock.now()
        return kept

    def _newest_refresh_token(self, kept: StoredToken | None) -> str | None:
        newest = self._latest
        # An entry may be older than what is known here, if saving failed; at the start there is nothing else.
        if kept is not None and (newest is None or kept.received_at >= newest.received_at):
            newest = kept
        return newest.refresh_token if newest is not None else None

    @override
    def accepts(self, token: StoredToken) -> bool:
        now = self._clock.wall_time()
        if token.value in self._refused or (self._token is not None and self._token.value == token.value):
            return False
        if self._token is not None and self._clock.now() < self._token.unusable_at:
            # In the background, and not for one that would have to be renewed at once.
            return is_fresh(token, wall_time=now)
        return is_good(token, wall_time=now)

    @override
    def on_pause(self, pause: Pause) -> None:
        self._pause = pause
        now = self._clock.now()
        for waiter in self._waiters:
            waiter.on_pause(pause, now)

    async def _exchange(self, refresh_token: str | None) -> StoredToken:
        """Ask for a token; where what is exchanged was refused, with what else there is."""
        exchange = _Exchange(cast("Credentials", self._auth), refresh_token)
        try:
            return await self._ask(exchange)
        except AuthError as error:
            if not is_used_up(error):
                raise
            refused = error
        kept = await self._look()
        if kept is not None and self.accepts(kept):
            # Another process was faster, and has saved its token by now.
            return kept
        others: list[str | None] = []
        if kept is not None and kept.refresh_token not in (None, exchange.refresh_token):
            others.append(kept.refresh_token)
        if exchange.refresh_token is not None and isinstance(exchange.credentials, _REUSABLE):
            others.append(None)
        for other in others:
            try:
                return await self._ask(_Exchange(exchange.credentials, other, is_last_resort=True))
            except AuthError as error:
                if not is_used_up(error):
                    raise
                refused = error
        try:
            raise refused
        finally:
            del refused

    async def _next_form(self, exchange: _Exchange) -> dict[str, str] | None:
        """What to send now; None if another process has saved a token while this one waited to send."""
        if self._store is not None and self._clock.now() - self._looked_at > _LOOKED:
            kept = await self._look()
            if kept is not None and self.accepts(kept):
                exchange.found = kept
                return None
            if not exchange.is_last_resort:
                exchange.refresh_token = self._newest_refresh_token(kept)
        return exchange.form

    async def _ask(self, exchange: _Exchange) -> StoredToken:
        now = self._clock.now()
        last = self._failure
        earliest = max(self._requested_at + _BETWEEN, last.until if last is not None else now)
        wait = 0.0 if exchange.is_last_resort else earliest - now
        if wait > 0:
            if last is not None:
                self._announce(Pause(last.failure, last.began, now + wait))
            await self._clock.sleep(wait)
        self._requested_at = self._clock.now()
        try:
            response = await self._endpoint.request(lambda: self._next_form(exchange), self._on_failure)
            if response is None:
                return cast("StoredToken", exchange.found)  # the one reason to send nothing
            form = exchange.form
            secrets = tuple(text for name, text in form.items() if name not in ("grant_type", "client_id", "scope"))
            stored = stored_of(response.status, response.body, at=self._clock.wall_time(), secrets=secrets)
        except CommerceLayerError as error:
            self._failure = self._pause_after(error)
            raise
        self._failure = None
        if stored.refresh_token is None and form["grant_type"] == RefreshToken.grant_type:
            # RFC 6749, section 6: without another one, this one stays good.
            stored = attrs.evolve(stored, refresh_token=form["refresh_token"])
        if stored.value in self._refused:
            self._refused.remove(stored.value)
        if self._store is not None:
            self._store.save(stored)
        self._on_token(stored.value, True)  # noqa: FBT003 - its only other parameter
        return stored

    def _pause_after(self, error: CommerceLayerError) -> Pause:
        now = self._clock.now()
        asked = error.retry_after if isinstance(error, AuthError) else None
        return Pause(copy_error(error), now, now + min(asked or 0.0, _MOST_WAITED))

    def _on_failure(self, failure: CommerceLayerError, wait: float) -> None:
        now = self._clock.now()
        self._announce(Pause(copy_error(failure), now, now + wait))

    def _announce(self, pause: Pause) -> None:
        if self._store is not None:
            announce_together(self._store.store, self._store.key, pause)
        else:
            self.on_pause(pause)

    # The end of a token

    def _forget(self, value: str) -> None:
        self._refused.append(Secret(value))
        if self._token is not None and self._token.value == value:
            self._token = None

    async def _revoke(self, credentials: Credentials, value: str) -> None:
        if self._store is not None:
            # First, so that nobody finds what is about to end.
            await self._store.remove_now(value)
        secret = getattr(credentials, "client_secret", None)
        form = {"client_id": credentials.client_id, "token": value} | ({"client_secret": secret} if secret else {})
        try:
            response = await self._endpoint.revoke(form)
        except TransportError:
            if self._closed:
                raise closed_meanwhile() from None
            raise
        if response.status != 200:  # noqa: PLR2004 - the documented success
            stored_of(response.status, response.body, at=0.0, secrets=(secret, value))
        self._forget(value)
        if isinstance(credentials, _REUSABLE):
            self._latest = None
