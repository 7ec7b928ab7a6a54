"""Groups C, T, H and R of the catalogue: connections, TLS, statuses, redirects."""

import asyncio
import functools
import json
import random
import socket
from collections.abc import Callable

from commercelayer_async import (
    ApiError,
    AuthError,
    ConfigurationError,
    ConnectError,
    DecodeError,
    LinkRefused,
    NotFound,
    RateLimited,
    ServerError,
    TimeoutError,
    TLSError,
    TransportError,
    Unauthorized,
)
from tests.faults.assertions import PAYMENT, SECRET, TOKEN, Hosts, Outcome
from tests.faults.breaking_server import Peer, Script, close, dribble, flood, half_close, pause, reset, stall
from tests.faults.row import BODY, FEW, GOOD, NONE, ONE, SEVERAL, Row, errors, granted, linked, resolved, twice
from tests.support.documents import document, resource
from tests.support.responses import JSON_API, chunked, head, reply

BROKEN = (TransportError,)
LATE = (TimeoutError,)
BAD = (TransportError, DecodeError)
NOISE = random.Random(7).randbytes(512)
HINT = b"HTTP/1.1 103 Early Hints\r\nLink: </style.css>; rel=preload\r\n\r\n"
STRAY = reply(document(resource(id="stray")))
PROMISED = head([("Content-Type", JSON_API), ("Content-Length", str(len(BODY)))])
SLOW = {"timeout": 0.3}


def row(number: str, label: str, server: str, client: str, **rest: object) -> Row:
    """A row, its words first."""
    return Row(number=number, label=label, server=server, client=client, **rest)  # type: ignore[arg-type] # members of a row of any kind


def framed(*lines: str, body: bytes = BODY) -> bytes:
    """A success with these header lines, whatever is in them."""
    return f"HTTP/1.1 200 OK\r\nContent-Type: {JSON_API}\r\n".encode() + (
        "".join(f"{line}\r\n" for line in lines).encode("latin-1") + b"\r\n" + body
    )


def good(*lines: str) -> bytes:
    """The good answer with more header lines."""
    return framed(f"Content-Length: {len(BODY)}", *lines)


def status_line(line: str) -> bytes:
    """The good answer under another status line."""
    return GOOD.replace(b"HTTP/1.1 200 Whatever", line.encode("latin-1"))


def counted_twice(outcome: Outcome) -> None:
    """The limiter knows of every request that the server saw."""
    assert outcome.counted == len(outcome.server.asked) == 2


def half_closed_soon(outcome: Outcome) -> None:
    """It does not wait for a time-out."""
    assert not isinstance(outcome.error, TimeoutError)


AGAIN = "tries again, then an error"
TYPED = "an error of the package"
ERROR_OR = "an error of the package, or the resource"
PROTOCOL = "an error of the package; nothing of the body in it"
WHOLE = "the resource"

