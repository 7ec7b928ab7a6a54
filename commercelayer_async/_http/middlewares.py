"""Client middlewares of aiohttp: no request is sent twice, and none is made another by a caller's session."""

from typing import Final

import aiohttp
from yarl import URL

from .._text import Secret
from .failures import ConnectionLost

_REMOVED_HEADERS: Final = (
    "Authorization",
    "Content-Encoding",
    "If-Match",
    "If-Modified-Since",
    "If-None-Match",
    "If-Range",
    "If-Unmodified-Since",
    "Range",
    "Upgrade",
)


async def no_hidden_retry(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
    """A client middleware that keeps aiohttp from sending a GET again by itself, which no rate limit would know of."""
    try:
        return await handler(request)
    except aiohttp.ClientConnectorError:
        raise
    except (aiohttp.ClientOSError, aiohttp.ServerDisconnectedError) as error:
        name = type(error).__name__
    raise ConnectionLost(name)


def own_headers(
    origin: URL, authorization: str | None, *, by: str = "Authorization", reads: bool
) -> aiohttp.ClientMiddlewareType:
    """A client middleware that takes from a request what a caller's session adds and what would make another of it.

    aiohttp refuses a request that has both a token and credentials of the session (`.netrc`), so the token is put in
    here, in place of those: `by` is the header that carries it.
    """
    secret = None if authorization is None else Secret(authorization)
    removed = (*_REMOVED_HEADERS, by, *(("Content-Type",) if reads else ()))

    async def middleware(request: aiohttp.ClientRequest, handler: aiohttp.ClientHandlerType) -> aiohttp.ClientResponse:
        for name in removed:
            request.headers.popall(name, None)
        request.headers["Host"] = origin.host_port_subcomponent or ""
        if secret is not None:
            request.headers[by] = secret
        return await handler(request)

    return middleware
