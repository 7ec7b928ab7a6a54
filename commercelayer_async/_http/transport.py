"""aiohttp, which turns requests into responses.

The transport is bound to one origin and follows no redirects, so a request cannot end anywhere else. What aiohttp
raises is translated (`failures`) and never let through.

A GET takes the fast path (`fastpath`) where the connections are ours. Tokens are asked for through aiohttp's session
layer, and so is everything where a proxy or a session of the caller's is in between.
"""

import builtins
from collections.abc import Mapping
from typing import Any, Final
from weakref import WeakSet

import aiohttp
import msgspec
from aiohttp import ClientTimeout
from multidict import CIMultiDict
from yarl import URL

from .._markers import override
from .._text import printable
from .._version import __version__
from ..errors import BodyTooLarge, ConfigurationError, SessionError, TransportError
from ..jsonapi import JSON_API
from .failures import CONNECT_SECONDS, READ_SECONDS, ConnectionLost, map_aiohttp_error
from .fastpath import Connector, DirectClient, RawResponse, aiohttp_is_compatible
from .message import PhaseObserver, Request, Response, Transport
from .options import HttpOptions


class _Pool:
    """A client session and the requests on it. Once retired, it is closed when the last of them ends."""

    def __init__(self, http: aiohttp.ClientSession, direct: DirectClient | None = None) -> None:
        self.http = http
        self.direct = direct
        self.busy = 0
        self.retired = False


class AiohttpTransport(Transport):
    """The transport on aiohttp: pooled connections, no cookies, no redirects, no environment unless asked for."""

    def __init__(self, origin: str, options: HttpOptions) -> None:
        self._origin = URL(origin)
        self._prefix = origin
        self._options = options
        self._max_body = int(options.max_body)
        self._ssl = options.ssl if options.ssl is not None else True
        self._proxy = _proxy_of(self._origin) if options.trust_env else None
        self._theirs = options.http
        # The middlewares of a request stand in place of those of the session, which no public attribute tells.
        self._middlewares = (_no_hidden_retry, *getattr(options.http, "_middlewares", ()))
        self._headers = {
            "Accept": JSON_API,
            "Accept-Encoding": "gzip",
            "User-Agent": default_user_agent(options.user_agent),
        }
        self._authorized: CIMultiDict[str] = CIMultiDict()
        self._pool: _Pool | None = None
        self._retired: set[_Pool] = set()
        self._used: WeakSet[Any] = WeakSet()
        """The caller's connections that brought a response; its pool may give them again."""

    @override
    async def send(self, request: Request, observer: PhaseObserver) -> Response:
        pool = self._pool or self._open()
        pool.busy += 1
        url = self._prefix + request.target
        failure: TransportError | SessionError
        try:
            if pool.direct is not None and request.form is None:
                return await self._get(pool.direct, request, url, observer)
            return await self._exchange(pool.http, request, url, observer)
        except (aiohttp.ClientError, OSError, builtins.TimeoutError, ValueError) as error:
            failure = map_aiohttp_error(error, url=url.partition("?")[0], phase=observer.phase)
        except RuntimeError as error:
            failure = SessionError(f"the aiohttp session cannot be used: {printable(str(error))}")
        finally:
            pool.busy -= 1
            if pool.retired and not pool.busy:
                await self._dispose(pool)
        # Raised out here, so that aiohttp's exception does not hang on as its context.
        raise failure

    async def _get(self, direct: DirectClient, request: Request, url: str, observer: PhaseObserver) -> Response:
        """A GET on the fast path."""
        observer.phase = "headers"
        connection = await direct.connect(_TIMEOUT)
        try:
            incoming = await direct.get(connection, request.target, request.authorization, _TIMEOUT)
            observer.phase = "body"
            body = await self._read(incoming, url)
        except BaseException:
            # What is left of this response must not be taken for the next one.
            connection.close()
            raise
        connection.release()
        return Response(incoming.status, incoming.headers, body, url)

    async def _exchange(
        self, http: aiohttp.ClientSession, request: Request, url: str, observer: PhaseObserver
    ) -> Response:
        observer.phase = "headers"
        response = await http.request(
            "GET" if request.form is None else "POST",
            self._origin.with_path(request.target, encoded=True) if "?" not in url else URL(url, encoded=True),
            headers=self._headers_of(request),
            data=msgspec.json.encode(request.form, enc_hook=str) if request.form is not None else None,
            allow_redirects=False,
            timeout=_TIMEOUT,
            ssl=self._ssl,
            middlewares=self._middlewares,
            proxy=self._proxy,
        )
        observer.phase = "body"
        if self._theirs is not None:
            self._used.add(getattr(response, "_protocol", response))
        try:
            body = await self._read(response, url)
        except BaseException:
            # As above. Read to its end, a response gives its connection back by itself.
            response.close()
            raise
        return Response(response.status, response.headers, body, url)

    def _headers_of(self, request: Request) -> Mapping[str, str]:
        if request.form is not None:
            return {**self._headers, "Accept": "application/json", "Content-Type": "application/json"}
        if request.authorization is not None:
            if request.authorization != self._authorized.get("Authorization"):
                # Kept until the token changes: aiohttp copies such a mapping faster than it reads another.
                self._authorized = CIMultiDict({**self._headers, "Authorization": request.authorization})
            return self._authorized
        return self._headers

    async def _read(self, response: aiohttp.ClientResponse | RawResponse, url: str) -> bytes:
        announced = response.content_length
        if announced is not None:
            if announced > self._max_body:
                raise self._too_large(url)
            if "Content-Encoding" not in response.headers:
                content = response.content
                if self._theirs is None and content.is_eof():
                    # All of a short body came with its headers.
                    return content.read_nowait()
                return await response.read()
        chunks: list[bytes] = []
        size = 0
        async for chunk in response.content.iter_any():
            size += len(chunk)
            if size > self._max_body:
                raise self._too_large(url)
            chunks.append(chunk)
        return b"".join(chunks)

    def _too_large(self, url: str) -> BodyTooLarge:
        where = url.partition("?")[0]
        return BodyTooLarge(
            f"the response of {where} has more than {self._max_body} bytes; raise max_body if that is expected",
            url=where,
            limit=self._max_body,
        )

    @property
    @override
    def is_open(self) -> bool:
        return self._pool is not None and self._pool.http is not self._theirs

    @override
    def discard_connections(self) -> None:
        """See `Transport.distrust`; of the caller's connections, it closes those that brought an answer here."""
        pool = self._pool
        if self._theirs is not None:
            for connection in tuple(self._used):
                connection.close()
            self._used.clear()
        elif pool is not None:
            self._pool = None
            pool.retired = True
            self._retired.add(pool)

    @override
    async def close(self) -> None:
        if self._pool is not None:
            self._retired.add(self._pool)
            self._pool = None
        for pool in tuple(self._retired):
            await self._dispose(pool)

    async def _dispose(self, pool: _Pool) -> None:
        self._retired.discard(pool)
        if pool.http is not self._theirs:
            await pool.http.close()

    def _open(self) -> _Pool:
        http = self._theirs
        if http is not None:
            self._pool = _Pool(http)
            return self._pool
        _widen_malloc()
        connector = Connector(limit=self._options.connections)
        direct = None
        if self._proxy is None and aiohttp_is_compatible():
            direct = DirectClient(connector, self._origin, self._headers, ssl=self._ssl)
        self._pool = _Pool(aiohttp.ClientSession(connector=connector, cookie_jar=aiohttp.DummyCookieJar()), direct)
        return self._pool


