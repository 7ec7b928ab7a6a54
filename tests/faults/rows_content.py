"""Groups B, A, Z and M of the catalogue: content and size, authentication, secrets, rate limits."""

import functools
import gzip
import json
import zlib

from commercelayer_async import (
    ApiError,
    AuthError,
    BodyTooLarge,
    CommerceLayerError,
    DecodeError,
    Forbidden,
    RateLimited,
    ServerError,
    TimeoutError,
    TransportError,
    Unauthorized,
)
from tests.faults.assertions import GRANTED, SECRET, SOON, Outcome
from tests.faults.breaking_server import close, flood, reset, stall
from tests.faults.row import BODY, FEW, GOOD, NONE, ONE, SEVERAL, attributes, errors, granted, twice
from tests.faults.rows_connections import BAD, BROKEN, Lazy, framed, row
from tests.support.documents import document
from tests.support.responses import JSON_API, head, reply

CHUNK = b"x" * 65536
TOO_LARGE = (BodyTooLarge,)
WHOLE = "the resource"
PACKED = gzip.compress(BODY)


@functools.cache
def bomb(mebibytes: int = 256) -> bytes:
    """Valid JSON of so many MiB, in a thousandth of the bytes."""
    packer = zlib.compressobj(1, wbits=31)
    piece = b"a" * 2**20
    parts = [packer.compress(b'{"data": {"type": "customers", "id": "c1", "attributes": {"reference": "')]
    parts += [packer.compress(piece) for _ in range(mebibytes)]
    parts += [packer.compress(b'"}}}'), packer.flush()]
    return b"".join(parts)


def coded(body: bytes, encoding: str = "gzip", *, code: int = 200) -> bytes:
    """An answer whose body claims to be coded so."""
    return reply(body, status=code, headers={"Content-Encoding": encoding})


def small(outcome: Outcome) -> None:
    assert isinstance(outcome.error, CommerceLayerError)
    assert len(str(outcome.error)) < 1000


def endless(start: bytes, piece: bytes) -> list[object]:
    """A body without end; well, of 4 GiB."""
    return [(start, flood(piece, times=65536))]


