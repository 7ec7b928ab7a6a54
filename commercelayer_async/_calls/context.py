"""What a session shares with its copies."""

import asyncio
import os
from collections.abc import Iterable
from typing import Any
from urllib.parse import urlsplit

from .._auth.credentials import AccessToken, Auth, TokenStore, claims_of
from .._auth.manager import TokenManager
from .._clock import LoopClock, chance
from .._hooks import Hooks, call_hook
from .._http.origin import Origin, is_loopback
from .._http.transport import AiohttpTransport
from .._limits.limiter import TOKEN_LIMITS, Limiter, LocalLimiter, shared_limiter
from .._limits.windows import RateLimits
from ..errors import SessionError
from ..jsonapi import Registry, Resource
from ..service import COMMERCE_LAYER, Service
from .pipeline import TokenEndpoint
from .semaphore import FifoSemaphore
from .singleflight import SingleFlight


class SessionContext:
    """Connections, token, budget and classes, and where they may be used."""

    def __init__(
        self,
        origin: Origin,
        auth: Auth,
        *,
        carrier: dict[str, Any],
        limits: RateLimits | None,
        limiter: Limiter | None,
        token_store: TokenStore | None,
        batching: bool,
        hooks: Hooks,
        resources: Iterable[type[Resource]],
    ) -> None:
        self.service: Service = COMMERCE_LAYER
        self.origin = origin
        self.transport = AiohttpTransport(origin.url, **carrier)
        at = urlsplit(origin.auth_url)
        self.token_transport = AiohttpTransport(f"{at.scheme}://{at.netloc}", **carrier)
        self.clock = LoopClock()
        self.tokens = TokenManager(
            auth,
            TokenEndpoint(self.token_transport, at.path),
            auth_url=origin.auth_url,
            store=token_store,
            clock=self.clock,
            chance=chance,
            limiter=self.token_limiter,
            on_token=self.received,
        )
        self.limits = limits
        self.batching = batching
        self.first_token = auth.token if isinstance(auth, AccessToken) else None
        self.hooks = hooks
        self.places = FifoSemaphore(carrier["max_connections"])
        self.own_resources = tuple(resources)
        self.followed = SingleFlight()
        self.no_route: set[tuple[str, str]] = set()
        self.closed = False
        self._registry: Registry | None = None
        self._limiter: Limiter | None = limiter
        self._loop: asyncio.AbstractEventLoop | None = None
        self._process = os.getpid()

    def limiter(self) -> Limiter:
        """The budget that this session shares with all others of its organization in this loop."""
        if self._limiter is None:
            self._limiter = shared_limiter(self.origin.url, self.limits, clock=self.clock, chance=chance)
            if self.first_token is not None:
                self.use_mode(self.first_token)
        return self._limiter

    def token_limiter(self) -> Limiter:
        """The budget of the token endpoint, which is its own."""
        return shared_limiter(self.origin.auth_url, TOKEN_LIMITS, clock=self.clock, chance=chance)

    def received(self, token: str) -> None:
        """A new token is here."""
        self.use_mode(token)
        call_hook(self.hooks.token)

    def use_mode(self, token: str) -> None:
        """Keep the documented limits of a token's mode, test or live, until headers tell more.

        They are those of the hosted API; a server on this machine says for itself.
        """
        test = claims_of(token).get("test")
        limiter = self.limiter()
        if isinstance(test, bool) and isinstance(limiter, LocalLimiter) and not is_loopback(self.origin.host):
            limiter.use(RateLimits.test() if test else RateLimits.live())

    @property
    def registry(self) -> Registry:
        """The classes by type."""
        if self._registry is None:
            # Imported here: a program with classes of its own may never need them.
            from ..resources import RESOURCES  # noqa: PLC0415

            self._registry = Registry(*RESOURCES, *self.own_resources)
        return self._registry

    def check(self) -> None:
        """Refuse what cannot work, before it fails somewhere deep inside."""
        if self.closed:
            raise SessionError("the session is closed; make another, or close it later")
        loop = asyncio.get_running_loop()
        if self._loop is None:
            self._loop = loop
            self._process = os.getpid()
        elif self._process != os.getpid():
            raise SessionError(
                f"the session was used in process {self._process} before this one was forked from it; make one in each"
                " process"
            )
        elif self._loop is not loop:
            raise SessionError(
                f"the session belongs to the event loop where it was first used ({_named(self._loop)}) and cannot be"
                f" used in another ({_named(loop)}); make one in each loop"
            )


def _named(loop: asyncio.AbstractEventLoop) -> str:
    state = "closed" if loop.is_closed() else "running" if loop.is_running() else "stopped"
    return f"{type(loop).__name__} {id(loop):#x}, {state}"