_TIMEOUT: Final = ClientTimeout(total=None, sock_connect=CONNECT_SECONDS, sock_read=READ_SECONDS)


async def _no_hidden_retry(
    request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType
) -> aiohttp.ClientResponse:
    """A client middleware that keeps aiohttp from sending a GET again by itself, which no rate limit would know of."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        name = type(error).__name__
    raise ConnectionLost(name)


def _proxy_of(origin: URL) -> URL | None:
    """The environment's proxy for an origin.

    Not left to aiohttp, which looks into `.netrc` too, and then refuses to send a token where that names the host.
    """
    # Imported here: few ask for it.
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415

    named = getproxies().get(origin.scheme)
    if not named or proxy_bypass(origin.host or ""):
        return None
    try:
        return URL(named)
    except ValueError:
        raise ConfigurationError(f"the environment's proxy for {origin.scheme} is no URL") from None


def default_user_agent(suffix: str | None = None) -> str:
    """Who is asking: this package, Python and aiohttp, and the caller's own suffix."""
    # Imported here: slow, and needed once.
    from platform import python_version  # noqa: PLC0415

    own = f"commercelayer-async/{__version__} python/{python_version()} aiohttp/{aiohttp.__version__}"
    return f"{own} {suffix}" if suffix else own


def _widen_malloc() -> None:
    """Let the allocator keep large blocks instead of returning each to the system.

    asyncio receives into a new 256 KiB object each time. glibc serves such a size by mapping and unmapping memory,
    until a larger block has once been freed; whether an import did so depends on the hash seed, and costs one fifth
    of all CPU time where it did not.
    """
    bytearray(2 << 20)
