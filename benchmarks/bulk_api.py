"""Stand-ins for the API inside the client's own process, to be given to a session as its `http`.

`InstantApi` answers after one turn of the loop, so that what is left to measure is the package's own work. `LimitedApi`
keeps the API's live limits, and is run in `tests.support.virtual_loop`, where hours pass in seconds.
"""

import asyncio
from collections import deque
from collections.abc import Mapping, Sequence
from typing import Any, Final

from .bulk_documents import Wallets
from .documents import HOST

ORGANIZATION: Final = HOST.removesuffix("/api")
_MEDIA_TYPE: Final = {"Content-Type": "application/vnd.api+json"}
_REFUSAL: Final = b'{"errors":[{"title":"Too many requests","status":"429","code":"TOO_MANY_REQUESTS"}]}'


class Response:
    """As much of an aiohttp response as the package reads."""

    def __init__(self, status: int, headers: Mapping[str, str], body: bytes) -> None:
        self.status = status
        self.headers = headers
        self.content_length = len(body)
        self.content = None
        """The stream, which nobody reads where `read` gives the whole."""
        self._body = body

    async def read(self) -> bytes:
        """The body."""
        return self._body

    def close(self) -> None:
        """There is nothing to close."""


class InstantApi:
    """Answers in the next turn of the loop."""

    def __init__(self, ids: Sequence[str] = ()) -> None:
        self._wallets = Wallets(ids)

    async def request(self, method: str, url: Any, **_: Any) -> Response:
        """See `aiohttp.ClientSession.request`."""
        assert method == "GET"
        await asyncio.sleep(0)
        return self.found(str(url))

    def found(self, url: str) -> Response:
        """The answer to a request that is let through."""
        return Response(200, _MEDIA_TYPE, self._wallets.answer(url.removeprefix(ORGANIZATION)))


class LimitedApi(InstantApi):
    """Keeps sliding windows, takes its time, and counts.

    All requests here are uncacheable reads of one endpoint: 200 in 60 s, and 50 in 10 s. A refused one is not counted
    against the windows, which is the kinder reading of the API's documentation.
    """

    LIMITS: Final = ((200, 60.0), (50, 10.0))
    LATENCY: Final = 0.1

    def __init__(self, ids: Sequence[str] = (), limits: Sequence[tuple[int, float]] = LIMITS) -> None:
        super().__init__(ids)
        self._limits = limits
        self.requests = 0
        self.refused = 0
        self._windows: list[deque[float]] = [deque() for _ in limits]

    async def request(self, method: str, url: Any, **_: Any) -> Response:
        """See `aiohttp.ClientSession.request`."""
        assert method == "GET"
        await asyncio.sleep(self.LATENCY / 2)
        allowed = self._allowed(asyncio.get_running_loop().time())
        await asyncio.sleep(self.LATENCY / 2)
        self.requests += 1
        self.refused += not allowed
        return self.found(str(url)) if allowed else Response(429, _MEDIA_TYPE, _REFUSAL)

    def _allowed(self, now: float) -> bool:
        for window, (limit, seconds) in zip(self._windows, self._limits, strict=True):
            # A touch shorter, or the rounding of sums of times would refuse what comes on the dot.
            while window and window[0] <= now - seconds + 1e-6:
                window.popleft()
            if len(window) >= limit:
                return False
        for window in self._windows:
            window.append(now)
        return True

    @classmethod
    def least_seconds(cls, requests: int) -> float:
        """The time before which nobody can have begun so many requests."""
        (average, minute), (burst, seconds) = cls.LIMITS
        minutes, rest = divmod(requests - 1, average)
        return minutes * minute + rest // burst * seconds