B = [
    row("B1", "gzip-bomb", "sends 256 KiB of gzip that unpack to 256 MiB", "a size error", api=[(Lazy(
        lambda: coded(bomb())),)], raises=TOO_LARGE, memory=160, within=60.0),
    row("B2", "gzip-bomb-error", "the same with status 500", "a size or status error", api=[(Lazy(
        lambda: coded(bomb(), code=500)),)], raises=(BodyTooLarge, ServerError), requests=FEW, memory=160, within=60.0),
    row("B3", "gzip-bomb-double", "a bomb in a bomb", "an error", api=[(Lazy(
        lambda: coded(gzip.compress(bomb()), "gzip, gzip")),)], raises=BAD, requests=FEW, memory=160, within=60.0),
    row("B3", "gzip-bomb-double-hidden", "a bomb in a bomb, announced as one", "an error", api=[(Lazy(
        lambda: coded(gzip.compress(bomb()))),)], raises=BAD, requests=FEW, memory=160, within=60.0),
    row("B4", "body-huge-known", "announces 1 TB", "refuses by the header",
        api=[(head([("Content-Type", JSON_API), ("Content-Length", str(10**12))]), flood(CHUNK, times=10**6))],
        raises=TOO_LARGE, memory=60),
    row("B5", "body-huge-chunked", "sends chunks without end", "a size error at the cap", raises=TOO_LARGE, memory=80,
        api=endless(head([("Content-Type", JSON_API), ("Transfer-Encoding", "chunked")]), b"10000\r\n%s\r\n" % CHUNK)),
    row("B5", "body-huge-close", "sends a body without length or end", "a size error at the cap", raises=TOO_LARGE,
        memory=80, api=endless(head([("Content-Type", JSON_API)]), CHUNK)),
    row("B5", "body-huge-error", "sends an error page without end", "a size error at the cap", raises=TOO_LARGE,
        memory=80, api=endless(head([("Content-Type", "text/html")], status=500), CHUNK)),
    row("B6", "token-bomb", "sends a bomb from the token endpoint", "an error; its message is short",
        token=[(Lazy(lambda: coded(bomb())),)], raises=(AuthError, BodyTooLarge), requests=NONE, memory=160,
        check=small, within=60.0),
    *(
        row("B7", f"gzip-{kind}", f"sends gzip {what}", "an error of the package", api=[(raw, close)], raises=BAD,
            requests=FEW)
        for kind, what, raw in [
            ("corrupt", "that is corrupt", coded(PACKED[:30] + b"\xff" * 20 + PACKED[50:])),
            ("bad-crc", "with a wrong checksum", coded(PACKED[:-8] + b"\0\0\0\0" + PACKED[-4:])),
            ("truncated", "that ends early", coded(PACKED[:-40])),
            ("label-plain", "in name only", coded(BODY)),
            ("unlabelled", "without saying so", reply(PACKED)),
        ]
    ),
    *(
        row("B8", label, f"sends {what}", "an error, or the resource", api=[raw], either=True,
            raises=BAD, requests=FEW)
        for label, what, raw in [
            ("gzip-trailing", "gzip with bytes behind it", coded(PACKED + b"trailing")),
            ("gzip-two-members", "gzip in two members", coded(gzip.compress(BODY[:50]) + gzip.compress(BODY[50:]))),
            ("encoding-many", "ten codings", coded(functools.reduce(lambda b, _: gzip.compress(b), range(10), BODY),
                                                   ", ".join(["gzip"] * 10))),
            ("encoding-br", "a body labelled br", coded(b"\x0b\x02\x80{}\x03", "br")),
            ("encoding-zstd", "a body labelled zstd", coded(b"\x28\xb5\x2f\xfd\x04\x00", "zstd")),
            ("encoding-deflate", "raw deflate", coded(zlib.compress(BODY)[2:-4], "deflate")),
        ]
    ),
    row("B8", "encoding-unknown", "sends a coding that nobody asked for", "an error that names it, at once",
        api=[coded(BODY, "rot13")], raises=(TransportError,), says=("rot13", "not asked for")),
    row("B8", "encoding-unknown-error", "the same with status 500", "a status error",
        api=[coded(BODY, "rot13", code=500)], raises=(ServerError,), requests=FEW),
    row("B8", "encoding-x-gzip", "calls gzip x-gzip", WHOLE, api=[coded(PACKED, "x-gzip")]),
    row("B8", "encoding-x-gzip-bomb", "sends a bomb and calls it x-gzip", "a size error", raises=TOO_LARGE, memory=160,
        api=[(Lazy(lambda: coded(bomb(), "x-gzip")),)], within=60.0),
    *(
        row("B8", f"encoding-x-gzip-{kind}", f"sends x-gzip {what}", "an error of the package", raises=BAD,
            api=[coded(data, "x-gzip")], requests=FEW)
        for kind, what, data in [("plain", "in name only", BODY), ("cut", "that ends early", PACKED[:-20])]
    ),
    row("B9", "header-long", "sends a header of 9,000 bytes", "an error that says so, at once", api=[framed(
        "X-Big: " + "x" * 9000, f"Content-Length: {len(BODY)}")], raises=(TransportError,), says=("header line",)),
    row("B9", "header-too-many", "sends 200 headers", "an error that says so, at once", api=[framed(
        *["X-Many: x"] * 200, f"Content-Length: {len(BODY)}")], raises=(TransportError,), says=("too many headers",)),
    row("B9", "header-one-big", "sends a header of 1 MiB", "an error", api=[(framed(
        "X-Big: " + "x" * 2**20, f"Content-Length: {len(BODY)}"), close)], raises=BROKEN, requests=FEW, memory=40),
    row("B9", "header-many", "sends 20,000 headers", "an error", api=[(framed(
        *["X-Many: x"] * 20_000, f"Content-Length: {len(BODY)}"), close)], raises=BROKEN, requests=FEW, memory=40),
    row("B9", "header-endless", "sends headers without end", "an error", api=endless(
        b"HTTP/1.1 200 OK\r\n", b"X-Many: x\r\n" * 1000), raises=BROKEN, requests=FEW, memory=40),
    row("B9", "header-just-fits", "sends a header of 8,000 bytes", WHOLE, api=[framed(
        "X-Big: " + "x" * 8000, f"Content-Length: {len(BODY)}")]),
    row("B10", "html-200", "sends HTML as a success", "an error that names the type", raises=(DecodeError,),
        api=[reply("<html>", content_type="text/html")], says=("text/html",)),
    row("B10", "head-of-other", "sends a GIF as a success", "an error that names the type", raises=(DecodeError,),
        api=[reply(b"GIF89a\x01\x00", content_type="image/gif")], says=("image/gif",)),
    row("B11", "type-json", "calls it application/json", WHOLE, api=[reply(BODY, content_type="application/json")]),
    row("B11", "type-missing", "names no type", WHOLE, api=[reply(BODY, content_type=None)]),
    row("B11", "type-text", "calls it text/plain", "an error that names the type", raises=(DecodeError,),
        api=[reply(BODY, content_type="text/plain")], says=("text/plain",)),
    *(
        row("B12", f"charset-{name}", f"names the charset {name}", "UTF-8 all the same",
            api=[reply(BODY, content_type=f"{JSON_API}; charset={name}")])
        for name in ("no-such", "latin-1", "idna", "zip", "undefined", "unicode_escape", "")
    ),
    *(
        row("B13", label, f"sends {what}", "an error, never None", api=[raw], raises=BAD, requests=FEW)
        for label, what, raw in [
            ("empty-200", "an empty success", reply(b"")),
            ("blank-200", "a blank success", reply(b"  \r\n ")),
            *((f"status-{code}", f"status {code}", reply(b"" if code in (204, 205) else BODY, status=code,
                                                          length=code != 204))
              for code in (201, 202, 204, 205, 206)),
        ]
    ),
    row("B13", "status-203", "sends status 203, as a proxy makes of 200", WHOLE, api=[reply(BODY, status=203)]),
    *(
        row("B14", f"length-{kind}", f"gives the length {value[:12]}", "an error; nothing of the body in it",
            api=[(framed(f"Content-Length: {value}"), close)], raises=BAD, requests=FEW, never=("created_at",),
            memory=40)
        for kind, value in [
            ("negative", "-5"), ("words", "many"), ("plus", "+10"), ("float", "1.5"), ("digits", "9" * 30),
            ("short", "20"), ("hex", "0x20"), ("list", "5, 5"),
        ]
    ),
    row("B15", "body-bom", "begins with a byte order mark", "an error", api=[reply(b"\xef\xbb\xbf" + BODY)],
        raises=(DecodeError,), requests=FEW),
    row("B15", "body-utf16", "sends UTF-16", "an error", api=[reply(BODY.decode().encode("utf-16"))],
        raises=(DecodeError,), requests=FEW),
    row("B15", "body-not-utf8", "sends invalid UTF-8", "an error", raises=(DecodeError,), requests=FEW,
        api=[reply(BODY.replace(b'"attributes": {', b'"attributes": {"reference": "\xff", '))]),
    row("B15", "unread-not-utf8", "sends invalid UTF-8 in a member that nobody reads", WHOLE,
        api=[reply(BODY.replace(b'"attributes": {', b'"attributes": {"novel": "\xff", '))]),
    row("B16", "string-20mb", "sends a string of 20 MB", "a size error", raises=TOO_LARGE, memory=120, within=60.0,
        api=[(Lazy(lambda: attributes(reference="x" * 20_000_000)),)]),
    row("B16", "string-8mb", "sends a string of 8 MB", WHOLE, memory=120, within=60.0,
        api=[(Lazy(lambda: attributes(reference="x" * 8_000_000)),)]),
    row("B16", "wide-object", "sends 200,000 members", WHOLE, memory=200, within=60.0,
        api=[(Lazy(lambda: attributes(metadata={f"m{n}": n for n in range(200_000)})),)]),
]  # fmt: skip


