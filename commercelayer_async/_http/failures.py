"""Why no whole response came: aiohttp's exceptions as ours.

aiohttp's exceptions hold the request's headers, and so the token; they are translated here and never let through. The
name of the original is in the message.
"""

import re
import socket
import ssl as tls
from typing import Final

import aiohttp

from ..errors import ConnectError, TimeoutError, TLSError, TransportError

CONNECT_SECONDS = 5.0
READ_SECONDS = 10.0
"""Between two pieces of a response, and before the first."""

_TOO_LONG: Final = re.compile(r"Got more than (\d+) bytes when reading")
_UNKNOWN_HOST: Final = frozenset({socket.EAI_NONAME, getattr(socket, "EAI_NODATA", socket.EAI_NONAME)})
"""There is no such name, or it has no address; where there is no network, some systems say so too."""
_TRANSIENT: Final = frozenset({408, 429, 500, 502, 503, 504})


class ConnectionLost(aiohttp.ClientError):
    """The connection was lost before the response's headers were whole."""


class NotHTTP(aiohttp.ClientError):
    """What arrived is not an HTTP response, or is one that the parser refuses; the text says why."""


def map_aiohttp_error(  # noqa: PLR0911 - one table
    error: Exception, *, url: str, phase: str = "headers", to_organization: bool = True
) -> TransportError:
    """The error of ours for one of aiohttp's, without its secrets.

    `to_organization` is False for a request whose host does not follow from the organization, such as one for a token.
    """
    name = str(error) if isinstance(error, ConnectionLost) else type(error).__name__
    if isinstance(error, aiohttp.ClientSSLError | tls.SSLError):
        return TLSError(
            f"TLS with {url} failed: {_tls_reason(error)}; for a root of your own, pass ssl=", url=url, phase="connect"
        )
    if isinstance(error, aiohttp.ConnectionTimeoutError | aiohttp.SocketTimeoutError):
        return _timeout_error(error, url=url, phase=phase)
    if isinstance(error, aiohttp.ClientConnectorError):
        by_proxy = isinstance(error, aiohttp.ClientProxyConnectionError)
        through, check = (" through the proxy", "the proxy") if by_proxy else ("", "the host")
        reason = error.os_error.strerror or name
        text = f"cannot connect to {url}{through}: {reason}; check {check} and the network"
        if to_organization and not by_proxy and error.os_error.errno in _UNKNOWN_HOST:
            text = f"cannot connect to {url}: {reason}; check the network; is the slug right?"
        return ConnectError(text, url=url, phase="connect")
    if isinstance(error, aiohttp.ClientHttpProxyError):
        text = f"the proxy refused to connect to {url} ({error.status}); check its rules and its credentials"
        refused = ConnectError(text, url=url, phase="connect")
        refused.is_final = error.status not in _TRANSIENT
        return refused
    if isinstance(error, aiohttp.ClientPayloadError):
        return TransportError(f"the response of {url} broke off or is garbled ({name})", url=url, phase="body")
    if isinstance(error, aiohttp.ClientResponseError | NotHTTP):
        reason = error.message if isinstance(error, aiohttp.ClientResponseError) else str(error)
        return _refusal(reason, url=url) or TransportError(
            f"what {url} sent is not HTTP ({name})", url=url, phase="headers"
        )
    return TransportError(f"{url} sent no response ({name})", url=url, phase="headers")


def final_error(message: str, *, url: str, phase: str) -> TransportError:
    """An error after which asking again would end the same way."""
    error = TransportError(message, url=url, phase=phase)
    error.is_final = True
    return error


def unasked_coding_error(coding: str, *, url: str) -> TransportError:
    """The error for a body that is encoded in a way that no request asks for."""
    return final_error(
        f"the response of {url} has the encoding {coding!r}, which cannot be read and was not asked for (gzip was)",
        url=url,
        phase="body",
    )


def _refusal(reason: str, *, url: str) -> TransportError | None:
    """The error for a response that aiohttp's parser refuses by a rule, and would refuse again; None for no such rule.

    The rule is found in the message's words. What the server sent is in the message too, and is not quoted.
    """
    if found := _TOO_LONG.match(reason):
        text = f"the response of {url} has a header line of more than {found[1]} bytes, which is not accepted"
        return final_error(text, url=url, phase="headers")
    if reason.startswith("Too many headers"):
        return final_error(f"the response of {url} has too many headers", url=url, phase="headers")
    return None


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
