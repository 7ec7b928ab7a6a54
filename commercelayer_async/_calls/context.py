"""What a session shares with its copies: connections, token, rate budget, classes, and where they may be used."""

import asyncio
import os
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Final, Protocol
from urllib.parse import urlsplit
from weakref import WeakSet

import attrs

from .._auth.credentials import AccessToken, Auth, FixedSecret, TokenStore, claims_of
from .._auth.manager import TokenManager
from .._clock import Clock, LoopClock
from .._hooks import Hooks, call_hook
from .._http.message import Transport
from .._http.options import HttpOptions
from .._http.origin import Origin, is_loopback
from .._http.transport import AiohttpTransport
from .._limits.binding import BindingLimiter, BoundLimiter, SharedBudgets
from .._limits.limiter import Limiter, shared_limiter
from .._limits.windows import RateLimits
from .._tasks import consume_exception
from ..errors import SessionError, closed_error
from ..jsonapi import Registry, Resource
from ..service import OAuth2, Service
from ..service.paths import Paths
from .memory import ServiceMemory
from .semaphore import FifoSemaphore
from .singleflight import SingleFlight
from .token_requests import TokenRequests


class Closeable(Protocol):
    """What ends with the session."""

    def end(self) -> None:
        """Begin to end what is under way: it sends nothing any more."""
        ...

    async def close(self) -> None:
        """End what is under way and wait for it; twice is fine."""
        ...