def one_header(outcome: Outcome) -> None:
    """Exactly one Authorization header, ours, and no Basic one."""
    for request in outcome.server.asked:
        sent = request.headers("Authorization")
        assert len(sent) == 1
        assert sent[0].startswith("Bearer ")


def at_once(outcome: Outcome) -> None:
    assert outcome.seconds < SOON


def body_only(outcome: Outcome) -> None:
    """The secret was sent in the body, and nowhere else."""
    for request in outcome.server.asked_for_token:
        assert SECRET in request.body.decode()
        assert SECRET not in request.head


def refusal(name: str, code: int = 400, **more: str) -> bytes:
    """As RFC 6749 has it."""
    return reply({"error": name} | more, status=code, content_type="application/json")


UNUSABLE = {"raises": (AuthError,), "requests": NONE, "tokens": ONE}
DEEP = "[" * 100_000

A = [
    row("A1", "first_token", "100 calls at a cold start", "one token request",
        shown="test_a_hundred_cold_calls_ask_for_one_token"),
    row("A2", "refresh", "revokes the token under 100 calls", "one refresh",
        shown="test_a_revoked_token_is_refreshed_once_under_a_hundred_calls"),
    row("A3", "refresh_fails", "fails to refresh under 100 calls", "all get the error; the next call works",
        shown="test_a_refresh_that_fails_releases_everybody"),
    row("A4", "refresh_leader_cancelled", "the call that asked is cancelled", "the others get the token",
        shown="test_cancelling_the_call_that_refreshes_stops_nobody_else"),
    row("A5", "expiry_ahead", "gives tokens of 3 seconds", "renewed ahead; no call fails",
        shown="test_a_token_is_renewed_ahead_of_its_end"),
    row("A6", "auth-always-401", "answers 401 for ever", "one refresh, one repeat", api=[reply(status=401)],
        token=[granted()], raises=(Unauthorized,), requests=(2, 2), tokens=(1, 2)),
    row("A6", "token-useless", "gives the same bad token again", "one refresh, one repeat", token=[granted()],
        api=[errors({"code": "INVALID_TOKEN"}, status=401)], raises=(Unauthorized,), requests=(2, 2), tokens=(1, 2)),
    row("A7", "auth-401-once", "answers 401 once", "hides it", api=[reply(status=401), GOOD], token=[granted()],
        requests=(2, 2), tokens=(1, 2)),
    row("A8", "auth-403", "answers 403", "a final error, no refresh", api=[reply(status=403)], token=[granted()],
        raises=(Forbidden,), tokens=ONE),
    *(
        row("A9", f"auth-challenge-{scheme.lower()}", f"asks for {scheme}", "ignores it; no such header goes out",
            api=[reply(status=401, headers={"WWW-Authenticate": f'{scheme} realm="x", nonce="y"'})],
            raises=(Unauthorized,), check=one_header)
        for scheme in ("Basic", "Digest", "Negotiate")
    ),
    *(
        row("A10", f"token-{kind}-token", f"gives an access_token that is {kind}", "AuthError", says=("access_token",),
            token=[granted(access_token=value)], **UNUSABLE)
        for kind, value in [("missing", ...), ("null", None), ("empty", ""), ("number", 5), ("list", ["x"])]
    ),
    *(
        row("A11", f"token-{kind}-token", f"gives a token with {what}", "AuthError", says=("access_token",),
            token=[granted(access_token=value)], **UNUSABLE)
        for kind, what, value in [
            ("space", "a space", "a b"), ("umlaut", "a character beyond ASCII", "n\xe9"), ("nul", "NUL", "a\0b"),
            ("1mb", "1 MiB", "x" * 2**20),
        ]
    ),
    row("A12", "token-crlf-token", "gives a token with CR LF and a header", "AuthError; nothing injected",
        token=[granted(access_token="x\r\nX-Injected: y")], **UNUSABLE),
    row("A13", "token-mac-type", "gives a token of type mac", "AuthError", token=[granted(token_type="mac")],
        says=("token_type",), **UNUSABLE),
    row("A13", "token-type-upper", "gives a token of type BEARER", WHOLE, token=[granted(token_type="BEARER")],
        tokens=ONE),
    row("A13", "token-type-missing", "gives a token of no type", WHOLE, token=[granted(token_type=...)], tokens=ONE),
    *(
        row("A14", f"token-ttl-{kind}", f"gives expires_in {kind}", "a default life; no storm of refreshes",
            token=[granted(expires_in=value)], ask=twice, requests=(2, 2), tokens=(1, 2))
        for kind, value in [("missing", ...), ("null", None), ("zero", 0), ("negative", -5), ("string", "7200"),
                            ("words", "soon"), ("1e308", 1e308), ("true", True), ("1", 1)]
    ),
    *(
        row("A15", f"token-skew-{kind}", f"says that the token was made a day {kind}", "its life counts from receipt",
            token=[granted(created_at=1_700_000_000 + skew)], ask=twice, requests=(2, 2), tokens=ONE)
        for kind, skew in [("past", -86400), ("future", 10**9)]
    ),
    *(
        row("A16", f"token-{name.replace('_', '-')}", f"answers {name}", "a final error with the code",
            token=[refusal(name, code)], says=(name,), **UNUSABLE)
        for name, code in [("invalid_client", 401), ("invalid_scope", 400), ("unauthorized_client", 403)]
    ),
    row("A17", "token-echo-secret", "echoes the client secret in its refusal", "masks it", check=body_only,
        token=[refusal("invalid_client", 401, error_description=f"no {SECRET}")], **UNUSABLE),
    row("A18", "token-e429", "answers 429 with Retry-After at the token endpoint, then a token", "waits, tries again",
        token=[reply(status=429, headers={"Retry-After": "0.1"}), granted()], tokens=(2, 2)),
    row("A18", "token-e500-once", "answers 500 once at the token endpoint", "tries again",
        token=[reply(status=500), granted()], tokens=(2, 2)),
    row("A18", "token-e500", "answers 500 for ever at the token endpoint", "gives up", token=[reply(status=500)],
        raises=(AuthError, TimeoutError), requests=NONE, tokens=SEVERAL, within=8.0, session={"timeout": 6.0}),
    *(
        row("A19", f"token-{kind}", f"answers {what} at the token endpoint", "AuthError; nothing of it in the message",
            token=[raw], never=(GRANTED,), **UNUSABLE)
        for kind, what, raw in [
            ("html", "HTML", reply("<html>", content_type="text/html")), ("empty", "nothing", reply("")),
            ("array", "an array", reply("[]")), ("text", "the bare token", reply(GRANTED, content_type="text/plain")),
            ("text-quoted", "the token as a string", reply(json.dumps(GRANTED))),
            ("deep", "100,000 levels", reply(DEEP)),
            ("deep-members", "100,000 levels below a member", reply('{"access_token": ' + DEEP)),
            ("not-utf8", "bytes that are no UTF-8", reply(b"\xff\xfe" + GRANTED.encode())),
            ("cut", "half a token", reply('{"access_token": "' + GRANTED)),
        ]
    ),
    row("A20", "token-reset", "resets at the token endpoint", "tries again, then an error", token=[(reset,)],
        raises=(TransportError,), requests=NONE, tokens=SEVERAL, within=8.0, session={"timeout": 6.0}),
    row("A20", "token-stall", "is silent at the token endpoint", "an error", token=[(stall,)], read=0.05,
        session={"timeout": 0.5}, raises=(TransportError,), requests=NONE, tokens=FEW),
    row("A20", "token-refused", "closes at the token endpoint once", "hides it", token=[(close,), granted()],
        tokens=(2, 2)),
    row("A21", "clock-jumps", "the wall clock jumps by an hour", "nothing happens",
        shown="test_a_wall_clock_that_jumps_asks_for_no_token"),
    row("A22", "token-windows", "ten sessions with the same credentials", "30 token requests a minute at most",
        shown="test_ten_sessions_share_the_token_endpoints_budget"),
    row("A23", "two-authorizations", "the caller's own aiohttp session has an Authorization header", "replaced by ours",
        shown="test_an_injected_session_sends_one_authorization"),
]  # fmt: skip

