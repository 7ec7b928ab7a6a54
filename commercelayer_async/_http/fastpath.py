"""GETs on aiohttp's connections, through its parser, without its session layer.

Half of what a request costs in aiohttp goes into objects that are made anew each time: URL, headers, request, response,
two timers. A reader's requests differ in their target alone. So the head of a request is kept as text until the token
changes, and one timer serves many responses. Pool, name resolution, TLS and parser are aiohttp's.

These parts of aiohttp have public names, but its manual does not describe them. Only `compatibility` says whether this
module is used, and nothing else imports it before that: where aiohttp is another than is expected here, or where a
proxy or a session of the caller's is in between, requests take the documented way through `aiohttp.ClientSession`.
"""

import asyncio
import functools
import math
import re
import zlib
from collections.abc import Mapping
from typing import Any, Final

import aiohttp
from aiohttp import ClientTimeout
from aiohttp.client_proto import ResponseHandler
from aiohttp.client_reqrep import ConnectionKey
from aiohttp.connector import Connection
from aiohttp.http_exceptions import HttpProcessingError
from aiohttp.http_parser import RawResponseMessage
from aiohttp.streams import EofStream, StreamReader
from aiohttp.tracing import Trace
from yarl import URL

from .._markers import override
from .._text import Secret
from .failures import NotHTTP

_TARGET: Final = re.compile(r"/[!-~]*")
_VALUE: Final = re.compile(r"[ -~]*")
_FIRST_INTERIM: Final = 100
_FIRST_FINAL: Final = 200
"""A status from 100 to below 200 announces the final response, which follows on the connection (RFC 9110, 15.2)."""
_SWITCHING: Final = 101
_LATE: Final = 0.2
"""Seconds by which a timer is late where the loop was blocked."""
_LATE_TIMERS: Final = 5
"""Attempts to connect whose time-out is not believed for that reason."""
_FRESH: Final = 0
"""The generation of a connection that carried no request yet."""


class DirectClient:
    """A client for one origin that writes requests and reads responses itself."""

    def __init__(
        self,
        connector: "Connector",
        origin: URL,
        headers: Mapping[str, str],
        *,
        ssl: Any,
        authorized_by: str = "Authorization",
    ) -> None:
        """Send `headers` with each request, and what a request is authorized with in the header `authorized_by`."""
        self._connector = connector
        self._time = asyncio.get_running_loop().time
        self._address = _Address("GET", origin, loop=asyncio.get_running_loop(), ssl=ssl)
        self._headers = {"Host": self._address.headers["Host"], **headers}
        self._authorized_by = authorized_by
        self._authorization: str | None = None
        self._head = _head(self._headers)

    async def connect(self, timeout: ClientTimeout) -> Connection:  # noqa: ASYNC109 - as aiohttp has it
        """A connection from the pool, or a new one; the caller releases or closes it.

        Raises:
            aiohttp.ClientError, OSError: none can be had.
        """
        allowed = timeout.sock_connect or math.inf
        for _ in range(_LATE_TIMERS):
            began = self._time()
            try:
                return await self._connector.connect(self._address, [], timeout)
            except TimeoutError:
                if self._time() - began < allowed + _LATE:
                    break
                # The timer itself came late: the loop was blocked, and nobody looked whether the server was there.
        raise aiohttp.ConnectionTimeoutError

    def send(self, connection: Connection, target: str, authorization: str | None, timeout: ClientTimeout) -> None:
        """Write a GET of `target`. If this raises, nothing was written.

        Raises:
            aiohttp.ClientError, OSError: the connection is gone.
            ValueError: the target or the authorization would not stay on its line.
        """
        # The head is the same text for every request until the token changes.
        if authorization != self._authorization:
            self._head = _head({**self._headers, **({self._authorized_by: authorization} if authorization else {})})
            self._authorization = authorization
        if not _TARGET.fullmatch(target):
            raise ValueError("a target must be printable ASCII text without blanks")
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ClientConnectionResetError
        protocol.set_response_params(read_until_eof=True, read_timeout=timeout.sock_read, auto_decompress=False)
        transport.write(f"GET {target}{self._head}".encode())

    async def receive(self, connection: Connection) -> "RawResponse":
        """The response to what was sent, as soon as its head is here.

        Raises:
            aiohttp.ClientError, OSError: none came, or it is not HTTP.
        """
        protocol = connection.protocol
        if protocol is None:
            raise aiohttp.ClientConnectionResetError
        protocol.start_timeout()
        try:
            while True:
                message, body = _pair(await protocol.read())
                if not _FIRST_INTERIM <= message.code < _FIRST_FINAL or message.code == _SWITCHING:
                    return RawResponse(message, body)
                # aiohttp takes a response without a body for the end of all, and stops its timer.
                protocol.start_timeout()
        except HttpProcessingError as error:
            refused = NotHTTP(error.message)
        except EofStream:
            raise aiohttp.ServerDisconnectedError from None
        raise refused


