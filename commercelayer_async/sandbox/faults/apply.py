"""Carries faults out on an answer: holds it back, alters it, breaks it off on the wire."""

import asyncio
import socket
import struct
import sys
from contextlib import suppress
from typing import Final, cast

from aiohttp import web

from .rules import Answer, Delay, Fault, Headers, Immediate, Replace, Reset, Truncate

# struct linger {on, 0 seconds}: closing then discards what is unsent and resets the connection.
_RESET_ON_CLOSE: Final = struct.pack("hh" if sys.platform == "win32" else "ii", 1, 0)


def immediate_effect(fault: Fault | None) -> Immediate | None:
    """What happens to an answer apart from its being late."""
    return fault.then if isinstance(fault, Delay) else fault


async def hold(fault: Fault | None) -> None:
    """Return when an answer with *fault* may be sent."""
    if isinstance(fault, Delay):
        await asyncio.sleep(fault.seconds)
        if fault.until is not None:
            await fault.until.wait()


def substitute(fault: Answer) -> web.Response:
    """The answer that *fault* gives instead of the true one, its headers still missing."""
    return web.Response(status=fault.status, body=fault.body or None)


def alter(response: web.Response, fault: Immediate | None) -> None:
    """Give *response* the body and the headers that *fault* wants."""
    if isinstance(fault, Replace) and fault.body is not None:
        response.body = fault.body
    if isinstance(fault, Answer | Replace):
        _set_headers(response, fault.headers)


async def send(request: web.Request, response: web.Response, fault: Immediate | None) -> web.StreamResponse:
    """Break *response* off where *fault* wants it; else leave the sending to the server.

    The server closes nothing that is closed already, so it may be given what has been broken off.
    """
    sent: web.StreamResponse = response
    transport = request.transport
    if transport is None or not isinstance(fault, Reset | Truncate):
        return sent
    if fault.after is not None:
        sent = _beginning(response)
        with suppress(ConnectionError):  # a client that is gone needs no breaking off
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
    """The headers of *response*, which promise one byte more than nothing where there is no body."""
    beginning = web.StreamResponse(status=response.status, headers=response.headers)
    beginning.content_length = max(1, len(_body(response)))
    return beginning


def _part(response: web.Response, share: float) -> bytes:
    """The first bytes of the body of *response*, never the whole."""
    body = _body(response)
    return body[: max(0, min(int(len(body) * share), len(body) - 1))]


def _body(response: web.Response) -> bytes:
    return cast("bytes", response.body or b"")


def _reset(transport: asyncio.Transport) -> None:
    connection: socket.socket = transport.get_extra_info("socket")
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, _RESET_ON_CLOSE)
    transport.abort()
