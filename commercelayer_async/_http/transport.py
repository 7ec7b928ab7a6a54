"""aiohttp, which turns requests into responses.

The transport is bound to one origin and follows no redirects, so a request cannot end anywhere else. What aiohttp
raises is translated (`failures`) and never let through.

A GET takes the fast path (`fastpath`) where the connections are ours and aiohttp is as expected (`compatibility`).
Tokens are asked for through aiohttp's session layer, and so is everything where a proxy or a session of the caller's is
in between.
"""

import asyncio
from collections.abc import Mapping
from contextlib import suppress
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlencode
from weakref import WeakSet

import aiohttp
import msgspec
from aiohttp import ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from .._markers import override
from .._tasks import consume_exception
from .._text import printable
from ..errors import (
    CommerceLayerError,
    ConfigurationError,
    SessionError,
    closed_error,
    closed_meanwhile,
)
from .body import BodyReader
from .compatibility import GUARD, UNFIT, Unfit, aiohttp_is_compatible
from .failures import CONNECT_SECONDS, READ_SECONDS, ConnectionLost, final_error, map_aiohttp_error
from .message import PhaseObserver, Request, Response, SecretBytes, Transport, without_query
from .middlewares import no_hidden_retry, own_headers
from .options import HttpOptions
from .proxies import proxy_of
from .user_agent import default_user_agent

if TYPE_CHECKING:
    from .fastpath import Connector, DirectClient

_TIMEOUT: Final = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)


class _Pool:
    """A client session and the requests on it. Once retired, it is closed when the last of them ends."""

    def __init__(
        self,
        http: aiohttp.ClientSession,
        connector: "Connector | None" = None,
        direct: "DirectClient | None" = None,
    ) -> None:
        self.http = http
        self.connector = connector
        self.direct = direct
        self.busy = 0
        self.retired = False


