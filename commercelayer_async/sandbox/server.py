"""The sandbox as one object: its world, its tokens, and the socket on which they are served."""

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

from .._markers import public
from .api.core import Api
from .application import Application
from .faults.rules import Faults
from .http.request_log import ReceivedRequest
from .limits.meter import Meter
from .limits.rates import Rates, WindowReport
from .oauth.claims import Issuer
from .oauth.tokens import Tokens
from .world.world import World

DEFAULT_WALLETS: Final = 300
DEFAULT_SEED: Final = 2018

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_MAX_KEPT_REQUESTS: Final = 100_000
_BACKLOG: Final = 128  # the same as aiohttp's
_SHUTDOWN_TIMEOUT: Final = 1.0  # seconds, for responses under way


@attrs.frozen
class _Running:
    runner: web.ServerRunner
    url: str
    tokens: Tokens
    access_token: str = attrs.field(repr=False)


@public("commercelayer_async.sandbox")
class Sandbox:
    """A local server that speaks the Commerce Layer dialect of JSON:API, running while its `async with` block lasts.

    Its world has the documented wallet (the `customer_payment_sources` record `xYZkjABcde`) and made-up ones. Equal
    seeds give equal worlds.

    Args:
        host: `127.0.0.1`, `localhost` or `::1`.
        port: 0 for any free port.
        wallets: How many wallets there are at first, the documented one included; 0 for an empty world.
        seed: Equal seeds give equal worlds.
        token_lifetime: Of access tokens, in seconds.
        payment_source_route: Whether `/customer_payment_sources/{id}/payment_source` is served. The API prints this
            link, but no published schema has the route. False answers it with 404, which clients must expect.
        rates: The rate limits; by default `Rates.off()`: nothing is refused, and no header reports a limit.
        clock: Gives seconds since 1970. Tokens expire and rate windows slide by it. By default tokens go by
            `time.time`, and windows by `time.monotonic`.

    Raises:
        ValueError: *host* is not loopback, or *wallets* is less than 0.
    """

    client_id: str
    """The id of the only application, which may use every grant."""
    client_secret: str
    """Its secret."""
    customer_password: str
    """The password of every customer, for the password grant. The username is the e-mail address."""
    requests: deque[ReceivedRequest]
    """The requests in the order of arrival; the last 100,000 are kept."""
    faults: Faults
    """What goes wrong: `add`, `randomly`, `clear`, and `counts` of what did."""
    token_requests: Counter[str]
    """How many requests for tokens arrived, whatever the response was, by grant type: `client_credentials`, `password`,
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
            raise ValueError(
                f"host is {host!r}; a sandbox is for this machine alone, so use one of {', '.join(_LOOPBACK)}"
            )
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
        """The URL to give to a client as that of the organization, such as `http://127.0.0.1:8080`.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        return self._require_running().url

    @property
    def access_token(self) -> str:
        """A token issued at the start, valid until its lifetime is over or `expire_tokens` is called.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        return self._require_running().access_token

    def expire_tokens(self) -> None:
        """Make all access tokens issued so far invalid. Refresh tokens stay valid, and new tokens are issued.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        self._require_running().tokens.expire_all()

    def revoke_all(self) -> None:
        """Make all access and refresh tokens issued so far invalid. New tokens are issued.

        Raises:
            RuntimeError: the sandbox is not running.
        """
        self._require_running().tokens.revoke_all()

    @property
    def world(self) -> World:
        """The records. `create_wallets` and `delete_wallets` change them, also while the sandbox runs."""
        return self._world

    def windows(self) -> tuple[WindowReport, ...]:
        """Report every rate window in which a request arrived, since the sandbox was made.

        Requests count by their arrival at the server, whether or not the limits are enforced.
        """
        return self._meter.report()

    @property
    def violations(self) -> tuple[WindowReport, ...]:
        """Those of `windows` in which more requests arrived than the limit allows; none, if the client heeds it."""
        return tuple(report for report in self.windows() if report.exceeded)

    async def start(self) -> None:
        """Listen on the port, and issue the first access token.

        Raises:
            OSError: the port is in use, or not allowed.
            RuntimeError: the sandbox is running already.
        """
        if self._running is not None:
            raise RuntimeError("the sandbox is running already")
        listener = self._listen()
        name = f"[{self._host}]" if ":" in self._host else self._host
        url = f"http://{name}:{listener.getsockname()[1]}"
        tokens = self._make_tokens(url)
        server = self._make_server(tokens)
        runner = web.ServerRunner(server, handle_signals=False, shutdown_timeout=_SHUTDOWN_TIMEOUT)
        await runner.setup()
        await web.SockSite(runner, listener).start()
        self._running = _Running(runner, url, tokens, tokens.integration_token())

    async def stop(self) -> None:
        """Close the socket and all connections. To stop a sandbox that is not running does nothing."""
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

    def _make_server(self, tokens: Tokens) -> web.Server:
        return Application(
            self._api,
            tokens,
            clock=self._window_clock,
            log_request=self.requests.append,
            meter=self._meter,
            faults=self.faults,
            token_requests=self.token_requests,
        ).build()

    def _customer_id(self, email: str) -> str | None:
        customer = self._world.customer_by_email(email)
        return customer.id if customer else None

    def _require_running(self) -> _Running:
        if self._running is None:
            raise RuntimeError("the sandbox is not running: use `async with Sandbox() as sandbox`")
        return self._running