C = [
    row("C1", "port-refused", "nothing listens", "tries again, then an error that names host and port",
        base="{closed}", raises=(ConnectError,), requests=NONE, says=("{closed}",)),
    row("C2", "port-blackhole", "the queue of connections is full", "gives up after the connect limit",
        base="{full}", connect=0.05, raises=LATE, requests=NONE, within=2.0),
    row("C3", "port-accept-reset", "resets each connection", AGAIN, accept=reset, raises=BROKEN, requests=NONE),
    row("C3", "port-accept-close", "closes each connection", AGAIN, accept=close, raises=BROKEN, requests=NONE),
    row("C4", "port-accept-silent", "accepts and is silent", "gives up after the read limit", accept=stall,
        read=0.05, raises=LATE, requests=NONE),
    row("C5", "port-dns", "the name does not resolve", "tries again, then an error that names the host",
        base="https://nobody.invalid", raises=(ConnectError,), requests=NONE, says=("nobody.invalid",), within=12.0),
    row("C6", "reset-before-headers", "resets before any byte", AGAIN, api=[(reset,)], raises=BROKEN, requests=SEVERAL),
    row("C6", "close-before-headers", "closes before any byte", AGAIN, api=[(close,)], raises=BROKEN, requests=SEVERAL),
    row("C6", "half-close", "shuts its half of the connection", "tries again without waiting for the time-out",
        api=[(half_close,)], raises=BROKEN, requests=SEVERAL, check=half_closed_soon),
    row("C7", "reset-once", "resets once, then is good", "hides it; two requests, and the limiter counts two",
        api=[(reset,), GOOD], requests=(2, 2), check=counted_twice),
    row("C8", "close-mid-status", "cuts the status line", AGAIN, api=[(GOOD[:9], close)], raises=BROKEN,
        requests=SEVERAL),
    row("C8", "close-mid-headers", "cuts the headers", AGAIN, api=[(PROMISED[:40], close)], raises=BROKEN,
        requests=SEVERAL),
    row("C8", "close-after-headers", "cuts before the body", AGAIN, api=[(PROMISED, close)], raises=BROKEN,
        requests=SEVERAL),
    row("C8", "close-mid-body", "cuts the body", AGAIN, api=[(PROMISED + BODY[:50], close)], raises=BROKEN,
        requests=SEVERAL),
    row("C8", "reset-mid-headers", "resets in the headers", AGAIN, api=[(PROMISED[:40], pause(0.01), reset)],
        raises=BROKEN, requests=SEVERAL),
    row("C8", "reset-mid-body", "resets in the body", AGAIN, api=[(PROMISED + BODY[:50], pause(0.01), reset)],
        raises=BROKEN, requests=SEVERAL),
    row("C9", "mid-body-once", "cuts the body once", "hides it", api=[(PROMISED + BODY[:50], close), GOOD],
        requests=(2, 2)),
    row("C9", "stall-once", "is silent once", "hides it", api=[(stall,), GOOD], read=0.1, requests=(2, 2)),
    row("C10", "slow-headers", "sends one header byte at a time, for ever", "ends with the call's time",
        api=[(dribble(b"HTTP/1.1 200 OK\r\nX-Slow: " + b"x" * 2000, every=0.02),)], session=SLOW, read=0.1,
        raises=LATE),
    row("C11", "slow-body", "sends one body byte at a time, for ever", "ends with the call's time",
        api=[(PROMISED, dribble(BODY, every=0.05))], session=SLOW, read=0.15, raises=LATE),
    row("C11", "slow-body-ok", "sends one body byte at a time, and ends", WHOLE,
        api=[(PROMISED, dribble(BODY, every=0.001))]),
    row("C12", "stall-before-headers", "is silent", "gives up; the connection goes", api=[(stall,)], read=0.05,
        raises=LATE, requests=SEVERAL),
    row("C12", "stall-mid-headers", "is silent in the headers", "gives up; the connection goes",
        api=[(PROMISED[:40], stall)], read=0.05, raises=LATE, requests=SEVERAL),
    row("C12", "stall-mid-body", "is silent in the body", "gives up; the connection goes",
        api=[(PROMISED + BODY[:50], stall)], read=0.05, raises=LATE, requests=SEVERAL),
    row("C12", "length-too-long", "promises more than it sends", "gives up; the next call works",
        api=[(framed("Content-Length: 5000"), stall), GOOD], read=0.1, requests=(2, 2)),
    row("C13", "chunked-truncated", "leaves the last chunk out", AGAIN, api=[(chunked(BODY, last=False), close)],
        raises=BROKEN, requests=SEVERAL),
    row("C13", "chunked-cut-in-chunk", "cuts a chunk", AGAIN, api=[(chunked(BODY)[:-60], close)], raises=BROKEN,
        requests=SEVERAL),
    *(
        row("C14", f"chunked-{kind}-size", f"gives a chunk the size {size}", PROTOCOL, raises=BAD, requests=FEW,
            api=[(framed("Transfer-Encoding: chunked", body=size.encode() + b"\r\n" + BODY + b"\r\n0\r\n\r\n"), close)],
            memory=40, never=("created_at",))
        for kind, size in [("bad", "zz"), ("negative", "-5"), ("huge", "ffffffffffffffff"), ("wrong", "5")]
    ),
    row("C15", "chunked-long-extension", "extends a chunk by 1 MiB", ERROR_OR, either=True, raises=BAD, requests=FEW,
        api=[(framed("Transfer-Encoding: chunked", body=b"5;" + b"x" * 2**20 + b"\r\n"), close)], memory=40),
    row("C15", "chunked-trailer-flood", "sends 50,000 trailers", ERROR_OR, either=True, raises=BAD, requests=FEW,
        api=[(chunked(BODY)[:-2] + b"X-Trailer: x\r\n" * 50_000 + b"\r\n",)], memory=40),
    row("C16", "garbage", "sends noise", PROTOCOL, api=[(NOISE, close)], raises=BAD, requests=FEW),
    row("C16", "http09", "sends a bare body", PROTOCOL, api=[(BODY, close)], raises=BAD, requests=FEW,
        never=("created_at", "attributes")),
    row("C16", "http2-preface", "speaks HTTP/2", PROTOCOL, raises=BAD, requests=FEW,
        api=[(b"\x00\x00\x12\x04\x00\x00\x00\x00\x00\x00\x03\x00\x00\x00\x64\x00\x04\x00\x01\x00\x00", close)]),
    row("C16", "banner-ssh", "speaks SSH", PROTOCOL, api=[(b"SSH-2.0-OpenSSH_9.6\r\n", close)], raises=BAD,
        requests=FEW, never=("OpenSSH",)),
    row("C17", "early-hints", "sends 103 first", WHOLE, api=[HINT + GOOD]),
    row("C17", "early-hints-stall", "sends 103 and is silent", "gives up; the connection goes", read=0.1,
        raises=(TimeoutError,), requests=SEVERAL, api=[(b"HTTP/1.1 103 Early Hints\r\n\r\n", stall)]),
    row("C18", "continue-flood", "sends 20,000 times 100 Continue", "the resource, or an error; no memory",
        api=[(flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, times=200), GOOD)], either=True, raises=BAD, requests=FEW,
        memory=40),
    row("C18", "continue-endless", "sends 100 Continue for ever", "ends with the call's time; no memory",
        api=[(flood(b"HTTP/1.1 100 Continue\r\n\r\n" * 100, times=10**6),)], session={"timeout": 0.5}, raises=BAD,
        requests=FEW, memory=40, within=3.0),
    row("C19", "switching-protocols", "sends 101 unasked", TYPED, raises=(TransportError, DecodeError, ApiError),
        api=[b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n" + BODY], requests=FEW),
    row("C20", "extra-response", "sends two answers at once", "its own answer, and not the other one next time",
        api=[GOOD + STRAY, GOOD], ask=twice, requests=(2, 3), shown="test_a_stray_answer_is_nobodys"),
    row("C21", "extra-response-late", "sends a second answer 30 ms later", "nobody gets it; the connection goes",
        shown="test_a_stray_answer_is_nobodys"),
    row("C22", "two-lengths", "gives two lengths", PROTOCOL, raises=BAD, requests=FEW,
        api=[(framed(f"Content-Length: {len(BODY)}", "Content-Length: 3"), close)]),
    row("C23", "length-and-chunked", "gives a length and chunks", "an error, or the chunks; the next call works",
        api=[(framed("Content-Length: 3", "Transfer-Encoding: chunked", body=chunked(BODY).partition(b"\r\n\r\n")[2]),
              close)], either=True, raises=BAD, requests=FEW),
    *(
        row("C24", f"header-{kind}", f"puts {what} into a header", ERROR_OR, api=[(framed(
            f"X-Odd: a{char}X-Injected: b", f"Content-Length: {len(BODY)}"), close)], either=True, raises=BAD,
            requests=FEW)
        for kind, what, char in [("nul", "NUL", "\0"), ("bare-lf", "a bare LF", "\n"), ("bare-cr", "a bare CR", "\r")]
    ),
    *(
        row("C25", f"header-{kind}", f"sends a header {what}", ERROR_OR, either=True, raises=BAD, requests=FEW,
            api=[(framed(line, f"Content-Length: {len(BODY)}"), close)])
        for kind, what, line in [
            ("no-colon", "without colon", "X-Odd"),
            ("space-name", "with a space before the colon", "X-Odd : x"),
            ("fold", "folded", "X-Odd: a\r\n  b"),
            ("latin1", "in latin-1", "X-Odd: caf\xe9"),
        ]
    ),
    row("C26", "header-escape-codes", "puts escape codes into the request id", "shows them escaped",
        api=[reply(status=400, headers={"X-Request-Id": "r\x1b[31m-1"})], raises=(*BAD, ApiError), requests=FEW,
        never=("\x1b",)),
    row("C27", "status-line-odd", "gives a status that is no number", TYPED, raises=BAD, requests=FEW,
        api=[(status_line("HTTP/1.1 OK 200"), close)]),
    row("C27", "status-99", "gives the status 099", TYPED, raises=(TransportError,), requests=FEW,
        api=[GOOD.replace(b"200", b"099", 1)], says=("not HTTP",)),
    row("C27", "status-999", "gives the status 999", "an error with the number", raises=(ApiError,),
        api=[status_line("HTTP/1.1 999 Whatever")], says=("999",)),
    row("C27", "status-line-long", "gives a reason of 1 MiB", TYPED, raises=BAD, requests=FEW, memory=40,
        api=[(status_line("HTTP/1.1 500 " + "x" * 2**20), close)], never=("x" * 100,)),
    row("C28", "reason-injection", "puts escape codes and a log line into the reason", "one line stays one line",
        api=[(status_line("HTTP/1.1 400 \x1b[31mINFO all is well"), close)], raises=(ApiError, TransportError),
        requests=FEW, never=("\x1b", "all is well")),
    row("C29", "keepalive-race", "closes the kept connection after each answer", "nobody notices, 20 times of 20",
        shown="test_connections_that_were_closed_meanwhile_are_not_noticed"),
    row("C30", "dead-keepalive", "swallows requests on kept connections", "another connection, 3 times of 3",
        shown="test_a_dead_connection_costs_one_time_out"),
    row("C31", "ok-close-delimited", "answers as HTTP/1.0", WHOLE,
        api=[(b"HTTP/1.0 200 OK\r\nContent-Type: application/vnd.api+json\r\n\r\n" + BODY, close)]),
    row("C31", "ok-chunked", "sends chunks of one byte", WHOLE,
        api=[chunked(*(BODY[n : n + 1] for n in range(len(BODY))))]),
    row("C32", "cut-at-valid-json", "cuts where the JSON is whole", "an error: the length was promised",
        api=[(framed(f"Content-Length: {len(BODY) + 20}"), close)], raises=BROKEN, requests=SEVERAL),
    row("C33", "drop-connections", "cuts all connections under load", "all calls succeed",
        shown="test_cutting_all_connections_loses_no_call"),
    row("C34", "slice", "sends single bytes", WHOLE, api=[(dribble(GOOD, every=0.0),)]),
    *(
        row("C34", f"cut-after-{count}", f"cuts after {count} bytes", AGAIN, api=[(GOOD[:count], close)],
            raises=BROKEN, requests=SEVERAL)
        for count in (1, 17, 60, len(GOOD) - 1)
    ),
]  # fmt: skip


async def truncate(peer: Peer) -> None:
    """The TCP connection ends, TLS does not."""
    await asyncio.sleep(0.01)
    peer.writer.get_extra_info("socket").shutdown(socket.SHUT_RDWR)
    peer.writer.transport.abort()
    raise ConnectionError


async def old_tls(peer: Peer) -> None:
    """What a server of old says to TLS 1.2: the alert protocol_version."""
    await peer.reader.read(1024)
    await peer.send(b"\x15\x03\x01\x00\x02\x02\x46")
    await close(peer)


async def alert(peer: Peer) -> None:
    """A fatal alert in place of the server's hello."""
    await peer.reader.read(1024)
    await peer.send(b"\x15\x03\x03\x00\x02\x02\x28")
    await close(peer)


async def plain_http(peer: Peer) -> None:
    """Whoever speaks TLS here gets plain HTTP."""
    await peer.reader.read(1024)
    await peer.send(reply(status=400))
    await close(peer)


async def reset_in_handshake(peer: Peer) -> None:
    """Half a handshake."""
    await peer.reader.read(1024)
    await reset(peer)


def final(outcome: Outcome) -> None:
    """One try: another one cannot help."""
    assert getattr(outcome.error, "tries", None) == 1


def downgrade(hosts: Hosts) -> Script:
    return [reply(status=302, headers={"Location": f"http://{hosts.foreign}/api/customers/c1"})]


UNTRUSTED = {"raises": (TLSError,), "requests": NONE, "check": final}
T = [
    row("T1", "tls-trusted", "has a certificate of a private root that the caller trusts", WHOLE, tls="good"),
    row("T2", "tls-no-ca", "has a certificate of a root that nobody knows", "a certificate error, final",
        tls="unknown-root", **UNTRUSTED),
    row("T3", "tls-expired", "has an expired certificate", "says that it has expired, final", tls="expired",
        says=("expired",), **UNTRUSTED),
    row("T4", "tls-notyet", "has a certificate of the future", "says so, final", tls="early", says=("not yet",),
        **UNTRUSTED),
    row("T5", "tls-wronghost", "has a certificate of another host", "says so, final", tls="other-host",
        says=("127.0.0.1",), **UNTRUSTED),
    row("T6", "tls-selfsigned", "is not signed by anybody known", "a certificate error, final", tls="good",
        session={"ssl": None}, **UNTRUSTED),
    row("T7", "tls-old", "speaks TLS 1.1 at most", "an error, final", base="https://{here}", accept=old_tls,
        **UNTRUSTED),
    row("T8", "tls-plain-http", "speaks plain HTTP on the https port", "an error that points at TLS",
        base="https://{here}", accept=plain_http, raises=(TLSError,), requests=NONE, says=("TLS",)),
    row("T8", "http-on-tls-port", "speaks TLS where the caller says http", TYPED, tls="good", base="http://{here}",
        raises=BROKEN, requests=NONE),
    row("T9", "tls-reset-handshake", "resets in the handshake", "tries again a few times", base="https://{here}",
        accept=reset_in_handshake, raises=BROKEN, requests=NONE),
    row("T9", "tls-alert", "sends an alert in the handshake", "an error", base="https://{here}", accept=alert,
        raises=(TLSError,), requests=NONE),
    row("T10", "tls-silent", "never answers the handshake", "gives up after the connect limit",
        base="https://{here}", accept=stall, connect=0.05, raises=LATE, requests=NONE),
    row("T11", "tls-truncate", "ends TCP but not TLS", "never a success", tls="good",
        api=[(framed(f"Content-Length: {len(BODY) + 10}"), truncate)], raises=BROKEN, requests=SEVERAL),
    row("T11", "tls-truncate-close-delimited", "ends TCP but not TLS, and promised no length",
        "an error, or the resource where it is whole",
        tls="good", api=[(b"HTTP/1.0 200 OK\r\nContent-Type: application/vnd.api+json\r\n\r\n" + BODY[:60], truncate)],
        raises=BAD, requests=FEW),
    row("T12", "http-elsewhere", "the caller names http and a host elsewhere", "refuses when the session is made",
        base="http://shop.example", raises=(ConfigurationError,), requests=NONE, says=("plain http",)),
    row("T13", "redirect-downgrade", "redirects from https to http", "does not follow", tls="good", api=downgrade,
        raises=(LinkRefused,)),
]  # fmt: skip


def status(code: int, *, body: bytes = b"") -> bytes:
    return reply(body, status=code, headers={"X-Request-Id": "r-1"})


def one_error(code: int) -> bytes:
    return errors({"status": str(code), "code": "A_CODE", "title": "A title"}, status=code,
                  headers={"X-Request-Id": "r-1"})  # fmt: skip


def html(code: int) -> bytes:
    return reply("<html><h1>Oh no</h1></html>", status=code, content_type="text/html")


def tells_all(outcome: Outcome) -> None:
    """Status, code and request id are on the error."""
    error = outcome.error
    assert isinstance(error, ApiError)
    assert (error.code, error.request_id) == ("A_CODE", "r-1")
    assert str(error.status) in str(error)
    assert "request id r-1" in str(error)


def kept_status(outcome: Outcome) -> None:
    assert isinstance(outcome.error, ApiError)
    assert outcome.error.status in (400, 404, 500)


class Lazy:
    """A step whose bytes are made when they are first sent, once."""

    def __init__(self, make: Callable[[], bytes]) -> None:
        self._make = functools.cache(make)

    async def __call__(self, peer: Peer) -> None:
        await peer.send(self._make())


HUNDRED_THOUSAND = Lazy(lambda: reply(json.dumps({"errors": [{"code": "X", "detail": "y"}] * 100_000}), status=422))
LONG_DETAIL = Lazy(lambda: errors({"detail": "x" * 5_000_000}, status=422))
ESCAPED = "".join(f"\\u{ord(char):04x}" for char in TOKEN).encode()
FORGED = "a\r\nINFO forged \x1b[31m\u202e\0"
RETRIED = (408, 500, 502, 503, 504)
FINAL = (400, 402, 403, 405, 406, 410, 411, 412, 413, 414, 415, 416, 417, 418, 422, 424, 426, 428, 431, 451)
EITHER = (409, 423, 425, 499, 507, 508, 509, 520, 521, 522, 523, 524, 525, 526, 527, 530, 599)

H = [
    *(
        row("H1", f"status-{code}", f"answers {code} for ever", AGAIN, api=[one_error(code)], raises=(ApiError,),
            requests=SEVERAL, check=tells_all)
        for code in RETRIED
    ),
    row("H1", "status-429", "answers 429 for ever", "waits longer each time, then an error", api=[one_error(429)],
        raises=(RateLimited, TimeoutError), requests=SEVERAL, session={"timeout": 0.4}),
    *(
        row("H2", f"flaky-{code}-{times}", f"answers {code}, {times} time{'s' if times > 1 else ''}", "hides it",
            api=[*[status(code)] * times, GOOD], requests=(times + 1, times + 1))
        for code, times in [(408, 1), (429, 1), (500, 1), (502, 1), (503, 1), (503, 2), (504, 1)]
    ),
    *(
        row("H3", f"status-{code}", f"answers {code}", "a final error with all that the answer tells",
            api=[one_error(code)], raises=(ApiError,), check=tells_all)
        for code in FINAL
    ),
    row("H4", "status-404", "answers 404", "NotFound, with type and id", api=[one_error(404)], raises=(NotFound,),
        says=("customers/c1",), check=tells_all),
    row("H5", "status-401", "answers 401", "one refresh, one repeat", api=[status(401)], token=[granted()],
        raises=(Unauthorized,), requests=(2, 2), tokens=(1, 2)),
    row("H5", "html-401", "answers 401 with HTML", "one refresh, one repeat; no markup in the message",
        api=[html(401)], token=[granted()], raises=(Unauthorized,), requests=(2, 2), tokens=(1, 2), never=("<h1>",)),
    *(
        row("H6", f"status-{code}", f"answers {code}", "a final error, by the family of the status",
            api=[one_error(code)], raises=(ApiError,), check=tells_all)
        for code in EITHER
    ),
    *(
        row("H7", f"status-{code}", f"answers {code}", "a final error", api=[one_error(code)], raises=(ServerError,),
            check=tells_all)
        for code in (501, 505, 506, 510, 511)
    ),
    *(
        row("H8", f"status-{code}", f"answers {code}", "an error, never a resource",
            api=[status(code, body=b"" if code == 304 else BODY)], raises=(ApiError,))
        for code in (300, 304, 305, 306)
    ),
    *(
        row("H9", f"html-{code}", f"answers {code} with HTML", "as without; no markup in the message",
            api=[html(code)], raises=(ApiError,), requests=SEVERAL if code > 500 else ONE, never=("<h1>", "Oh no"))
        for code in (502, 503, 404)
    ),
    *(
        row("H10", f"empty-{code}", f"answers {code} without body", "as with one", api=[reply(status=code)],
            raises=(ApiError,), requests=SEVERAL if code >= 500 else ONE)
        for code in (500, 404)
    ),
    row("H11", "problem-json", "answers with a problem document", "a status error",
        api=[reply({"type": "about:blank", "title": "No", "detail": "x"}, status=400,
                    content_type="application/problem+json")], raises=(ApiError,)),
    row("H11", "wrong-json-error", "answers with JSON of another shape", "a status error",
        api=[reply({"error": {"message": "no"}}, status=400)], raises=(ApiError,)),
    row("H12", "error-lies-200", "answers 200 with errors", "an error, never a resource",
        api=[reply({"errors": [{"status": "500", "code": "X"}]})], raises=(DecodeError, ApiError)),
    row("H13", "error-status-differs", "answers 400 and says 503 inside", "believes HTTP",
        api=[errors({"status": "503"}, status=400)], raises=(ApiError,), check=kept_status),
    *(
        row("H14", f"errors-{kind}", f"answers 400 with errors that are {what}", "a status error all the same",
            api=[reply({"errors": value}, status=400)], raises=(ApiError,), check=kept_status)
        for kind, what, value in [
            ("null", "null", None),
            ("string", "a string", "x"),
            ("of-strings", "strings", ["x", None, 3, []]),
            ("odd-types", "odd in every member", [
                {"id": 1, "status": 400, "code": [], "title": {}, "detail": 5, "source": [], "links": 3, "meta": "m"}]),
        ]
    ),
    row("H15", "errors-100k", "sends 100,000 error objects", "a short message", api=[(HUNDRED_THOUSAND,)],
        raises=(ApiError,), memory=160, within=60.0),
    row("H15", "errors-5mb-detail", "sends 5 MB of detail", "a short message", api=[(LONG_DETAIL,)],
        raises=(ApiError,), memory=120, within=60.0),
    row("H16", "errors-log-injection", "puts line breaks, escapes, bidi and NUL into the detail", "escapes them",
        api=[errors({"detail": FORGED, "title": FORGED, "code": FORGED}, status=503)], raises=(ApiError,),
        requests=SEVERAL),
    row("H17", "error-echoes-token", "echoes the bearer token in the body", "masks it",
        api=[errors({"detail": f"token {TOKEN} is bad", "meta": {"sent": f"Bearer {TOKEN}"}}, status=400)],
        raises=(ApiError,)),
    row("H17", "error-echoes-token-in-header", "echoes the bearer token in its headers", "masks it",
        api=[reply(status=400, headers={"X-Request-Id": TOKEN, "Via": TOKEN})], raises=(ApiError,)),
    row("H17", "echoes-token-200", "echoes the bearer token in a document that does not fit", "masks it",
        api=[reply(document(resource("customers", TOKEN)))], raises=(DecodeError,)),
    row("H17", "error-echoes-token-escaped", "echoes the bearer token, each letter escaped", "masks it",
        api=[reply(b'{"errors": [{"detail": "' + ESCAPED + b'"}]}', status=400)], raises=(ApiError,)),
    row("H18", "error-echoes-payment-token", "echoes a gateway's token in the body", "masks what looks like one",
        api=[errors({"detail": f"{PAYMENT} was declined"}, status=422)], raises=(ApiError,)),
    row("H19", "auth-407", "answers 407", "a final error; no proxy credentials", raises=(ApiError,),
        api=[reply(status=407, headers={"Proxy-Authenticate": "Basic realm=x"})]),
    row("H20", "outage", "is down for a while under 50 workers", "brakes, and is back at once",
        shown="test_an_outage_is_braked_and_recovered_from"),
]  # fmt: skip


def redirect(location: str, code: int = 302) -> object:
    """A redirect, whose target may name places."""

    def script(hosts: Hosts) -> Script:
        where = location.format(foreign=hosts.foreign, internal=hosts.internal, here=hosts.here, port=hosts.port)
        return [reply(status=code, headers={"Location": where})]

    return script


def refuses(number: str, label: str, what: str, location: str, **rest: object) -> Row:
    return row(number, label, f"redirects {what}", "refuses", api=redirect(location), raises=(LinkRefused,), **rest)


def names_both(outcome: Outcome) -> None:
    assert outcome.hosts.foreign in str(outcome.error)
    assert outcome.hosts.here in str(outcome.error)


def leaks(hosts: Hosts) -> Script:
    at = f"http://{hosts.foreign}/"
    lines = {"Refresh": f"0; url={at}", "Link": f"<{at}>; rel=next", "Content-Location": at}
    return [reply(document(), headers=lines)]


def link_redirects(hosts: Hosts) -> Script:
    return [linked("/api/customers/c1"), reply(status=302, headers={"Location": f"http://{hosts.foreign}/x"})]


R = [
    *(
        row(f"R{n}", f"redirect-{code}-foreign", f"redirects ({code}) to another port", "refuses, naming both",
            api=redirect("http://{foreign}/api/customers/c1", code), raises=(LinkRefused,), check=names_both)
        for n, code in enumerate((301, 302, 303, 307, 308), 1)
    ),
    *(
        row(f"R{n}", f"redirect-{code}-same", f"redirects ({code}) within the origin", "refuses",
            api=redirect("http://{here}/api/customers/c2", code), raises=(LinkRefused,))
        for n, code in enumerate((301, 302, 303, 307, 308), 6)
    ),
    refuses("R6", "redirect-relative", "to a path", "/api/customers/c2"),
    refuses("R11", "redirect-internal", "to 127.0.0.2", "http://{internal}/api/customers/c1"),
    refuses("R12", "redirect-alias-host", "to the same port of localhost", "http://localhost:{port}/api/customers/c1"),
    *(
        refuses("R13", f"redirect-{kind}", what, location)
        for kind, what, location in [
            ("protocol-relative", "to //host", "//{foreign}/api/x"),
            ("userinfo", "with a user part", "http://u:p@{here}/api/x"),
            ("at-trick", "to api@foreign", "http://{here}@{foreign}/api/x"),
            ("backslash", "with backslashes", "http:\\\\{foreign}\\api"),
            ("unicode", "with odd dots", "http://127\xb70.0.1:{port}/api"),
        ]
    ),
    refuses("R14", "redirect-loop", "to itself", "/api/customers/c1"),
    refuses("R14", "redirect-chain", "on and on", "/api/customers/c1?hop=1"),
    refuses("R15", "redirect-javascript", "to javascript:", "javascript:alert(1)"),
    refuses("R15", "redirect-file", "to a file", "file:///etc/passwd"),
    refuses("R16", "redirect-bad-url", "to no URL", "http://[::1/x"),
    refuses("R16", "redirect-bad-port", "to port 99999", "http://127.0.0.1:99999/"),
    row("R16", "redirect-empty", "redirects to nothing", "an error", api=redirect(""),
        raises=(LinkRefused, ApiError)),
    row("R16", "redirect-no-location", "redirects without Location", "an error", api=[reply(status=302)],
        raises=(LinkRefused, ApiError)),
    row("R16", "redirect-long", "redirects to 100 kB", "an error, short", api=redirect("/" + "x" * 100_000),
        raises=(LinkRefused, TransportError), requests=FEW),
    refuses("R17", "redirect-crlf", "with CR LF, encoded", "/api/x%0d%0aX-Injected:%201"),
    refuses("R18", "redirect-to-token", "to the token endpoint", "/oauth/token", tokens=NONE),
    row("R19", "redirect-body-leak", "points elsewhere by Refresh, Link and Content-Location", "ignores them",
        api=leaks),
    row("R20", "token-redirect-302", "redirects (302) at the token endpoint", "AuthError", requests=NONE,
        token=redirect("http://{foreign}/oauth/token"), raises=(AuthError,), tokens=ONE),
    row("R21", "token-redirect-foreign", "redirects (307) at the token endpoint", "AuthError; the secret stays",
        token=redirect("http://{foreign}/oauth/token", 307), raises=(AuthError,), requests=NONE, tokens=ONE,
        never=(SECRET,)),
    row("R22", "link-redirects", "redirects behind a link", "refuses", api=link_redirects, ask=resolved,
        raises=(LinkRefused,), requests=(2, 2)),
]  # fmt: skip
