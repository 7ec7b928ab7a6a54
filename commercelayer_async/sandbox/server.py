"""The sandbox as one object: a world, its tokens, and a socket they are served on."""

import os
import secrets
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from types import TracebackType
from typing import Final, Self

import attrs
from aiohttp import web

from .api.core import Api
from .application import Application
from .faults.rules import Faults
from .http.request_log import ReceivedRequest
from .limits.rates import Meter, Rates, WindowReport
from .oauth.tokens import Issuer, Tokens
from .world.world import World

DEFAULT_WALLETS: Final = 300
DEFAULT_SEED: Final = 2018

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_MAX_KEPT_REQUESTS: Final = 100_000
_BACKLOG: Final = 128  # as aiohttp has it
_SHUTDOWN_TIMEOUT: Final = 1.0  # seconds for answers under way


@attrs.frozen
class _Running:
    runner: web.AppRunner
    url: str
    tokens: Tokens
    access_token: str = attrs.field(repr=False)


class Sandbox:
    """A local server of the Commerce Layer dialect, for the time of an `async with`.

    It starts with the documented wallet `xYZkjABcde` and others made up around it: equal seeds give equal
    worlds.

    Args:
        host: `127.0.0.1`, `localhost` or `::1`.
        port: 0 for any that is free.
        wallets: how many there are, the documented one included.
        seed: what the world is made from.
        token_lifetime: of access tokens, in seconds.
        payment_source_route: whether `/customer_payment_sources/{id}/payment_source` is served. The API
            prints its link, yet no published schema has it; False answers 404, as clients must expect.
        rates: the rate limits. By default there are none, and no header tells of any.
        clock: seconds since 1970; what tokens expire by and rate windows slide by. By default tokens go by the
            clock on the wall, windows by one that never jumps.

    Raises:
        ValueError: *host* is not loopback, or *wallets* is less than 1.
    """

    client_id: str
    """Of the integration that may ask for tokens."""
    client_secret: str
    """Its secret."""
    customer_password: str
    """The password of every customer, for the password grant."""
    requests: deque[ReceivedRequest]
    """What came in, in order; the last 100,000."""
    faults: Faults
    """What is to go wrong, and what did."""
    token_requests: Counter[str]
    """How many requests for tokens came in, whatever was answered: `client_credentials`, `password`,
    `refresh_token`, `other`."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        wallets: int = DEFAULT_WALLETS,
        seed: int = DEFAULT_SEED,
        token_lifetime: float = 7200.0,
        payment_source_route: bool = True,
        rates: Rates | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if host not in _LOOPBACK:
            raise ValueError(f"a sandbox is for this machine alone: host is one of {', '.join(_LOOPBACK)}, not {host}")
        self._host = host
        self._port = port
        self._token_lifetime = token_lifetime
        self._clock = clock or time.time
        self._window_clock = clock or time.monotonic
        self._meter = Meter(rates or Rates.off())
        self._world = World(wallets=wallets, seed=seed)
        self._api = Api(self._world, payment_source_route=payment_source_route)
        self._running: _Running | None = None
        self.client_id = secrets.token_urlsafe(32)
        self.client_secret = secrets.token_urlsafe(32)
        self.customer_password = secrets.token_urlsafe(12)
        self.requests = deque(maxlen=_MAX_KEPT_REQUESTS)
        self.faults = Faults()
        self.token_requests = Counter()

    def __repr__(self) -> str:
        where = self._running.url if self._running else "stopped"
        return f"<Sandbox {where}>"

    async def __aenter__(self) -> Self:
        await self.start()
        return self

    async def __aexit__(
        self, error_type: type[BaseException] | None, error: BaseException | None, traceback: TracebackType | None
    ) -> None:
        await self.stop()

    @property
    def url(self) -> str:
        """What a client takes as the URL of the organization.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        return self._require_running().url

    @property
    def access_token(self) -> str:
        """A token made at the start, good until its lifetime is over or `expire_tokens` is called.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        return self._require_running().access_token

    def expire_tokens(self) -> None:
        """Make every access token handed out so far invalid; new ones can be asked for.

        Refresh tokens stay good.
        """
        self._require_running().tokens.expire_all()

    def revoke_all(self) -> None:
        """Make every token handed out so far invalid, refresh tokens included."""
        self._require_running().tokens.revoke_all()

    @property
    def world(self) -> World:
        """What there is to read. Wallets can be created and deleted while the sandbox runs."""
        return self._world

    def windows(self) -> tuple[WindowReport, ...]:
        """For every rate window that a request arrived in, what the worst of it was.

        Counted since the sandbox was made, by the times of arrival at the server, whether or not the limits are
        enforced.
        """
        return self._meter.report()

    @property
    def violations(self) -> tuple[WindowReport, ...]:
        """Those of `windows` in which more arrived than the limit admits; a well-behaved client causes none."""
        return tuple(report for report in self.windows() if report.exceeded)

    async def start(self) -> None:
        """Listen.

        Raises:
            OSError: the port cannot be had.
            RuntimeError: it is running already.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        listener = self._listen()
        name = f"[{self._host}]" if ":" in self._host else self._host
        url = f"http://{name}:{listener.getsockname()[1]}"
        tokens = self._make_tokens(url)
        application = Application(
            self._api,
            tokens,
            clock=self._window_clock,
            log_request=self.requests.append,
            meter=self._meter,
            faults=self.faults,
            token_requests=self.token_requests,
        )
        runner = web.AppRunner(
            application.build(), access_log=None, handle_signals=False, shutdown_timeout=_SHUTDOWN_TIMEOUT
        )
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._running = _Running(runner, url, tokens, tokens.integration_token())

    async def stop(self) -> None:
        """Close the socket and every connection. Stopping what is stopped does nothing."""
        running, self._running = self._running, None
        if running is not None:
            await running.runner.cleanup()

    def _listen(self) -> socket.socket:
        family = socket.AF_INET6 if ":" in self._host else socket.AF_INET
        try:
            return socket.create_server((self._host, self._port), family=family, backlog=_BACKLOG)
        except OSError as error:
            message = f"cannot listen on port {self._port} of {self._host}: {os.strerror(error.errno or 0)}"
            raise OSError(error.errno, message) from error

    def _make_tokens(self, url: str) -> Tokens:
        return Tokens(
            client_id=self.client_id,
            client_secret=self.client_secret,
            customer_password=self.customer_password,
            issuer=Issuer(url, self._world.organization_id, self._customer_id),
            lifetime=self._token_lifetime,
            clock=self._clock,
        )

    def _customer_id(self, email: str) -> str | None:
        customer = self._world.customer_by_email(email)
        return customer.id if customer else None

    def _require_running(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the sandbox is not running: use `async with Sandbox() as sandbox`")
        return self._running
