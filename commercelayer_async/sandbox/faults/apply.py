"""Carry a fault out on a response: hold it back, change it, break it off."""

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from typing import Final, cast

from aiohttp import web

from .checks import Headers
from .effects import Answer, Delay, Fault, Immediate, Replace, Reset, Truncate

# struct linger {on, 0 seconds}: to close the socket then discards what is unsent and resets the connection.
_RESET_ON_CLOSE: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def immediate_effect(fault: Fault | None) -> Immediate | None:
    """Give what happens to a response, apart from its delay."""
    return fault.then if isinstance(fault, Delay) else fault


async def hold(fault: Fault | None) -> None:
    """Wait until a response with *fault* may be sent."""
    if isinstance(fault, Delay):
        await asyncio.sleep(fault.seconds)
        if fault.until is not None:
            await fault.until.wait()


def substitute(fault: Answer) -> web.Response:
    """Make the response that *fault* gives instead of the true one. Its headers are set by `alter`."""
    return web.Response(status=fault.status, body=fault.body or None)


def alter(response: web.Response, fault: Immediate | None) -> None:
    """Set the body and the headers that *fault* asks for."""
    if isinstance(fault, Replace) and fault.body is not None:
        response.body = fault.body
    if isinstance(fault, Answer | Replace):
        _set_headers(response, fault.headers)


async def send(request: web.Request, response: web.Response, fault: Immediate | None) -> web.StreamResponse:
    """Send *response* as far as *fault* lets it, and end the connection there.

    Without such a fault, sending is left to the server: it is given *response*. Otherwise it is given what was sent,
    and finds the connection closed.
    """
    sent: web.StreamResponse = response
    transport = request.transport
    if transport is None or not isinstance(fault, Reset | Truncate):
        return sent
    if fault.after is not None:
        sent = _beginning(response)
        with suppress(ConnectionError):  # the client may have gone already
            await sent.prepare(request)
            await sent.write(_part(response, fault.after))
    if isinstance(fault, Reset):
        _reset(transport)
    else:
        transport.close()
    return sent


def _set_headers(response: web.Response, headers: Headers) -> None:
    for name, _ in headers:
        response.headers.popall(name, None)
    for name, value in headers:
        response.headers.add(name, value)


def _beginning(response: web.Response) -> web.StreamResponse:
    """Start a response with the headers of *response*. They promise one byte if there is no body to break off."""
    beginning = web.StreamResponse(status=response.status, headers=response.headers)
    beginning.content_length = max(1, len(_body(response)))
    return beginning


def _part(response: web.Response, share: float) -> bytes:
    """Give the first bytes of the body of *response*, at least one less than all."""
    body = _body(response)
    return body[: max(0, min(int(len(body) * share), len(body) - 1))]


def _body(response: web.Response) -> bytes:
    return cast("bytes", response.body or b"")


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