class SessionContext:
    """One session and its copies."""

    def __init__(
        self,
        service: Service,
        origin: Origin,
        auth: Auth | FixedSecret,
        *,
        http: HttpOptions,
        limits: RateLimits | None,
        limiter: Limiter | None,
        token_store: TokenStore | None,
        batching: bool,
        hooks: Hooks,
        resources: Iterable[type[Resource]],
        transports: Callable[[str, HttpOptions], Transport] = AiohttpTransport,
        clock: Clock | None = None,
    ) -> None:
        """Hold what copies share; `transports` makes what carries requests to an origin, aiohttp unless given."""
        auth_server = urlsplit(origin.auth_url)
        self.service: Final = service
        self.origin: Final = origin
        self.paths: Final = Paths(service, origin.api)
        self.clock: Final = clock if clock is not None else LoopClock()
        self.transport: Final = transports(origin.url, _for_service(http, service))
        auth_origin = f"{auth_server.scheme}://{auth_server.netloc}"
        sends_json = isinstance(service.auth, OAuth2) and service.auth.sends_json
        self.token_transport: Final = transports(auth_origin, attrs.evolve(http, sends_json=sends_json))
        self.connections: Final = FifoSemaphore(http.connections)
        token_requests = TokenRequests(
            self.token_transport,
            auth_origin,
            auth_server.path,
            addresses=service.addresses,
            limiter=self.token_limiter,
            clock=self.clock,
        )
        self.tokens: Final = TokenManager(
            auth,
            token_requests,
            scheme=service.auth,
            auth_url=origin.auth_url,
            store=token_store,
            clock=self.clock,
            on_token=self._on_token,
        )
        self.batching: Final = batching
        self.followed: Final = SingleFlight()
        """Relationships that are being followed, so that concurrent awaits of one share its request."""
        self.memory: Final = ServiceMemory(self.clock)
        self.closed = False
        self._closing: asyncio.Task[None] | None = None
        self._first_token = auth.token if isinstance(auth, AccessToken) else None
        self._hooks = hooks
        self._store_lost = False
        self._limits = limits
        self._own_limiter = limiter
        self._bound: dict[tuple[str, str | None], BoundLimiter] = {}
        """What a limiter of the caller's gave for an origin and a mode."""
        self._limiter = None if isinstance(limiter, BindingLimiter) else limiter
        self._own_resources = Registry(*resources).classes  # refuses at once what cannot be read
        self._registry: Registry | None = None
        self._parts: WeakSet[Closeable] = WeakSet()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    def register(self, part: Closeable) -> None:
        """Close a part of a session object when the session is closed."""
        self._parts.add(part)

    async def close(self) -> None:
        """End every call of the session and its copies, and let go of everything; twice is fine.

        It goes on where it is cancelled; another call waits for the same end.

        Raises:
            SessionError: this is not the event loop or the process that the session was used in.
        """
        try:
            self.require_own_loop()
        except SessionError:
            if self._process == os.getpid() and self._loop is not None and self._loop.is_closed():
                await self._abandon()
            raise
        # From here on calls are refused, and those under way are ended before anybody else gets a turn.
        self.closed = True
        for part in tuple(self._parts):
            part.end()
        closing = self._closing
        if closing is None or (closing.done() and (closing.cancelled() or closing.exception() is not None)):
            closing = self._closing = asyncio.create_task(self._close())
            closing.add_done_callback(consume_exception)
        await asyncio.shield(closing)

    async def _abandon(self) -> None:
        """Let go of what belongs to an event loop that was closed: nothing can be ended there in order any more."""
        self.closed = True
        for transport in (self.transport, self.token_transport):
            # Of connections that are open, asyncio says that their loop is closed.
            with suppress(RuntimeError):
                await transport.close()

    async def _close(self) -> None:
        for part in tuple(self._parts):
            await part.close()
        await self.followed.close()
        await self.tokens.close()
        await self.transport.close()
        await self.token_transport.close()
        for bound in self._bound.values():
            await bound.close()

    def limiter(self) -> Limiter:
        """The budget that this session shares with all others of its organization and mode in this loop."""
        if self._limiter is not None:
            return self._limiter
        return self._use_mode(self._first_token)

    def token_limiter(self) -> Limiter:
        """The budget of the token endpoint, which is its own, and one for test and live tokens."""
        limits = RateLimits(average=self.service.rates.token, burst=None)
        if isinstance(self._own_limiter, BindingLimiter):
            return self._bind(self._own_limiter, self.origin.auth_url, None, limits=limits, documented=None)
        return shared_limiter(self.origin.auth_url, limits, clock=self.clock, facts=self.service.rates)

    def _on_token(self, token: str, received: bool) -> None:  # noqa: FBT001 - one from a store is not received
        self._use_mode(token)
        if received:
            call_hook(self._hooks.token)

    def _use_mode(self, token: str | None) -> Limiter:
        """Count in the budget of a token's mode, test or live, and by its documented limits until headers report more.

        The limits are those of the hosted API; a server on this machine reports its own.
        """
        own = self._own_limiter
        if own is not None and not isinstance(own, BindingLimiter):
            return own
        rates = self.service.rates
        test = claims_of(token).get("test") if token is not None and rates.modes is not None else None
        mode = {True: "test", False: "live"}[test] if isinstance(test, bool) else None
        documented = None
        if mode is not None and rates.modes is not None and not is_loopback(self.origin.host):
            documented = RateLimits.of(rates.modes.test if test else rates.modes.live)
        if own is not None:
            self._limiter = self._bind(own, self.origin.url, mode, limits=self._limits, documented=documented)
            return self._limiter
        limiter = shared_limiter(self.origin.url, self._limits, clock=self.clock, facts=rates, mode=mode)
        if documented is not None:
            limiter.use(documented)
        self._limiter = limiter
        return limiter

    def _bind(
        self,
        limiter: BindingLimiter,
        url: str,
        mode: str | None,
        *,
        limits: RateLimits | None,
        documented: RateLimits | None,
    ) -> BoundLimiter:
        """The budgets of an origin and a mode in a limiter of the caller's, until the session is closed."""
        bound = self._bound.get((url, mode))
        if bound is None:
            bound = self._bound[url, mode] = limiter.bind(
                url, mode=mode, limits=limits, documented=documented, facts=self.service.rates, clock=self.clock
            )
            if isinstance(bound, SharedBudgets):
                bound.watch(self._on_store)
        return bound

    def _on_store(self, is_lost: bool) -> None:  # noqa: FBT001 - a callback
        """Tell the hook once of each change: the session's budgets, of the API and of its tokens, have one store."""
        if is_lost != self._store_lost and not self.closed:
            self._store_lost = is_lost
            if self._hooks.store is not None:
                call_hook(self._hooks.store, attrs.evolve(self.limiter().state(), store_lost=is_lost))

    @property
    def registry(self) -> Registry:
        """The classes by type."""
        if self._registry is None:
            self._registry = Registry(
                *self.service.resources(), *self._own_resources, linkage_total=self.service.linkage_total
            )
        return self._registry

    def require_usable(self) -> None:
        """Refuse what cannot work, before it fails somewhere deep inside.

        Raises:
            SessionError: the session is closed, or used in another event loop or process than the one it belongs to.
        """
        if self.closed:
            raise closed_error()
        # As `require_own_loop` does, which also says what is wrong.
        if self._loop is not asyncio._get_running_loop() or self._process != os.getpid():  # noqa: SLF001 - fast
            self.require_own_loop()

    def require_own_loop(self) -> None:
        """Refuse another event loop or process than the one where the session was first used.

        Raises:
            SessionError: it is another, or no loop is running.
        """
        # The process comes first: asyncio denies that a loop runs in a process that was forked from it.
        if self._loop is not None and self._process != os.getpid():
            raise SessionError(
                f"the session was used in process {self._process} before this one was forked from it; make one in each"
                " process"
            )
        try:
            loop = asyncio.get_running_loop()
        except RuntimeError:
            raise SessionError("a session works in an event loop, and none is running here") from None
        if self._loop is None:
            self._loop = loop
            self._process = os.getpid()
        elif self._loop is not loop:
            raise SessionError(
                f"the session belongs to the event loop where it was first used ({_name_of(self._loop)}) and cannot be"
                f" used or closed in another ({_name_of(loop)}); make one in each loop, and close it there"
            )


def _for_service(http: HttpOptions, service: Service) -> HttpOptions:
    """How the service's own origin is spoken to; nothing of it goes to a token endpoint."""
    return attrs.evolve(
        http,
        accept=service.accept,
        headers=service.headers,
        authorized_by=service.auth.name,
        by_slug=service.hosts is not None,
    )


def _name_of(loop: asyncio.AbstractEventLoop) -> str:
    state = "closed" if loop.is_closed() else "running" if loop.is_running() else "stopped"
    return f"{type(loop).__name__} {id(loop):#x}, {state}"
