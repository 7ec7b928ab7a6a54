"""The sandbox as one object: its world, its tokens, and the socket on which they are served."""

import math
import os
import secrets
import socket
import time
from collections import Counter, deque
from collections.abc import Callable
from contextlib import AbstractContextManager
from types import TracebackType
from typing import Final, Literal, Self
from urllib.parse import urlsplit

import attrs
from aiohttp import web

from .._markers import public
from .api.core import Api
from .application import Application
from .background import in_thread
from .faults.rules import Faults
from .http.request_log import ReceivedRequest
from .limits.meter import Meter
from .limits.rates import Rates, WindowReport
from .oauth.claims import Issuer
from .oauth.clients import Client, Clients
from .oauth.grants import Grants
from .oauth.tokens import Tokens
from .refusals import AuthRefusal
from .viewer import Kind, Mode
from .world.world import World

DEFAULT_WALLETS: Final = 300
DEFAULT_SEED: Final = 2018

_LOOPBACK: Final = ("127.0.0.1", "localhost", "::1")
_MAX_KEPT_REQUESTS: Final = 100_000
_BACKLOG: Final = 128  # the same as aiohttp's
_USER_ID: Final = "sAndbOxUsr"
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
        mode: `test` or `live`: that of its records and tokens, and of the limits that it counts by unless *rates* are
            given. One sandbox has one mode; an organization with both is two of them.
        token_lifetime: Of access tokens, in seconds. By default, as with the service, 7200 for the integration and the
            webapp, and 14,400 for the sales channel.
        payment_source_route: Whether `/customer_payment_sources/{id}/payment_source` is served. The API prints this
            link, but no published schema has the route. False answers it with 404, which clients must expect.
        rates: The rate limits; by default `Rates.off(mode)`: nothing is refused, and no header reports a limit.
        clock: Gives seconds since 1970. Tokens expire and rate windows slide by it. By default tokens go by
            `time.time`, and windows by `time.monotonic`.

    Raises:
        ValueError: *host* is not loopback, *wallets* is less than 0, *mode* is neither `test` nor `live`, or
            *token_lifetime* is not above 0.
    """

    client_id: str
    """The id of the integration, which gets tokens by client credentials, and by assertions (JWT bearer).

    With any other grant it gets what the application gets that the grant is for, so that one pair does for all of them;
    the service has an application of its own for each.
    """
    client_secret: str
    """The secret of the integration."""
    sales_channel_id: str
    """The id of the sales channel: client credentials with a market in scope, passwords of customers, assertions."""
    sales_channel_secret: str
    """The secret of the sales channel. It is needed with assertions, and to revoke the token of a guest."""
    webapp_id: str
    """The id of the webapp, which gets tokens by authorization codes (see `authorize`) and by assertions."""
    webapp_secret: str
    """The secret of the webapp."""
    customer_password: str
    """The password of every customer, for the password grant. The username is the e-mail address."""
    requests: deque[ReceivedRequest]
    """The requests in the order of arrival; the last 100,000 are kept."""
    faults: Faults
    """What goes wrong: `add`, `randomly`, `clear`, and `counts` of what did."""
    token_requests: Counter[str]
    """How many requests for tokens arrived, whatever the response was, by grant type: `client_credentials`, `password`,
    `refresh_token`, `authorization_code`, `urn:ietf:params:oauth:grant-type:jwt-bearer`, `other`."""

    def __init__(
        self,
        *,
        host: str = "127.0.0.1",
        port: int = 0,
        wallets: int = DEFAULT_WALLETS,
        seed: int = DEFAULT_SEED,
        mode: Literal["test", "live"] = "test",
        token_lifetime: float | None = None,
        payment_source_route: bool = True,
        rates: Rates | None = None,
        clock: Callable[[], float] | None = None,
    ) -> None:
        if host not in _LOOPBACK:
            raise ValueError(
                f"host is {host!r}; a sandbox is for this machine alone, so use one of {', '.join(_LOOPBACK)}"
            )
        if token_lifetime is not None and not 0 < token_lifetime < math.inf:
            raise ValueError(f"token_lifetime is {token_lifetime}; it must be a number of seconds above 0")
        _require_rates(rates)
        if mode not in tuple(Mode):
            raise ValueError(f"mode is {mode!r}; it must be 'test' or 'live'")
        self._mode = Mode(mode)
        self._host = host
        self._port = port
        self._token_lifetime = token_lifetime
        self._clock = clock or time.time
        self._window_clock = clock or time.monotonic
        self._meter = Meter(rates or Rates.off(mode))
        self._world = World(wallets=wallets, seed=seed, mode=self._mode)
        self._api = Api(self._world, payment_source_route=payment_source_route)
        self._running: _Running | None = None
        self._integration = Client(Kind.INTEGRATION, "sAndbOxApp")
        self._sales_channel = Client(Kind.SALES_CHANNEL, "sAndbOxShp")
        self._webapp = Client(Kind.WEBAPP, "sAndbOxWeb")
        self.client_id, self.client_secret = self._integration.credentials
        self.sales_channel_id, self.sales_channel_secret = self._sales_channel.credentials
        self.webapp_id, self.webapp_secret = self._webapp.credentials
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

    def in_thread(self) -> "AbstractContextManager[Self]":
        """Run the sandbox in a thread of its own while a `with` block lasts, for code without an event loop.

        ```python
        with Sandbox(wallets=5).in_thread() as sandbox:
            print(sandbox.url)
        ```

        It serves code with a loop as well. When the block is left, the thread has ended.

        Raises:
            OSError: the port is in use, or not allowed; where the block begins.
            RuntimeError: the sandbox is running already; there too.
        """
        return in_thread(self)

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

    @property
    def mode(self) -> str:
        """`test` or `live`."""
        return self._mode.value

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

    def authorize(self, *, redirect_uri: str, scope: str | None = None) -> str:
        """Make an authorization code for the webapp, as if a user of the organization had let it in.

        A code can be exchanged once, within 10 minutes, by the webapp and with the same *redirect_uri*.

        Args:
            redirect_uri: The absolute URL to which the service would send the user's browser with the code.
            scope: As in a request for a token; None for `market:all`.

        Raises:
            RuntimeError: the sandbox is not running.
            ValueError: *redirect_uri* is not an absolute URL, or *scope* is malformed.
        """
        tokens = self._require_running().tokens
        if not (url := urlsplit(redirect_uri)).scheme or not url.netloc:
            raise ValueError(f"redirect_uri is {redirect_uri!r}; it must be an absolute URL")
        try:
            return tokens.authorize(redirect_uri=redirect_uri, scope=scope, user_id=_USER_ID)
        except AuthRefusal as refusal:
            raise ValueError(refusal.detail) from None

    @property
    def world(self) -> World:
        """The records: `add`, `change`, `delete` and `load` those of your own, `create_wallets` and `delete_wallets`.

        They may change while the sandbox runs.
        """
        return self._world

    def windows(self) -> tuple[WindowReport, ...]:
        """Report every rate window in which a request arrived, since the sandbox was made.

        Requests count by their arrival at the server, whether or not the limits are enforced. As with the service, each
        IP address that they come from has windows of its own: 127.0.0.2 has others than 127.0.0.1.
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
        port = listener.getsockname()[1]
        url = f"http://{name}:{port}"
        tokens = self._make_tokens(port)
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

    def _make_tokens(self, port: int) -> Tokens:
        issuer = Issuer(
            domain=f"localhost:{port}",
            organization_id=self._world.organization_id,
            mode=self._mode,
            find_customer=self._customer_id,
            has_customer=lambda customer_id: self._world.get("customers", customer_id) is not None,
        )
        return Tokens(
            clients=Clients((self._integration, self._sales_channel, self._webapp)),
            grants=Grants(issuer, customer_password=self.customer_password, clock=self._clock),
            issuer=issuer,
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


def _require_rates(rates: object) -> None:
    if rates is not None and not isinstance(rates, Rates):
        raise TypeError(f"rates is {rates!r}; it must be Rates, such as Rates.live()")