class AiohttpTransport(Transport):
    """The transport on aiohttp: pooled connections, no cookies, no redirects, no environment unless asked for."""

    def __init__(self, origin: str, options: HttpOptions) -> None:
        self._origin = URL(origin)
        self._prefix = origin
        self._options = options
        self._ssl = options.ssl if options.ssl is not None else True
        self._proxy = proxy_of(self._origin) if options.trust_env else None
        self._theirs = options.http
        self._body = BodyReader(int(options.max_body), reads_buffered=options.http is None)
        self._middlewares: tuple[aiohttp.ClientMiddlewareType, ...] = (no_hidden_retry,)
        self._middlewares_for: Request | None = None
        self._headers = {
            **options.headers,
            "Accept": options.accept,
            "Accept-Encoding": "gzip",
            "User-Agent": default_user_agent(options.user_agent),
        }
        self._authorized_by = options.authorized_by
        self._authorized: CIMultiDict[str] = CIMultiDict()
        self._pool: _Pool | None = None
        self._retired: set[_Pool] = set()
        self._disposals: set[asyncio.Task[None]] = set()
        self._closed = False
        self._used: WeakSet[Any] = WeakSet()
        """The caller's connections that brought a response; its pool may give them again."""

    @override
    async def send(self, request: Request, observer: PhaseObserver) -> Response:  # noqa: C901 - one loop
        while True:
            if self._closed:
                raise closed_error()
            pool = self._pool or self._open()
            if pool.direct is not None and GUARD.is_off:
                self._retire(pool)
                continue
            pool.busy += 1
            url = self._prefix + request.target
            failure: CommerceLayerError | None = None
            try:
                if pool.direct is not None and request.form is None:
                    return await self._get(pool.direct, request, url, observer)
                return await self._exchange(pool.http, request, url, observer)
            except Unfit as error:
                GUARD.turn_off(error.name)
                # What left may have been counted; to send it again is the next attempt's, which the limits know of.
                if error.sent:
                    failure = map_aiohttp_error(ConnectionLost(error.name), url=without_query(url))
            except CommerceLayerError:
                raise
            except Exception as error:  # noqa: BLE001 - a part of the caller's session may raise anything
                failure = self._failure(error, request, url, observer)
            finally:
                pool.busy -= 1
                if pool.retired and not pool.busy:
                    self._dispose_soon(pool)
            # Raised out here, so that aiohttp's exception does not hang on as its context.
            if failure is not None:
                raise failure

    async def _get(self, direct: "DirectClient", request: Request, url: str, observer: PhaseObserver) -> Response:
        """A GET on the fast path.

        Raises:
            Unfit: aiohttp is another than expected.
        """
        observer.phase = "headers"
        connection = None
        sent = False
        try:
            connection = await direct.connect(_TIMEOUT)
            direct.send(connection, request.target, request.authorization, _TIMEOUT)
            sent = True
            incoming = await direct.receive(connection)
            observer.phase = "body"
            body = await self._body.read(incoming, url)
            connection.release()
        except BaseException as error:
            if connection is not None:
                # What is left of this response must not be taken for the next one.
                with suppress(*UNFIT):
                    connection.close()
            if isinstance(error, UNFIT):
                unfit = Unfit(type(error).__name__, sent=sent)
            else:
                raise
        else:
            return Response(incoming.status, incoming.headers, body, url)
        raise unfit

    async def _exchange(
        self, http: aiohttp.ClientSession, request: Request, url: str, observer: PhaseObserver
    ) -> Response:
        observer.phase = "headers"
        response = await http.request(
            "GET" if request.form is None else "POST",
            self._origin.with_path(request.target, encoded=True) if "?" not in url else URL(url, encoded=True),
            headers=self._headers_of(request),
            data=self._encoded(request.form) if request.form is not None else None,
            allow_redirects=False,
            raise_for_status=False,
            auto_decompress=False,
            timeout=_TIMEOUT,
            ssl=self._ssl,
            middlewares=self._middlewares if self._theirs is None else self._middlewares_of(request),
            proxy=self._proxy,
        )
        observer.phase = "body"
        if self._theirs is not None:
            self._used.add(getattr(response, "_protocol", response))
        try:
            body = await self._body.read(response, url)
        except BaseException:
            # As above. Read to its end, a response gives its connection back by itself.
            response.close()
            raise
        # What a token endpoint says is a token, or may quote what it was sent.
        return Response(response.status, response.headers, body if request.form is None else SecretBytes(body), url)

    def _failure(self, error: Exception, request: Request, url: str, observer: PhaseObserver) -> CommerceLayerError:
        """The error of ours for whatever came out of aiohttp."""
        if self._closed:
            return closed_meanwhile()
        name = type(error).__name__
        url = without_query(url)
        if self._theirs is not None and type(error) is ValueError:
            return ConfigurationError(
                f"the aiohttp session given as http= cannot be used: {printable(str(error))}; give another"
            )
        if isinstance(error, (aiohttp.ClientError, OSError, ValueError)):
            by_slug = request.form is None and self._options.by_slug
            return map_aiohttp_error(error, url=url, phase=observer.phase, to_organization=by_slug)
        if self._theirs is not None:
            # aiohttp's own are about its state, any other comes from what the caller added to it.
            of_state = isinstance(error, RuntimeError)
            text = printable(str(error) if of_state else f"{name}: {error}")
            check = "give one that is open in this event loop" if of_state else "check its middlewares and traces"
            return SessionError(f"the aiohttp session given as http= cannot be used: {text}; {check}")
        if isinstance(error, RuntimeError):
            return map_aiohttp_error(ConnectionLost(name), url=url)
        return final_error(f"{url} could not be asked ({name})", url=url, phase="headers")

    def _middlewares_of(self, request: Request) -> "tuple[aiohttp.ClientMiddlewareType, ...]":
        """Those for a session of the caller's: they replace what it would add to the request, and then come its own.

        The middlewares of a request stand in place of those of the session, which no public attribute holds.
        """
        before = self._middlewares_for
        if before is None or (before.authorization, before.form is None) != (
            request.authorization,
            request.form is None,
        ):
            self._middlewares_for = Request(request.target, request.authorization, {} if request.form else None)
            own = own_headers(self._origin, request.authorization, by=self._authorized_by, reads=request.form is None)
            self._middlewares = (no_hidden_retry, own, *getattr(self._theirs, "_middlewares", ()))
        return self._middlewares

    def _headers_of(self, request: Request) -> Mapping[str, str]:
        if request.form is not None:
            content_type = "application/json" if self._options.sends_json else "application/x-www-form-urlencoded"
            return {**self._headers, "Accept": "application/json", "Content-Type": content_type}
        if request.authorization is not None and self._theirs is None:
            if request.authorization != self._authorized.get(self._authorized_by):
                # Kept until the token changes: aiohttp copies such a mapping faster than it reads another.
                self._authorized = CIMultiDict({**self._headers, self._authorized_by: request.authorization})
            return self._authorized
        return self._headers

    def _encoded(self, form: Mapping[str, str]) -> bytes:
        """A form as the server takes it: as JSON, or as RFC 6749 asks for (appendix B)."""
        if self._options.sends_json:
            return SecretBytes(msgspec.json.encode(form, enc_hook=str))
        return SecretBytes(urlencode(form).encode())

    @property
    @override
    def is_open(self) -> bool:
        return self._pool is not None and self._pool.http is not self._theirs

    @override
    def discard_connections(self) -> None:
        """See `Transport`; of the caller's connections, it closes those that brought a response here."""
        pool = self._pool
        if self._theirs is not None:
            for connection in tuple(self._used):
                connection.close()
            self._used.clear()
        elif pool is not None and pool.connector is not None:
            pool.connector.discard_connections()
        elif pool is not None:
            self._retire(pool)

    def _retire(self, pool: _Pool) -> None:
        """Use the present pool no more, and close it as soon as its last request has ended."""
        self._pool = None
        pool.retired = True
        self._retired.add(pool)
        if not pool.busy:
            self._dispose_soon(pool)

    def _dispose_soon(self, pool: _Pool) -> None:
        disposal = asyncio.ensure_future(self._dispose(pool))
        self._disposals.add(disposal)
        disposal.add_done_callback(self._disposals.discard)
        disposal.add_done_callback(consume_exception)

    @override
    async def close(self) -> None:
        """See `Transport`. One that is cancelled has closed the connections all the same, and can be called again."""
        self._closed = True
        if self._pool is not None:
            self._retired.add(self._pool)
            self._pool = None
        for pool in tuple(self._retired):
            await self._dispose(pool)
        if self._disposals:
            await asyncio.wait(self._disposals)

    async def _dispose(self, pool: _Pool) -> None:
        if pool.http is not self._theirs:
            await pool.http.close()
        # Not before: who is cancelled in the line above leaves it to the next.
        self._retired.discard(pool)

    def _open(self) -> _Pool:
        if self._theirs is not None:
            self._pool = _Pool(self._theirs)
            return self._pool
        _widen_malloc()
        connector, direct = self._fast_path()
        of_pool = connector or aiohttp.TCPConnector(limit=self._options.connections)
        http = aiohttp.ClientSession(connector=of_pool, cookie_jar=aiohttp.DummyCookieJar())
        self._pool = _Pool(http, connector, direct)
        return self._pool

    def _fast_path(self) -> "tuple[Connector | None, DirectClient | None]":
        """A pool for the fast path, and a client on it unless a proxy is in between; None where neither is to be."""
        if GUARD.is_off or not aiohttp_is_compatible():
            return None, None
        from .fastpath import Connector, DirectClient  # noqa: PLC0415 - it may not be there as is expected

        try:
            connector = Connector(limit=self._options.connections)
            if self._proxy is not None:
                return connector, None
            return connector, DirectClient(
                connector, self._origin, self._headers, ssl=self._ssl, authorized_by=self._authorized_by
            )
        except UNFIT as error:
            GUARD.turn_off(type(error).__name__)
            return None, None


def _widen_malloc() -> None:
    """Let the allocator keep large blocks instead of returning each to the system.

    asyncio receives into a new 256 KiB object each time. glibc serves such a size by mapping and unmapping memory,
    until a larger block has once been freed; whether an import did so depends on the hash seed, and costs one fifth
    of all CPU time where it did not.
    """
    bytearray(2 << 20)