class RawResponse:
    """A response whose body may still be on its way: of `aiohttp.ClientResponse`, what a reader needs."""

    __slots__ = ("content", "headers", "status")

    def __init__(self, message: RawResponseMessage, content: StreamReader) -> None:
        self.status = message.code
        self.headers = message.headers
        self.content = content

    @property
    def content_length(self) -> int | None:
        """The length of the body in bytes, as announced; None if it is not."""
        length = self.headers.get("Content-Length")
        return None if length is None else int(length)

    async def read(self) -> bytes:
        """The whole body."""
        return await self.content.read()


def _pair(received: tuple[RawResponseMessage, StreamReader]) -> tuple[RawResponseMessage, StreamReader]:
    """What aiohttp gives for a response, which is a pair.

    Raises:
        TypeError: it is not; to unpack it would be a ValueError, which here means a caller's mistake.
    """
    if len(received) != 2:  # noqa: PLR2004 - a pair
        raise TypeError("aiohttp gives another thing than a head and a body")
    return received


def _head(headers: Mapping[str, str]) -> str:
    """The text of a GET request behind its target."""
    if not all(_VALUE.fullmatch(value) for value in headers.values()):
        raise ValueError("a header must be printable ASCII text")
    lines = "".join(f"{name}: {value}\r\n" for name, value in headers.items())
    return Secret(f" HTTP/1.1\r\n{lines}\r\n")


class _Address(aiohttp.ClientRequest):
    """Where to connect to, in the form that the pool takes. It asks for the key each time, so that is made once."""

    _key: ConnectionKey | None = None

    @property
    def connection_key(self) -> ConnectionKey:
        if self._key is None:
            self._key = super().connection_key
        return self._key


class Connector(aiohttp.TCPConnector):
    """A pool that never reuses a connection with unread data, which would be taken for the next response.

    Nor one of an earlier generation: `discard_connections` begins another. What is refused is closed when its turn to
    be reused comes, so a pool holds at most as many connections as it may, however often they are discarded.
    """

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)  # pyright: ignore[reportUnknownMemberType] # partly untyped
        self._factory: Any = functools.partial(Handler, self._loop)
        self._generation = _FRESH + 1

    def discard_connections(self) -> None:
        """Use no connection again that is open now."""
        self._generation += 1

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        # There are no more to be refused than the pool holds; one more is new.
        for _ in range(self.limit + 1):
            connection = await super().connect(req, traces, timeout)
            if self._is_usable(connection.protocol):
                return connection
            connection.close()
        raise aiohttp.ClientConnectionResetError

    def _is_usable(self, protocol: ResponseHandler | None) -> bool:
        if not isinstance(protocol, Handler):
            return True
        if protocol.generation == _FRESH:
            # What a server says before it was asked, such as a refusal, is what it has to say; it is not refused here,
            # because the next connection would bring the same.
            protocol.generation = self._generation
            return True
        return protocol.generation == self._generation and not protocol.should_close


class Handler(ResponseHandler):
    """A connection's protocol with one lazy timer for late data.

    aiohttp cancels a timer and makes another for each piece of a response. Here each piece moves a deadline (`_due`),
    and the timer, when it fires, looks whether the deadline has moved on meanwhile. Should aiohttp no longer call these
    methods one day, its own timers are back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
        self.generation = _FRESH
        """The pool's, when this connection was first taken from it."""
        self._due = math.inf
        self._late_timer_at = math.inf
        self._late_timer: asyncio.TimerHandle | None = None

    def _reschedule_timeout(self) -> None:
        seconds = self._read_timeout
        self._due = due = self._loop.time() + seconds if seconds else math.inf
        if due < self._late_timer_at:
            self._schedule_late_timer(due)

    def _drop_timeout(self) -> None:
        self._due = math.inf

    def _schedule_late_timer(self, when: float) -> None:
        if self._late_timer is not None:
            self._late_timer.cancel()
        self._late_timer_at = when
        self._late_timer = self._loop.call_at(when, self.on_late_timer) if when < math.inf else None

    def on_late_timer(self) -> None:
        """Raise in whoever reads that nothing came, if that is still so; called by the timer."""
        late = self._due <= self._late_timer_at
        self._schedule_late_timer(math.inf if late else self._due)
        if late:
            self._on_read_timeout()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._schedule_late_timer(math.inf)


