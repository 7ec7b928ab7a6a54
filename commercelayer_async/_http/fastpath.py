"""GETs on aiohttp's connections, through its parser, without its session layer.

Half of what a request costs in aiohttp goes into objects that are made anew each time: URL, headers, request, response,
two timers. A reader's requests differ in their target alone. So the head of a request is kept as text until the token
changes, and one timer serves many responses. Pool, name resolution, TLS and parser are aiohttp's.

These parts of aiohttp have public names, but its manual does not describe them. Where they differ from what is used
here (`aiohttp_is_compatible`), or where a proxy or a session of the caller's is in between, requests take the
documented way through `aiohttp.ClientSession`.
"""

import asyncio
import functools
import inspect
import math
import re
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

from .._text import Secret

_TARGET: Final = re.compile(r"/[!-~]*")
_VALUE: Final = re.compile(r"[ -~]*")
_FIRST_FINAL: Final = 200
"""A status below announces the final response, which follows on the same connection (RFC 9110, 15.2)."""
_SWITCHING: Final = 101


class DirectClient:
    """A client for one origin that writes requests and reads responses itself."""

    def __init__(self, connector: "Connector", origin: URL, headers: Mapping[str, str], *, ssl: Any) -> None:
        self._connector = connector
        self._address = _Address("GET", origin, loop=asyncio.get_running_loop(), ssl=ssl)
        self._headers = {"Host": self._address.headers["Host"], **headers}
        self._authorization: str | None = None
        self._head = _head(self._headers)

    async def connect(self, timeout: ClientTimeout) -> Connection:  # noqa: ASYNC109 - as aiohttp has it
        """A connection from the pool, or a new one; the caller releases or closes it.

        Raises:
            aiohttp.ClientError, OSError: none can be had.
        """
        try:
            return await self._connector.connect(self._address, [], timeout)
        except TimeoutError:
            raise aiohttp.ConnectionTimeoutError from None

    async def get(
        self,
        connection: Connection,
        target: str,
        authorization: str | None,
        timeout: ClientTimeout,  # noqa: ASYNC109 - as aiohttp has it
    ) -> "RawResponse":
        """The response to a GET of `target`, as soon as its head is here.

        Raises:
            aiohttp.ClientError, OSError: none came, or it is not HTTP.
            ValueError: the target or the authorization would not stay on its line.
        """
        # The head is the same text for every request until the token changes.
        if authorization != self._authorization:
            self._head = _head({**self._headers, **({"Authorization": authorization} if authorization else {})})
            self._authorization = authorization
        if not _TARGET.fullmatch(target):
            raise ValueError("a target must be printable ASCII text without blanks")
        protocol, transport = connection.protocol, connection.transport
        if protocol is None or transport is None:
            raise aiohttp.ClientConnectionResetError
        protocol.set_response_params(read_until_eof=True, read_timeout=timeout.sock_read)
        transport.write(f"GET {target}{self._head}".encode())
        protocol.start_timeout()
        try:
            while True:
                message, body = await protocol.read()
                if message.code >= _FIRST_FINAL or message.code == _SWITCHING:
                    return RawResponse(message, body)
        except HttpProcessingError:
            raise NotHTTP from None
        except EofStream:
            raise aiohttp.ServerDisconnectedError from None


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


class NotHTTP(aiohttp.ClientError):
    """What arrived is not an HTTP response."""


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
    """A pool that never reuses an idle connection with unread data: it would be taken for the next response."""

    def __init__(self, *, limit: int) -> None:
        super().__init__(limit=limit)  # pyright: ignore[reportUnknownMemberType]
        self._factory: Any = functools.partial(Handler, self._loop)

    async def connect(
        self,
        req: aiohttp.ClientRequest,
        traces: list[Trace],
        timeout: ClientTimeout,  # noqa: ASYNC109 - aiohttp's own signature
    ) -> Connection:
        connection = await super().connect(req, traces, timeout)
        while connection.protocol is not None and connection.protocol.should_close:
            connection.close()
            connection = await super().connect(req, traces, timeout)
        return connection


class Handler(ResponseHandler):
    """A connection's protocol with one lazy timer for late data.

    aiohttp cancels a timer and makes another for each piece of a response. Here each piece moves a deadline (`_due`),
    and the timer, when it fires, looks whether the deadline has moved on meanwhile. Should aiohttp no longer call these
    methods one day, its own timers are back.
    """

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        super().__init__(loop)
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
        self._late_timer = self._loop.call_at(when, self._on_late_timer) if when < math.inf else None

    def _on_late_timer(self) -> None:
        late = self._due <= self._late_timer_at
        self._schedule_late_timer(math.inf if late else self._due)
        if late:
            self._on_read_timeout()

    def connection_lost(self, exc: BaseException | None) -> None:
        super().connection_lost(exc)
        self._schedule_late_timer(math.inf)


def aiohttp_is_compatible() -> bool:
    """True if aiohttp's undocumented parts look as they are used here."""
    taken = (
        (ResponseHandler.__init__, {"loop"}),
        (ResponseHandler.set_response_params, {"read_until_eof", "read_timeout"}),
        (aiohttp.ClientRequest.__init__, {"loop", "ssl"}),
        (aiohttp.TCPConnector.connect, {"req", "traces", "timeout"}),
    )
    return all(names <= set(inspect.signature(method).parameters) for method, names in taken) and all(
        hasattr(owner, name)
        for owner, name in (
            (ResponseHandler, "read"),
            (ResponseHandler, "start_timeout"),
            (ResponseHandler, "should_close"),
            (Connection, "protocol"),
            (Connection, "transport"),
            (Connection, "release"),
            (aiohttp.ClientRequest, "connection_key"),
        )
    )
