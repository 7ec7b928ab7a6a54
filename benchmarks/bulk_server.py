"""A fast server for bulk reads: HTTP/1.1 with keep-alive, answers joined from prepared pieces, limits nobody reaches.

`python -m benchmarks.bulk_server CORE WALLETS` prints its port and serves until its standard input ends.
"""

import asyncio
import sys

from .bulk_documents import Wallets
from .documents import ids
from .measuring import pin, widen_malloc

_HEADERS = (
    "HTTP/1.1 200 OK",
    "Date: Mon, 01 Jan 2018 12:00:00 GMT",
    "Content-Type: application/vnd.api+json; charset=utf-8",
    "X-Request-Id: 3f0e4a52-5c1f-4d7e-9d39-2f6b1f0e8a11",
    # Beyond what anybody reaches, or a client that heeds it would wait.
    "X-RateLimit-Limit: 100000",
    "X-RateLimit-Count: 1",
    "X-RateLimit-Interval: 1",
    "X-RateLimit-Remaining: 99999",
    "Cache-Control: max-age=0, private, must-revalidate",
    "Vary: Accept",
    "Connection: keep-alive",
    "Content-Length: ",
)
_HEAD = "\r\n".join(_HEADERS).encode()
_END = b"\r\n\r\n"


class _Answering(asyncio.Protocol):
    """Nobody here sends a body."""

    def __init__(self, wallets: Wallets) -> None:
        self._wallets = wallets
        self._rest = b""

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = transport

    def data_received(self, data: bytes) -> None:
        *requests, self._rest = (self._rest + data).split(_END)
        for request in requests:
            target = request[4 : request.index(b" HTTP/1.1")].decode()
            body = self._wallets.answer(target)
            self._transport.write(b"%b%d%b%b" % (_HEAD, len(body), _END, body))  # type: ignore[attr-defined] # it writes


async def _serve(count: int) -> None:
    wallets = Wallets(ids(count))
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: _Answering(wallets), "127.0.0.1", 0, backlog=512)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    pin(int(sys.argv[1]))
    widen_malloc()
    asyncio.run(_serve(int(sys.argv[2])))