_BODY: Final = b'{"data": null}'
_ASKED: Final = b"GET /a?b HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: a/b\r\n\r\n"
_PACKER: Final = zlib.compressobj(wbits=31)
_PACKED: Final = _PACKER.compress(_BODY) + _PACKER.flush()
_OK: Final = b"HTTP/1.1 200 OK\r\nX-Name: value\r\n"
_SCRIPT: Final = (
    b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
    b"%bContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n%b" % (_OK, len(_PACKED), _PACKED),
    b"%bTransfer-Encoding: chunked\r\n\r\n%x\r\n%b\r\n0\r\n\r\n" % (_OK, len(_BODY), _BODY),
    b"",
)
_UNASKED: Final = b"%bContent-Length: 0\r\n\r\n" % _OK
_PATIENCE: Final = ClientTimeout(total=None, sock_connect=60.0, sock_read=60.0)


async def exchange_in_memory() -> None:
    """Send requests to a server in memory, by everything that this module uses of aiohttp; nothing is waited for.

    Raises:
        Exception: something is not as it is used here.
    """
    connector = _MemoryConnector(limit=1)
    client = DirectClient(connector, URL("http://127.0.0.1"), {"Accept": "a/b"}, ssl=True)
    try:
        # 1. An announcement, a packed body, and one in chunks: all on one connection.
        connection = await client.connect(_PATIENCE)
        first = _handler_of(connection)
        _require(await _body(client, connection) == (len(_PACKED), _PACKED))
        connection.release()
        connection = await client.connect(_PATIENCE)
        _require(connection.protocol is first and await _body(client, connection) == (None, _BODY))
        connection.release()
        # 2. What came unasked keeps a connection from being used again.
        connector.transports[0].say(_UNASKED)
        connection = await client.connect(_PATIENCE)
        second = _handler_of(connection)
        _require(second is not first)
        # 3. Silence ends.
        client.send(connection, "/a?b", None, _PATIENCE)
        second.start_timeout()
        second.on_late_timer()
        try:
            await client.receive(connection)
        except aiohttp.SocketTimeoutError:
            connection.close()
        _require(connection.protocol is None and connector.written == [_ASKED] * 3)
    finally:
        connector.end()


async def _body(client: DirectClient, connection: Connection) -> tuple[int | None, bytes]:
    """Send a request; the length of the body as announced, and the body."""
    client.send(connection, "/a?b", None, _PATIENCE)
    response = await client.receive(connection)
    _require(response.status == 200 and response.headers.get("x-name") == "value")  # noqa: PLR2004 - as written above
    content = response.content
    whole = content.is_eof()
    body = content.read_nowait() if "Content-Encoding" in response.headers else b""
    pieces = [piece async for piece in content.iter_any()]
    _require(whole and content.is_eof() and await response.read() == b"")
    return response.content_length, body + b"".join(pieces)


def _handler_of(connection: Connection) -> "Handler":
    protocol = connection.protocol
    if not isinstance(protocol, Handler):
        raise TypeError("aiohttp takes its connections from elsewhere")
    return protocol


def _require(holds: bool) -> None:  # noqa: FBT001 - as an assertion has it
    if not holds:
        raise TypeError("aiohttp behaves in another way than is used here")


class _MemoryConnector(Connector):
    """A pool of connections to a server in memory."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)
        self.written: list[bytes] = []
        self.transports: list[_Memory] = []
        self._taken: list[Connection] = []

    def end(self) -> None:
        """Close everything, in whatever state it is."""
        for connection in self._taken:
            connection.close()
        for transport in self.transports:
            transport.close()

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        self._taken.append(connection)
        return connection

    async def _wrap_create_connection(self, *factory: Any, **_: Any) -> Any:
        protocol = factory[0]()
        transport = _Memory(protocol, self.written)
        self.transports.append(transport)
        protocol.connection_made(transport)
        return transport, protocol


class _Memory(asyncio.Transport):
    """A connection to a server in memory, which responds at once as `_SCRIPT` says."""

    def __init__(self, protocol: ResponseHandler, written: list[bytes]) -> None:
        super().__init__()
        self._protocol = protocol
        self._written = written
        self._closed = False

    @override
    def write(self, data: "bytes | bytearray | memoryview[Any]") -> None:
        self._written.append(bytes(data))
        self.say(_SCRIPT[len(self._written) - 1])

    def say(self, data: bytes) -> None:
        """Send something to the client."""
        if data:
            self._protocol.data_received(data)

    @override
    def is_closing(self) -> bool:
        return self._closed

    @override
    def close(self) -> None:
        if not self._closed:
            self._closed = True
            self._protocol.connection_lost(None)
