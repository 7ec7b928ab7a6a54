"""A transport in memory: a function in place of the network, so that a session can run in virtual time."""

from collections.abc import Awaitable, Callable
from typing import Any

from commercelayer_async import AccessToken, Session
from commercelayer_async._http.message import PhaseObserver, Request, Response, Transport
from commercelayer_async._http.options import HttpOptions

URL = "https://127.0.0.1"


class MemoryTransport(Transport):
    """Carries requests to a function, which makes a response, as bytes, of each target."""

    def __init__(self, think: Callable[[str], Awaitable[bytes]]) -> None:
        self._think = think
        self.targets: list[str] = []
        self.discarded = 0
        self.closed = False

    async def send(self, request: Request, observer: PhaseObserver) -> Response:
        assert not self.closed
        self.targets.append(request.target)
        observer.phase = "headers"
        head, _, body = (await self._think(request.target)).partition(b"\r\n\r\n")
        status, *lines = head.decode().split("\r\n")
        headers = dict(line.split(": ", 1) for line in lines)
        return Response(int(status.split(" ")[1]), headers, body, URL + request.target)

    def discard_connections(self) -> None:
        self.discarded += 1

    async def close(self) -> None:
        self.closed = True

    @property
    def is_open(self) -> bool:
        return False


def session_in_memory(think: Callable[[str], Awaitable[bytes]], **options: Any) -> Session:
    """A session whose requests go to a function."""

    def transports(url: str, http: HttpOptions) -> Transport:
        return MemoryTransport(think)

    class InMemory(Session):
        _seams = {"transports": transports}  # noqa: RUF012 - as the base has it

    return InMemory(URL, AccessToken("secret-token"), **options)
