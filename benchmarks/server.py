"""The least that answers like the API: HTTP/1.1 with keep-alive, every answer prepared but for the id that was asked.

`python -m benchmarks.server CORE` prints its port and serves until its standard input ends.
"""

import asyncio
import sys

from .documents import WALLET_ID, single
from .measuring import pin, widen_malloc

_HEADERS = (
    "HTTP/1.1 200 OK",
    "Date: Mon, 01 Jan 2018 12:00:00 GMT",
    "Content-Type: application/vnd.api+json; charset=utf-8",
    "Content-Length: {length}",
    "X-Request-Id: 3f0e4a52-5c1f-4d7e-9d39-2f6b1f0e8a11",
    # Beyond what anybody reaches, or a client that heeds it would wait.
    "X-RateLimit-Limit: 100000",
    "X-RateLimit-Count: 1",
    "X-RateLimit-Period: 1",
    "X-RateLimit-Interval: 1",
    "X-RateLimit-Remaining: 99999",
    "Cache-Control: max-age=0, private, must-revalidate",
    "Vary: Accept",
    "Connection: keep-alive",
)
_END = b"\r\n\r\n"
_ID = WALLET_ID.encode()


class _Answering(asyncio.Protocol):
    """Gives everybody the same wallet, under the id that was asked for; nobody here sends a body."""

    def __init__(self, answer: bytes) -> None:
        self._answer = answer
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(_END)
        for request in requests:
            # The last segment of the path, of one length for all, or Content-Length would lie.
            line = request[: request.index(b" HTTP/1.1")]
            id_ = line[line.rindex(b"/") + 1 :]
            assert len(id_) == len(_ID)
            self._transport.write(self._answer.replace(_ID, id_))  # type: ignore[attr-defined] # it writes


async def _serve() -> None:
    body = single()
    head = "\r\n".join(_HEADERS).format(length=len(body))
    answer = head.encode() + _END + body
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(answer), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    pin(int(sys.argv[1]))
    widen_malloc()
    asyncio.run(_serve())