Z = [
    row("Z1", "secrets_shown", "repr and str of session, credentials, tokens", "masked",
        shown="test_what_holds_a_secret_shows_none"),
    row("Z2", "secrets_kept", "pickle, copy, vars, asdict of them", "refused or masked",
        shown="test_what_holds_a_secret_does_not_leave"),
    row("Z3", "resource_shown", "repr and str of a resource with gateway tokens", "masked",
        shown="test_a_resource_shows_no_gateway_token"),
    row("Z4", "exceptions", "every row here", "silent in str, repr, args, vars, pickle, cause and context",
        shown="test_row"),
    row("Z5", "captured-locals", "tracebacks with local variables", "secrets are of a type with a masked repr",
        shown="test_tracebacks_with_locals_hold_no_secret"),
    row("Z6", "debug-logs", "DEBUG logging of every logger", "no secret, one line each", shown="test_row"),
    row("Z7", "asyncio-debug", "asyncio's debug mode", "the same verdicts; no secret on stderr",
        shown="test_the_verdicts_do_not_depend_on_how_python_runs"),
    row("Z13", "user-agent", "the User-Agent", "no id, no secret", shown="test_the_user_agent_tells_nothing"),
    row("Z14", "base-userinfo", "the caller gives a URL with a user part", "refused, masked", requests=NONE,
        base=f"https://user:{SECRET}@shop.example", raises=(CommerceLayerError,)),
]  # fmt: skip


