"""A server that sends the responses it was given, byte for byte, and keeps the requests.

What happens to connections in other ways (resets, TLS, bytes one by one) is played by `tests.faults.breaking_server`.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from types import TracebackType
from typing import Any, Self


class ScriptedServer:
    """Sends `responses` in turn, the last one again and again; None is a request without a response.

    A response in `paths` is for the request target that it is keyed by, and does not take a turn.
    """

    def __init__(self, *responses: bytes | None, paths: Mapping[str, bytes] | None = None) -> None:
        self._responses = list(responses)
        self._paths = dict(paths or {})
        self.requests: list[str] = []
        """Heads of the requests as received."""
        self.arrived = asyncio.Event()
        """Set by each request."""
        self.connections = 0
        self._open: set[asyncio.StreamWriter] = set()
        self._serving: set[Any] = set()

    async def __aenter__(self) -> Self:
        self._server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = self._server.sockets[0].getsockname()[1]
        self.url = f"http://127.0.0.1:{self.port}"
        return self

    async def __aexit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self._server.close()
        for writer in tuple(self._open):
            writer.transport.abort()
        if self._serving:
            await asyncio.wait(self._serving)
        await self._server.wait_closed()

    @property
    def paths(self) -> list[str]:
        """The request targets, in order."""
        return [head.split(" ")[1] for head in self.requests]

    async def reply_to(self, target: str) -> bytes | None:
        """Choose the response to a request."""
        reply = self._paths.get(target)
        if reply is None:
            reply = self._responses.pop(0) if len(self._responses) > 1 else self._responses[0]
        return reply

    async def _serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        self.connections += 1
        self._open.add(writer)
        self._serving.add(asyncio.current_task())
        try:
            while True:
                head = (await reader.readuntil(b"\r\n\r\n")).decode()
                for line in head.split("\r\n"):
                    if line.lower().startswith("content-length:"):
                        await reader.readexactly(int(line.split(":")[1]))
                self.requests.append(head)
                self.arrived.set()
                reply = await self.reply_to(head.split(" ")[1])
                if reply is not None:
                    writer.write(reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            self._serving.discard(asyncio.current_task())
            writer.close()


class ThinkingServer(ScriptedServer):
    """Sends what a function makes of each request's target; the function may be a coroutine function."""

    def __init__(self, think: Callable[[str], bytes | Awaitable[bytes | None] | None]) -> None:
        super().__init__()
        self._think = think

    async def reply_to(self, target: str) -> bytes | None:
        reply = self._think(target)
        return reply if isinstance(reply, bytes) or reply is None else await reply


def ids_in(target: str) -> list[str]:
    """The ids that a list request asks for; empty if it is for no list by ids."""
    _, found, rest = target.partition("id_in%5D=")
    return rest.partition("&")[0].split(",") if found else []
