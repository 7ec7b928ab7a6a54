"""Why no whole response came: aiohttp's exceptions as ours.

aiohttp's exceptions hold the request's headers, and so the token; they are translated here and never let through. The
name of the original is in the message.
"""

import ssl as tls

import aiohttp

from ..errors import ConnectError, TimeoutError, TLSError, TransportError
from .fastpath import NotHTTP

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
"""Between two pieces of a response, and before the first."""


class ConnectionLost(aiohttp.ClientError):
    """The connection was lost before the response's headers were whole."""


def map_aiohttp_error(error: Exception, *, url: str, phase: str = "headers") -> TransportError:
    """The error of ours for one of aiohttp's, without its secrets."""
    name = str(error) if isinstance(error, ConnectionLost) else type(error).__name__
    if isinstance(error, aiohttp.ClientSSLError | tls.SSLError):
        return TLSError(f"TLS with {url} failed: {_tls_reason(error)}", url=url, phase="connect")
    if isinstance(error, aiohttp.ConnectionTimeoutError | aiohttp.SocketTimeoutError):
        return _timeout_error(error, url=url, phase=phase)
    if isinstance(error, aiohttp.ClientConnectorError):
        return ConnectError(f"cannot connect to {url}: {error.os_error.strerror or name}", url=url, phase="connect")
    if isinstance(error, aiohttp.ClientPayloadError):
        return TransportError(f"the response of {url} broke off or is garbled ({name})", url=url, phase="body")
    if isinstance(error, aiohttp.ClientResponseError | NotHTTP):
        return TransportError(f"what {url} sent is not HTTP ({name})", url=url, phase="headers")
    return TransportError(f"{url} sent no response ({name})", url=url, phase="headers")


def _timeout_error(error: aiohttp.ServerTimeoutError, *, url: str, phase: str) -> TimeoutError:
    if isinstance(error, aiohttp.ConnectionTimeoutError):
        text, phase, seconds = f"no connection to {url} within {CONNECT_SECONDS:g} s", "connect", CONNECT_SECONDS
    else:
        text, seconds = f"{url} sent nothing for {READ_SECONDS:g} s, in phase {phase!r}", READ_SECONDS
    return TimeoutError(text, url=url, phase=phase, seconds=seconds)


def _tls_reason(error: Exception) -> str:
    inner = getattr(error, "certificate_error", None) or getattr(error, "os_error", None) or error
    reason = getattr(inner, "verify_message", None) or getattr(inner, "reason", None)
    return str(reason or type(inner).__name__)
