"""A server that gives the answers it is told, byte for byte, and keeps what it was asked."""

import asyncio
import json
from collections.abc import Mapping
from types import TracebackType
from typing import Any, Self

JSON_API = "application/vnd.api+json"


def answer(
    body: bytes | str | dict[str, Any] | list[Any] | None = b"",
    *,
    status: int = 200,
    headers: Mapping[str, str] | None = None,
    content_type: str | None = JSON_API,
) -> bytes:
    """A whole HTTP answer; anything but bytes and text is sent as JSON."""
    content = body if isinstance(body, bytes) else (body if isinstance(body, str) else json.dumps(body)).encode()
    named = {"Content-Length": str(len(content))}
    if content_type is not None:
        named["Content-Type"] = content_type
    named |= headers or {}
    head = "".join(f"{name}: {value}\r\n" for name, value in named.items())
    return f"HTTP/1.1 {status} Whatever\r\n{head}\r\n".encode() + content


def resource(type_: str = "customers", id_: str = "c1", **members: Any) -> dict[str, Any]:
    """A resource object with the attributes that every record has."""
    times = {"created_at": "2018-01-01T12:00:00.000Z", "updated_at": "2018-01-01T12:00:00.000Z"}
    return {"type": type_, "id": id_, **members, "attributes": times | members.get("attributes", {})}


class Answering:
    """Gives `answers` in turn, the last one again and again; None means none, until the server ends.

    An answer may be keyed by the path that it belongs to, then it does not take a turn.
    """

    def __init__(self, *answers: bytes | None, paths: Mapping[str, bytes] | None = None) -> None:
        self._answers = list(answers)
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
                reply = self._paths.get(head.split(" ")[1])
                if reply is None:
                    reply = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
                if reply is not None:
                    writer.write(reply)
                    await writer.drain()
        except (asyncio.IncompleteReadError, ConnectionError):
            pass
        finally:
            self._open.discard(writer)
            self._serving.discard(asyncio.current_task())
            writer.close()