def throttled(*lines: tuple[str, str], code: int = 429) -> bytes:
    """Too many requests, with these headers."""
    return reply(status=code, headers=lines)


def waited(seconds: float) -> object:
    """The first two requests are so far apart."""

    def check(outcome: Outcome) -> None:
        assert outcome.gaps[0] >= seconds

    return check


def names_wait(outcome: Outcome) -> None:
    assert isinstance(outcome.error, RateLimited | ServerError)
    assert outcome.error.retry_after is not None
    assert outcome.seconds < SOON


def all_wait(outcome: Outcome) -> None:
    assert all(gap >= 1.0 for gap in outcome.gaps)


NOON = "Wed, 01 Jan 2020 12:00:00 GMT"
ODD = "Wednesday, 01-Jan-20 12:00:01 GMT"

M = [
    row("M1", "rl-forever", "answers 429 for ever, without hint", "waits longer each time, then RateLimited",
        api=[throttled()], raises=(RateLimited, TimeoutError), requests=SEVERAL, session={"timeout": 0.4}),
    row("M2", "rl-seconds", "answers 429 with Retry-After 1, then is good", "waits 1 s at least",
        api=[throttled(("Retry-After", "1")), GOOD], requests=(2, 2), check=waited(1.0)),
    row("M2", "rl-always-1", "answers 429 with Retry-After 1 for ever", "waits 1 s at least each time",
        api=[throttled(("Retry-After", "1"))], raises=(RateLimited, TimeoutError), requests=(2, 3),
        session={"timeout": 1.5}, check=all_wait),
    row("M3", "rl-zero", "answers 429 with Retry-After 0", "no tight loop",
        api=[throttled(("Retry-After", "0")), GOOD], requests=(2, 2), check=waited(0.001)),
    *(
        row("M4", f"rl-date{kind}", f"answers 429 with {what}", "understands it, or waits as it would anyway",
            api=[throttled(("Date", NOON), ("Retry-After", date)), GOOD], requests=(2, 2), check=waited(least))
        for kind, what, date, least in [
            ("", "a date ahead", NOON.replace(":00 GMT", ":01 GMT"), 1.0), ("-past", "a date of the past",
             NOON.replace("2020", "1999"), 0.001), ("-odd", "a date of the obsolete form", ODD, 0.5),
            ("-asctime", "a date of C's form", "Wed Jan  1 12:00:01 2020", 0.5),
        ]
    ),
    *(
        row("M5", f"rl-{kind}", f"answers 429 with Retry-After {value!a}", "ignores it", requests=(2, 2),
            api=[throttled(("Retry-After", value)), GOOD])
        for kind, value in [("negative", "-5"), ("fraction", "0.05"), ("words", "soon"), ("empty", ""), ("nan", "nan"),
                            ("inf", "inf"), ("exponent", "1e-3"), ("arabic", "\xd9\xa3"), ("list", "1, 2")]
    ),
    *(
        row("M6", f"rl-{kind}", f"answers 429 with Retry-After {value[:12]}…", "gives up at once, with the value",
            api=[throttled(("Retry-After", value))], raises=(RateLimited,), check=names_wait)
        for kind, value in [("huge", "1000000000"), ("date-far", "Fri, 31 Dec 9999 23:59:59 GMT")]
    ),
    row("M6", "rl-overflow", "answers 429 with Retry-After of 5,000 digits", "an error, or ignores it",
        api=[throttled(("Retry-After", "9" * 5000)), GOOD], raises=(RateLimited,), either=True, requests=FEW),
    row("M6", "rl-longer-than-the-call", "asks to wait longer than the call may take", "gives up at once",
        api=[throttled(("Retry-After", "30"))], raises=(RateLimited,), check=names_wait),
    row("M7", "rl-twice", "gives two Retry-After", "takes one of them", requests=(2, 2),
        api=[throttled(("Retry-After", "0.1"), ("Retry-After", "0.2")), GOOD]),
    row("M8", "rl-503-seconds", "answers 503 with Retry-After 1, then is good", "waits 1 s",
        api=[throttled(("Retry-After", "1"), code=503), GOOD], requests=(2, 2), check=waited(1.0)),
    row("M8", "rl-400-retry-after", "answers 400 with Retry-After", "a final error",
        api=[throttled(("Retry-After", "1"), code=400)], raises=(ApiError,)),
    row("M9", "rl-lowering", "tells lower and lower limits", "keeps to the lowest",
        shown="test_a_limit_that_sinks_is_kept_to"),
    row("M10", "rl-remaining-zero", "says that nothing remains", "slows down, succeeds", ask=twice, requests=(2, 2),
        api=[reply(document(), headers={"X-Ratelimit-Limit": "50", "X-Ratelimit-Interval": "1",
                                         "X-Ratelimit-Remaining": "0"}), GOOD], session={"limits": None},
        check=waited(0.9)),
    *(
        row("M11", f"rl-headers-{kind}", f"gives rate headers {what}", "ignores or clamps them", ask=twice,
            requests=(2, 2), session={"limits": None}, within=2.0,
            api=[reply(document(), headers={"X-Ratelimit-Limit": limit, "X-Ratelimit-Interval": interval,
                                             "X-Ratelimit-Remaining": remaining})])
        for kind, what, limit, interval, remaining in [
            ("words", "of words", "many", "some", "few"), ("negative", "below zero", "-5", "-10", "-1"),
            ("zero", "of zero", "0", "0", "0"), ("digits", "of 40 digits", "9" * 40, "9" * 40, "9" * 40),
            ("nan", "of nan", "nan", "nan", "nan"), ("yearly", "of one request a year", "1", "31536000", "0"),
        ]
    ),
    row("M12", "storm", "200 calls against enforced windows", "all succeed, without a 429, in time",
        shown="test_a_storm_keeps_to_the_windows_as_the_server_sees_them"),
    row("M13", "storm-order", "the same", "in order of arrival",
        shown="test_a_storm_keeps_to_the_windows_as_the_server_sees_them"),
    row("M14", "storm_retry", "every second answer is 429", "tries count too; all succeed",
        shown="test_retries_count_in_the_windows"),
    row("M15", "reset-once", "resets connections under the limiter", "its count equals the server's",
        shown="test_every_request_is_counted_also_with_an_injected_session"),
    row("M16", "waiter-cancelled", "a waiting call is cancelled", "its place is free",
        shown="test_a_cancelled_waiter_leaves_its_place"),
    row("M17", "many-waiters", "10,000 waiters", "memory by their number; no thundering",
        shown="test_ten_thousand_calls_wait_in_little_memory"),
    row("M18", "two-sessions", "two sessions, one organization", "one budget",
        shown="test_two_sessions_share_one_budget"),
    row("M19", "sleep", "the system sleeps for an hour", "no burst above the limit",
        shown="test_after_a_sleep_the_windows_are_empty_and_hold"),
]  # fmt: skip
