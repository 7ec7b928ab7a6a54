"""A server that breaks HTTP on purpose, step by step, on loopback only; and what it saw.

It is not `tests.support.scripted_server.ScriptedServer`, which gives each request one whole response: here a reply is a
list of steps that act on the connection itself (reset, stall, dribble, talk out of turn, start no TLS), the token
endpoint has a script of its own, and the server counts what the client left open.
"""

import asyncio
import socket
import ssl
import struct
import time
from collections.abc import Awaitable, Callable, Sequence
from types import TracebackType
from typing import Any, Self

import attrs


@attrs.frozen
class Received:
    """A request as it came."""

    target: str
    head: str
    body: bytes
    at: float
    """Seconds of the monotonic clock."""

    def headers(self, name: str) -> list[str]:
        """The values of every header of that name."""
        lines = (line.partition(":") for line in self.head.split("\r\n")[1:])
        return [value.strip() for key, _, value in lines if key.strip().lower() == name.lower()]


class Peer:
    """One connection, from the server's side."""

    def __init__(self, server: "Server", reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.server = server
        self.reader = reader
        self.writer = writer
        self.served = 0
        """Requests answered on this connection."""

    async def send(self, data: bytes) -> None:
        """Send, no faster than the client reads."""
        self.writer.write(data)
        await self.writer.drain()

    async def receive(self) -> Received:
        """The next request."""
        head = (await self.reader.readuntil(b"\r\n\r\n")).decode("latin-1")
        length = next((line for line in head.lower().split("\r\n") if line.startswith("content-length:")), ":0")
        body = await self.reader.readexactly(int(length.partition(":")[2]))
        return Received(head.split(" ")[1], head, body, time.monotonic())


Step = bytes | Callable[[Peer], Awaitable[None]]
Reply = bytes | Sequence[Step]
Script = Sequence[Reply]
"""Replies in turn, the last one again and again."""


async def reset(peer: Peer) -> None:
    """TCP RST."""
    sock = peer.writer.get_extra_info("socket")
    sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.writer.transport.abort()
    raise ConnectionError


async def close(peer: Peer) -> None:
    """TCP FIN, after all that was sent."""
    peer.writer.close()
    raise ConnectionError


async def half_close(peer: Peer) -> None:
    """The server has nothing more to say, but listens."""
    peer.writer.write_eof()
    await peer.reader.read()


async def stall(peer: Peer) -> None:
    """Nothing more, until the client goes away."""
    while await peer.reader.read(65536):
        pass
    raise ConnectionError


def dribble(data: bytes, *, every: float) -> Callable[[Peer], Awaitable[None]]:
    """One byte at a time."""

    async def send(peer: Peer) -> None:
        for n in range(len(data)):
            await peer.send(data[n : n + 1])
            await asyncio.sleep(every)

    return send


def later(data: bytes, *, after: float) -> Callable[[Peer], Awaitable[None]]:
    """More bytes, somewhat later, while the client goes on."""

    async def send(peer: Peer) -> None:
        async def wait() -> None:
            await asyncio.sleep(after)
            if not peer.writer.is_closing():
                peer.writer.write(data)

        peer.server.keep(asyncio.ensure_future(wait()))

    return send


def pause(seconds: float) -> Callable[[Peer], Awaitable[None]]:
    """Time passes."""

    async def wait(peer: Peer) -> None:
        await asyncio.sleep(seconds)

    return wait


def flood(chunk: bytes, *, times: int) -> Callable[[Peer], Awaitable[None]]:
    """The same bytes over and over, as fast as they are read."""

    async def send(peer: Peer) -> None:
        for _ in range(times):
            await peer.send(chunk)

    return send


class Server:
    """Gives `api` to whatever asks for the API, `token` to who asks for a token."""

    def __init__(
        self,
        api: Script = (),
        *,
        token: Script = (),
        host: str = "127.0.0.1",
        port: int = 0,
        tls: ssl.SSLContext | None = None,
        accept: Callable[[Peer], Awaitable[None]] | None = None,
        answers: Callable[[Received], Awaitable[Reply]] | None = None,
    ) -> None:
        self.api = list(api)
        self.token = list(token)
        self.host = host
        self.port = port
        self.accept = accept
        """What happens to a connection before a request is read."""
        self.answers = answers
        """What decides, in place of the scripts."""
        self.requests: list[Received] = []
        self.connections = 0
        self.most_open = 0
        self.received = asyncio.Event()
        self._tls = tls
        self._open: dict[asyncio.Task[Any], Peer] = {}
        self._kept: set[asyncio.Task[Any]] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(
            self._serve, self.host, self.port, ssl=self._tls, limit=1 << 20, backlog=1024
        )
        self.port = self._server.sockets[0].getsockname()[1]
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        self.drop()
        tasks = {*self._open, *self._kept}
        for task in self._kept:
            task.cancel()
        if tasks:
            await asyncio.wait(tasks, timeout=5)
        await self._server.wait_closed()

    @property
    def netloc(self) -> str:
        """Host and port."""
        return f"{self.host}:{self.port}"

    @property
    def url(self) -> str:
        """The origin."""
        return f"{'https' if self._tls else 'http'}://{self.netloc}"

    @property
    def asked(self) -> list[Received]:
        """The requests to the API."""
        return [one for one in self.requests if not one.target.startswith("/oauth/")]

    @property
    def asked_for_token(self) -> list[Received]:
        """The requests to the token endpoint."""
        return [one for one in self.requests if one.target.startswith("/oauth/")]

    @property
    def tasks(self) -> set["asyncio.Task[Any]"]:
        """The server's own."""
        return {*self._open, *self._kept}

    @property
    def open(self) -> int:
        """Connections that are open now."""
        return len(self._open)

    async def deserted(self, seconds: float = 2.0) -> bool:
        """Whether every connection ends within so many seconds."""
        end = time.monotonic() + seconds
        while self._open and time.monotonic() < end:  # noqa: ASYNC110 - each handler ends when it ends
            await asyncio.sleep(0.002)
        return not self._open

    def drop(self) -> None:
        """Cut all connections at once."""
        for peer in tuple(self._open.values()):
            peer.writer.transport.abort()

    def keep(self, task: "asyncio.Task[Any]") -> None:
        """Remember a task until the end."""
        self._kept.add(task)
        task.add_done_callback(self._kept.discard)

    async def sent_all(self) -> None:
        """Wait until all that was to be sent later is sent, and the loop has looked at what arrived."""
        while self._kept:
            await asyncio.wait(self._kept)
        for _ in range(3):
            await asyncio.sleep(0)

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        peer = Peer(self, reader, writer)
        task = asyncio.current_task()
        assert task is not None
        self._open[task] = peer
        self.most_open = max(self.most_open, len(self._open))
        try:
            if self.accept is not None:
                await self.accept(peer)
            while True:
                request = await peer.receive()
                self.requests.append(request)
                self.received.set()
                await self._reply(peer, await self._reply_to(request))
                peer.served += 1
        except (asyncio.IncompleteReadError, asyncio.LimitOverrunError, OSError, RuntimeError):
            pass
        finally:
            del self._open[task]
            writer.transport.abort()

    async def _reply_to(self, request: Received) -> Reply:
        if self.answers is not None:
            return await self.answers(request)
        script = self.token if request.target.startswith("/oauth/") else self.api
        return script.pop(0) if len(script) > 1 else script[0]

    async def _reply(self, peer: Peer, reply: Reply) -> None:
        for step in (reply,) if isinstance(reply, bytes) else reply:
            if isinstance(step, bytes):
                await peer.send(step)
            else:
                await step(peer)
