"""Secrets stay inside, whatever prints, pickles or logs."""

import copy
import pickle
import re
from typing import Any

import attrs
import pytest

from commercelayer_async import (
    AccessToken,
    AuthorizationCode,
    ClientCredentials,
    CommerceLayerError,
    JwtBearer,
    Password,
    RefreshToken,
    Session,
    StoredToken,
)
from commercelayer_async._auth.credentials import Token
from commercelayer_async._http.message import Request, Response
from commercelayer_async._text import Secret
from commercelayer_async.resources import Customer, CustomerPaymentSource
from tests.faults.assertions import CANARIES, GRANTED, PAYMENT, SECRET, TOKEN, require_silent, with_locals
from tests.faults.breaking_server import Server, close, reset, stall
from tests.faults.row import GOOD, Row, granted, source, wallet
from tests.faults.runner import options, quicken, run
from tests.support.responses import reply

HOLDERS: list[Any] = [
    AccessToken(TOKEN),
    ClientCredentials("client", SECRET, scope="market:all"),
    Password("client", "user", SECRET),
    RefreshToken("client", TOKEN, SECRET),
    AuthorizationCode("client", SECRET, TOKEN, "https://shop.example/back"),
    JwtBearer("client", SECRET, TOKEN),
    Token(value=TOKEN, renew_at=1.0, unusable_at=2.0),
    StoredToken(value=TOKEN, received_at=1.0, life=2.0, refresh_token=SECRET),
    Request("/api/customers/c1", f"Bearer {TOKEN}", {"client_secret": Secret(SECRET)}),
    Response(200, {"X": TOKEN}, SECRET.encode(), "http://127.0.0.1/"),
    Session("yourdomain", AccessToken(TOKEN)),
    Session("yourdomain", ClientCredentials("client", SECRET)),
]


def named(holder: Any) -> str:
    return type(holder).__name__


@pytest.mark.parametrize("holder", HOLDERS, ids=named)
def test_what_holds_a_secret_shows_none(holder: Any) -> None:
    require_silent(f"{holder!r} {holder} {[holder]} {getattr(holder, '__dict__', '')}")


@pytest.mark.parametrize("holder", [one for one in HOLDERS if not isinstance(one, StoredToken | Request | Response)],
                         ids=named)  # fmt: skip
def test_what_holds_a_secret_does_not_leave(holder: Any) -> None:
    """A stored token does: it is made for it."""
    for leave in (pickle.dumps, copy.deepcopy):
        with pytest.raises(TypeError, match="does not pickle"):
            leave(holder)


def test_what_holds_a_secret_shows_none_field_by_field() -> None:
    for holder in HOLDERS:
        if attrs.has(type(holder)) and not isinstance(holder, Response):
            require_silent(repr(attrs.asdict(holder)))


async def test_a_resource_shows_no_gateway_token() -> None:
    async with Server([wallet()]) as server, Session(server.url, AccessToken(TOKEN), **options()) as session:
        found = await session.get(CustomerPaymentSource, "w1")
    assert found.payment_source_token == PAYMENT
    require_silent(f"{found!r} {found} {[found]} {found.links!r} {found.meta!r} {found.relationships!r}")


FAILING = {
    "refused": [reply(status=400)],
    "unauthorized": [reply(status=401)],
    "garbage": [b"no HTTP at all\r\n\r\n"],
    "reset": [(reset,)],
    "cut": [(reply(b"x" * 100)[:-50], close)],
    "stalled": [(stall,)],
    "no-json": [reply("no")],
    "another": [reply({"data": None})],
    "html": [reply("<html>", content_type="text/html")],
    "redirect": [reply(status=302, headers={"Location": "http://shop.example/"})],
    "coded": [reply(b"x", headers={"Content-Encoding": "gzip"})],
}


def ours_in(text: str) -> str:
    """The frames of a traceback that are the package's or aiohttp's."""
    frames = re.split(r'(?m)^  File "', text)
    names = ("commercelayer_async/", "aiohttp")
    return "\n".join(frame for frame in frames if any(name in frame.split("\n")[0] for name in names))


