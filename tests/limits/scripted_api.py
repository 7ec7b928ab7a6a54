"""An API in memory, to be given to a session as its `http` in a virtual loop: it answers as a function says."""

import asyncio
import json
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.bulk_api import Response
from tests.support.documents import document, resource
from tests.support.responses import JSON_API

URL = "https://acme.commercelayer.io"

Answer = tuple[int, Mapping[str, str]]


class ScriptedApi:
    """Gives each request the status and headers that `answer` says, after `latency` seconds; counts what arrives."""

    def __init__(self, answer: Callable[[str], Answer], *, latency: float = 0.1) -> None:
        self.answer = answer
        self.latency = latency
        self.arrived: list[tuple[float, str]] = []

    async def request(self, method: str, url: Any, **_: Any) -> Response:
        """See `aiohttp.ClientSession.request`."""
        assert method == "GET"
        path = str(url).removeprefix(URL)
        await asyncio.sleep(self.latency / 2)
        self.arrived.append((asyncio.get_running_loop().time(), path))
        status, headers = self.answer(path)
        await asyncio.sleep(self.latency / 2)
        type, id = path.partition("?")[0].rsplit("/", 2)[1:]
        body: dict[str, Any] = document(resource(type, id))
        if status != 200:
            body = {"errors": [{"title": "No"}]}
        return Response(status, {"Content-Type": JSON_API, **headers}, json.dumps(body).encode())


class Sliding:
    """The service's own count: a sliding window over all that arrives, and the headers that report it."""

    def __init__(self, limit: int, seconds: float) -> None:
        self.limit = limit
        self.seconds = seconds
        self.arrived: list[float] = []
        self.refused = 0

    def __call__(self, path: str) -> Answer:
        """Count a request."""
        now = asyncio.get_running_loop().time()
        self.arrived = [moment for moment in self.arrived if moment > now - self.seconds + 1e-6]
        refused = len(self.arrived) >= self.limit
        self.refused += refused
        if not refused:
            self.arrived.append(now)
        left = str(self.limit - len(self.arrived))
        reported = {"X-Ratelimit-Limit": str(self.limit), "X-Ratelimit-Remaining": left}
        return 429 if refused else 200, reported | {"X-Ratelimit-Interval": f"{self.seconds:g}"}
