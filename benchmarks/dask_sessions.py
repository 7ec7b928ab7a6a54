"""The sessions that the workers of `benchmarks.dask` make, by what their environment says."""

import os
from pathlib import Path
from typing import Any, Final

import aiohttp
from distributed import get_worker

from commercelayer_async import RateLimits, Session
from commercelayer_async.shared import FileLimiter

FASTER: Final = "BENCHMARK_FASTER"
"""The variable that says by what the seconds of the live limits are divided; 0 for no limits."""
FOLDER: Final = "BENCHMARK_FOLDER"
"""The variable that names the folder of a budget that workers share."""
_PATIENCE: Final = 300.0


def limits() -> RateLimits:
    """The live limits, as fast as the environment says."""
    faster = float(os.environ[FASTER])
    return RateLimits(average=(200, 60.0 / faster), burst=(50, 10.0 / faster)) if faster else RateLimits.none()


def alone() -> Session:
    """A session that has its address for itself."""
    return Session.from_env(limits=limits(), timeout=_PATIENCE)


def sharing() -> Session:
    """A session that shares a budget with all others of the folder, as workers behind one address do."""
    limiter = FileLimiter(Path(os.environ[FOLDER]) / "limits.db", limits=limits())
    return Session.from_env(limiter=limiter, timeout=_PATIENCE)


class _WithOwnConnections(Session):
    """A session that closes what it was given to send with."""

    def __init__(self, *arguments: Any, http: aiohttp.ClientSession, **options: Any) -> None:
        super().__init__(*arguments, http=http, **options)
        self._own_http = http

    async def close(self) -> None:
        """Close the session, and its connections."""
        await super().close()
        await self._own_http.close()


def own_address() -> Session:
    """A session that leaves by an address of its worker's own: 127.0.0.2 for the first, 127.0.0.3 for the next."""
    connector = aiohttp.TCPConnector(local_addr=(f"127.0.0.{int(get_worker().name) + 2}", 0))
    http = aiohttp.ClientSession(connector=connector)
    return _WithOwnConnections.from_env(limits=limits(), timeout=_PATIENCE, http=http)