ECHOING = {
    "headers": lambda sent: reply(status=400, headers={"X-Request-Id": sent, "Server": sent}),
    "errors": lambda sent: reply({"errors": [{"title": sent, "meta": {"h": sent}, "code": sent}]}, status=400),
    "content-type": lambda sent: reply(b"x", content_type=f"text/{sent}"),
    "redirect": lambda sent: reply(status=302, headers={"Location": f"https://shop.example/{sent}"}),
    "json": lambda sent: reply(b'{"data": ' + sent.encode()),
    "id": lambda sent: reply({"data": {"type": "customers", "id": sent}}),
    "status line": lambda sent: f"HTTP/1.1 200 {sent}\r\n{sent}".encode(),
    "noise": lambda sent: f"{sent}\r\n\r\n".encode(),
    "long header": lambda sent: reply(b"", headers={"X-Long": sent * 1000}),
    "encoding": lambda sent: reply(b"x", headers={"Content-Encoding": sent}),
}
"""What a server makes of a secret that it was sent."""


@pytest.mark.parametrize("kind", ECHOING)
async def test_tracebacks_with_locals_hold_no_secret_that_a_server_echoes(kind: str) -> None:
    require_silent(ours_in(await locals_of([ECHOING[kind](TOKEN)])))


@pytest.mark.parametrize("kind", ["errors", "json", "noise", "long header"])
async def test_tracebacks_hold_no_secret_that_a_token_endpoint_echoes(kind: str) -> None:
    require_silent(ours_in(await locals_of([GOOD], token=[ECHOING[kind](SECRET)])))


async def locals_of(api: Any, *, token: Any = None, **changed: Any) -> str:
    """The traceback of a failing call, with the local variables of all frames."""
    auth: Any = AccessToken(TOKEN) if token is None else ClientCredentials("client", SECRET)
    async with Server(api, token=token or ()) as server, Session(server.url, auth, **options(**changed)) as session:
        with pytest.raises(CommerceLayerError) as caught:
            await session.get(Customer, "c1")
    return with_locals(caught.value)


@pytest.mark.parametrize("kind", FAILING)
async def test_tracebacks_with_locals_hold_no_secret(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch, read=0.05)
    require_silent(await locals_of(FAILING[kind]))


@pytest.mark.parametrize("kind", FAILING)
async def test_the_frames_above_and_below_hold_no_secret(kind: str, monkeypatch: pytest.MonkeyPatch) -> None:
    """Those of aiohttp neither: what they see is masked by `repr`."""
    quicken(monkeypatch, read=0.05)
    require_silent(ours_in(await locals_of(FAILING[kind], timeout=0.3)))


@pytest.mark.parametrize(
    "token",
    [[reply(status=401)], [reply("no")], [(reset,)], [granted(access_token=5)]],
    ids=["401", "no", "rst", "5"],
)
async def test_tracebacks_of_the_token_request_hold_no_secret(token: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    quicken(monkeypatch)
    require_silent(await locals_of([GOOD], token=token))


async def test_a_call_that_ran_out_of_time_drags_no_frames_of_aiohttp_along(monkeypatch: pytest.MonkeyPatch) -> None:
    """Its context is the cancellation, whose traceback goes down to the socket."""
    quicken(monkeypatch, read=5.0)
    text = await locals_of([(stall,)], timeout=0.05)
    below = [frame for frame in re.split(r'(?m)^  File "', text) if "site-packages" in frame.split("\n")[0]]
    require_silent("\n".join(below))


async def test_the_user_agent_tells_nothing() -> None:
    async with Server([GOOD]) as server:
        async with Session(server.url, AccessToken(TOKEN), **options(user_agent="shop/1.0")) as session:
            await session.get(Customer, "c1")
        (agent,) = server.asked[0].headers("User-Agent")
    assert re.fullmatch(r"commercelayer-async/\S+ python/\S+ aiohttp/\S+ shop/1\.0", agent)
    require_silent(agent)


async def test_a_token_that_is_not_valid_text_is_not_quoted() -> None:
    with pytest.raises(CommerceLayerError) as caught:
        AccessToken(f"{TOKEN}\r\nX: y")
    require_silent(f"{caught.value}{caught.value!r}")


def test_a_secret_is_itself_and_shows_nothing() -> None:
    secret = Secret(TOKEN)
    assert secret == TOKEN
    assert f"Bearer {secret}" == f"Bearer {TOKEN}"
    require_silent(f"{secret!r} {[secret]} { {'token': secret} }")


async def test_the_criteria_see_a_secret(monkeypatch: pytest.MonkeyPatch) -> None:
    """The net has no hole: a reference that is a canary, in a date that does not fit, is found."""
    quicken(monkeypatch)
    broken = reply({"data": {"type": "customer_payment_sources", "id": "w1", "attributes": {"created_at": GRANTED}}})
    row = Row(number="Z0", label="z", server="", client="", api=[broken], ask=source, raises=(CommerceLayerError,))
    with pytest.raises(AssertionError, match="canary"):
        await run(row)
    assert len(set(CANARIES)) == 5
