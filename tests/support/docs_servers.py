"""What stands between a recipe and the sandbox: a web server, a TLS front, a proxy. All on loopback."""

import asyncio
import contextlib
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any
from urllib.parse import urlsplit

import uvicorn


async def _serve(server: uvicorn.Server) -> None:
    try:
        await server.serve()
    except SystemExit as error:
        # What it means for a program; a test run has more to do.
        raise AssertionError(f"uvicorn would have left with {error.code}; its log says why") from None


@asynccontextmanager
async def served(app: Any) -> AsyncIterator[str]:
    """The URL of an ASGI application on a socket of its own."""
    server = uvicorn.Server(uvicorn.Config(app, port=0, ws="none", lifespan="on", log_config=None))
    async with asyncio.TaskGroup() as tasks:
        running = tasks.create_task(_serve(server))
        while not server.started:
            if running.done():
                await running
            await asyncio.sleep(0)
        port = server.servers[0].sockets[0].getsockname()[1]
        try:
            yield f"http://127.0.0.1:{port}"
        finally:
            server.should_exit = True


async def _pump(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with contextlib.suppress(ConnectionError, ssl.SSLError):
        while piece := await reader.read(65536):
            writer.write(piece)
            await writer.drain()
    writer.close()


async def _join(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, host: str, port: int) -> None:
    """Carry bytes both ways until both sides have ended."""
    theirs, ours = await asyncio.open_connection(host, port)
    await asyncio.gather(_pump(reader, ours), _pump(theirs, writer))
    for each in (ours, writer):
        with contextlib.suppress(ConnectionError, ssl.SSLError):
            await each.wait_closed()


@asynccontextmanager
async def tls_front(url: str, context: ssl.SSLContext) -> AsyncIterator[str]:
    """An https URL on localhost for what is served at a plain one."""
    to = urlsplit(url)

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        await _join(reader, writer, str(to.hostname), int(to.port or 0))

    async with await asyncio.start_server(accept, "127.0.0.1", 0, ssl=context) as server:
        yield f"https://localhost:{server.sockets[0].getsockname()[1]}"


@asynccontextmanager
async def connect_proxy() -> AsyncIterator[tuple[str, list[str]]]:
    """The URL of a proxy for https, and the places that were asked of it."""
    asked: list[str] = []

    async def accept(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        head = await reader.readuntil(b"\r\n\r\n")
        method, place, _ = head.split(b" ", 2)
        assert method == b"CONNECT"
        asked.append(place.decode())
        writer.write(b"HTTP/1.1 200 Connected\r\n\r\n")
        host, _, port = place.decode().rpartition(":")
        await _join(reader, writer, host, int(port))

    async with await asyncio.start_server(accept, "127.0.0.1", 0) as server:
        yield f"http://127.0.0.1:{server.sockets[0].getsockname()[1]}", asked
