"""What was checked is what is sent: at every door, a value of a subclass has the effect of the plain one.

Each door is called twice, with plain values and with values of other classes that are the same. What goes out, what
comes back, and what errors say must not differ. Values of other classes say something else than they are whenever they
are asked (`tests.support.subclasses`), so whatever is not made plain at the door shows.
"""

import asyncio
import json
from collections.abc import AsyncIterator, Awaitable, Callable
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any, ClassVar
from urllib.parse import unquote
from uuid import UUID

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async import (
    AccessToken,
    AuthorizationCode,
    BulkError,
    ClientCredentials,
    CommerceLayerError,
    ConfigurationError,
    JwtBearer,
    Password,
    RateLimits,
    RefreshToken,
    Resource,
    Retry,
    Session,
    ToOne,
    export,
)
from commercelayer_async.jsonapi import member as named
from commercelayer_async.resources import Customer, CustomerPaymentSource
from tests.support.documents import resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer, ids_in
from tests.support.subclasses import WRONG, impostors, variants

Give = Callable[[Any], Any]
"""Gives a value as it is, or one of another class that is the same."""
Door = Callable[[Session, Give], Awaitable[Any]]

WALLETS = "customer_payment_sources"
MOMENT = datetime(2024, 1, 2, 3, 4, 5, 6000, tzinfo=UTC)


class Service(ScriptedServer):
    """Answers each request with what it asks for, and keeps what was posted."""

    def __init__(self) -> None:
        super().__init__()
        self.posted: list[Any] = []

    async def reply_to(self, target: str) -> bytes:
        path, _, query = unquote(target).partition("?")
        if path.startswith("/oauth"):
            return reply({"access_token": "issued", "expires_in": 7200}, content_type="application/json")
        _, _, type, *rest = path.split("/")
        if rest and rest[0] != "2017-08":
            return reply(self._wallet(rest[0], type) if len(rest) == 1 else {"data": resource()})
        ids = [] if "id_gt" in query else ids_in(target) or ["w1", "w2"]
        wallets = [self._wallet(id, type)["data"] for id in ids]
        return reply({"data": wallets, "included": [resource()], "meta": {"record_count": len(ids)}, "links": {}})

    @staticmethod
    def _wallet(id: str, type: str) -> dict[str, Any]:
        linkage = {"data": {"type": "customers", "id": "c1"}}
        return {"data": resource(type, id, relationships={"customer": linkage}), "included": [resource()]}


async def _stream(session: Session, ids: Any, **options: Any) -> list[Any]:
    async with session.stream(CustomerPaymentSource, ids, **options) as outcomes:
        return [(type(one).__name__, one.id, getattr(one, "resource", None)) async for one in outcomes]


async def _each(values: list[Any]) -> AsyncIterator[Any]:
    for value in values:
        yield value


async def _scan(session: Session, give: Give) -> Any:
    scan = session.scan(
        CustomerPaymentSource,
        filter={give("name_eq"): give("x")},
        include=give("customer"),
        after=give("w0"),
        page_size=give(5),
        read_ahead=give(0),
    )
    return [repr(scan), scan.cursor, [one.id async for one in scan], scan.cursor]


async def _resumed(session: Session, give: Give) -> Any:
    pages = session.list(Customer).pages()
    start = session.list(Customer)._start.cursor
    resumed = session.list(Customer, start_from=give(start))
    return [[one.cursor async for one in pages], [one.cursor async for one in resumed.pages()]]


async def _prefetch(session: Session, give: Give) -> Any:
    wallets = await session.get_many(CustomerPaymentSource, ["w1", "w2"])
    made = CustomerPaymentSource(id=give("w3"), created_at=MOMENT, updated_at=MOMENT)
    await session.prefetch([*wallets, made], give("customer"), give("payment_source.order"))
    return [made.customer.value, *(one.customer.value for one in wallets)]


async def _failed(session: Session, give: Give) -> Any:
    with pytest.raises(BulkError) as caught:
        await session.get_many(CustomerPaymentSource, [give("a/b"), give("w1"), give("")])
    return [list(caught.value.failed), list(caught.value.fetched), str(caught.value)]


async def _export(session: Session, give: Give) -> Any:
    with TemporaryDirectory() as folder:
        path = Path(folder) / "wallets.txt"
        done = await export(
            session,
            give(WALLETS),
            give(str(path)),
            format=give("jsonl"),
            include=[give("customer")],
            filter={give("name_eq"): give("x")},
        )
        return [Path(done.path).name, await asyncio.to_thread(path.read_bytes)]


DOORS: dict[str, Door] = {
    "get: id": lambda session, give: session.get(CustomerPaymentSource, give("w1")),
    "get: type": lambda session, give: session.get(give(WALLETS), give("w1")),
    "get: include, one text": lambda session, give: session.get(
        CustomerPaymentSource, "w1", include=give("customer,payment_method.payment_gateway")
    ),
    "get: include, several": lambda session, give: session.get(
        CustomerPaymentSource, "w1", include=[give("customer"), give("payment_method.payment_gateway")]
    ),
    "get: a UUID": lambda session, give: session.get(CustomerPaymentSource, give(UUID(int=5))),
    "get_many": lambda session, give: session.get_many(
        CustomerPaymentSource, [give("w1"), give("w2"), give("w1")], include=[give("customer")]
    ),
    "get_many: one by one": lambda session, give: session.get_many(
        CustomerPaymentSource, [give("w1"), give("w2")], per_id=True
    ),
    "get_many: refused ids": _failed,
    "stream": lambda session, give: _stream(
        session,
        [give("w1"), give("w2")],
        ordered=True,
        include=[give("customer")],
        concurrency=give(1),
    ),
    "stream: from an async source": lambda session, give: _stream(session, _each([give("w1"), give("w2")])),
    "stream: refused ids": lambda session, give: _stream(session, [give("a/b"), give("w1")], ordered=True),
    "list: type": lambda session, give: session.list(give(WALLETS)),
    "list: filters": lambda session, give: session.list(
        CustomerPaymentSource,
        filter={
            give("name_eq"): give("ü,&"),
            give("customer_email_in"): [give("a@x.com"), give("b@x.com")],
            give("created_at_gt"): give(MOMENT),
            give("updated_at_lt"): give(date(2024, 1, 2)),
            give("customer_total_orders_count_gteq"): give(5),
            give("customer_total_orders_count_lt"): give(1.5),
            give("customer_total_orders_count_in"): [give(3), give(2.5), give(Decimal("1.50"))],
            give("reference_null"): give(False),  # noqa: FBT003 - the value
            give("metadata_jcont"): {give("a"): [give("b"), {give("c"): give(5)}]},
        },
    ),
    "list: sort, one text": lambda session, give: session.list(Customer, sort=give("-created_at,email")),
    "list: sort, several": lambda session, give: session.list(Customer, sort=[give("-created_at"), give("email")]),
    "list: include and sizes": lambda session, give: session.list(
        CustomerPaymentSource, include=give("customer"), page_size=give(5), read_ahead=give(0)
    ),
    "list: start_from": _resumed,
    "list: count": lambda session, give: session.list(Customer, filter={give("email_eq"): give("a")}).count(),
    "list: first": lambda session, give: session.list(Customer, sort=give("email")).first(),
    "scan": _scan,
    "prefetch": _prefetch,
    "export": _export,
    "request: path and parameters": lambda session, give: session.request(
        give("/customers"),
        params={
            give("page[size]"): give(5),
            give("a"): give("x y"),
            give("b"): give(1.5),
            give("c"): give(True),  # noqa: FBT003 - the value
            give("d"): [give("u"), give(1), give(date(2024, 1, 2))],
            give("e"): give(MOMENT),
        },
    ),
    "with_options": lambda session, give: session.with_options(
        timeout=give(5.5), priority=give("bulk"), retry=Retry(attempts=give(2), base=give(0.5), cap=give(1.5))
    ).get(Customer, "c1"),
}


async def _follow(session: Session, give: Give) -> Any:
    wallet = await session.get(CustomerPaymentSource, "w1")
    return await wallet.customer.fetch(include=[give("customer_group"), give("tags")])


DOORS["fetch: include"] = _follow


async def observed(door: Door, give: Give) -> tuple[list[str], str]:
    """What a door sends, and what it gives or raises, as text."""
    async with Service() as server:
        async with Session(server.url, AccessToken("secret"), limits=RateLimits.none(), timeout=10) as session:
            try:
                outcome = repr(await door(session, give))
            except CommerceLayerError as error:
                outcome = repr(error)
        heads = [head.replace(str(server.port), "PORT") for head in server.requests]
        return heads, outcome.replace(str(server.port), "PORT")


def as_it_is(value: Any) -> Any:
    return value


@pytest.mark.parametrize("name", DOORS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
async def test_a_door_sends_and_gives_the_same_for_a_value_of_a_subclass(name: str, data: st.DataObject) -> None:
    plain = await observed(DOORS[name], as_it_is)
    sent, outcome = await observed(DOORS[name], lambda value: data.draw(impostors(value)))

    assert sent == plain[0]
    assert outcome == plain[1]
    assert WRONG not in outcome
    assert sent


@pytest.mark.parametrize("name", DOORS)
async def test_a_door_is_refused_nothing_that_is_plain(name: str) -> None:
    """The tests above compare, and two refusals would be alike."""
    _, outcome = await observed(DOORS[name], as_it_is)

    assert "Error" not in outcome or "refused ids" in name


SESSIONS: dict[str, Callable[[str, Give], Session]] = {
    "a URL, a version, numbers": lambda url, give: Session(
        give(url),
        AccessToken(give("secret")),
        api_version=give("2017-08"),
        user_agent=give("mine/1"),
        timeout=give(7.5),
        max_connections=give(9),
        max_body=give(2**20),
        priority=give("bulk"),
        auth_url=give(url),
        limits=RateLimits(average=(give(100), give(10.5)), burst=None),
    ),
    "a token function": lambda url, give: Session(url, _token_function(give)),
    "client credentials": lambda url, give: Session(
        url, ClientCredentials(give("id"), give("secret"), scope=give("market:all"))
    ),
    "a password": lambda url, give: Session(
        url, Password(give("id"), give("user"), give("password"), scope=give("market:all"))
    ),
    "a refresh token": lambda url, give: Session(url, RefreshToken(give("id"), give("refresh"), give("secret"))),
    "an authorization code": lambda url, give: Session(
        url, AuthorizationCode(give("id"), give("secret"), give("code"), give("https://x.example"), scope=give("a"))
    ),
    "an assertion": lambda url, give: Session(
        url, JwtBearer(give("id"), give("secret"), give("assertion"), scope=give("a"))
    ),
}


def _token_function(give: Give) -> Callable[[], Awaitable[str]]:
    async def token() -> str:
        given: str = give("secret")
        return given

    return token


class Recording(Service):
    """Keeps the bodies too."""

    async def _serve(self, reader: Any, writer: Any) -> None:
        readexactly = reader.readexactly

        async def recorded(size: int) -> bytes:
            body: bytes = await readexactly(size)
            self.posted.append(json.loads(body))
            return body

        reader.readexactly = recorded
        await super()._serve(reader, writer)


async def configured(make: Callable[[str, Give], Session], give: Give) -> tuple[Any, str]:
    async with Recording() as server, make(server.url, give) as session:
        # What is left is not an option: another server may have had this port a moment ago.
        limits = attrs.evolve(session.rate_limits, remaining=None)
        shown = repr((session, session._options, session._context.origin, limits))
        await session.get(Customer, "c1")
        heads = [head.replace(str(server.port), "PORT") for head in server.requests]
        return (heads, server.posted), shown.replace(str(server.port), "PORT")


@pytest.mark.parametrize("name", SESSIONS)
@settings(max_examples=12, deadline=None)
@given(data=st.data())
async def test_a_session_is_the_same_for_options_of_subclasses(name: str, data: st.DataObject) -> None:
    plain = await configured(SESSIONS[name], as_it_is)

    assert await configured(SESSIONS[name], lambda value: data.draw(impostors(value))) == plain


@pytest.mark.parametrize("given_type", variants("customers")[:3])
async def test_a_class_may_take_its_names_from_an_enum(given_type: Any) -> None:
    @attrs.frozen(kw_only=True)
    class Named(Resource):
        type: ClassVar[str] = given_type
        sparse: ClassVar[bool] = True
        mail: str | None = attrs.field(default=None, metadata=named(variants("e-mail")[0]))
        group = ToOne["Customer"](variants("customer-group")[1])

    async with (
        Service() as server,
        Session(server.url, AccessToken("secret"), limits=RateLimits.none(), resources=[Named]) as session,
    ):
        found = await session.get(Named, "c1", include="group")
        await session.list(Named, sort="mail").first()

    assert type(found.type) is str
    assert server.paths == [
        "/api/customers/c1?include=customer-group&fields%5Bcustomers%5D=e-mail,customer-group",
        "/api/customers?fields%5Bcustomers%5D=e-mail,customer-group&sort=e-mail,id&page%5Bnumber%5D=1&page%5Bsize%5D=1",
    ]


@pytest.mark.parametrize(
    ("options", "message"),
    [
        ({"timeout": variants(0.0)[0]}, "timeout must be a number above 0 or None, not a number (0.0)"),
        ({"max_body": variants(-5)[0]}, "max_body must be a number above 0, not a number (-5)"),
        ({"api_version": variants("a/b")[0]}, "api_version 'a/b' is not a version"),
        ({"user_agent": variants("é")[0]}, "user_agent must be printable ASCII text"),
        ({"priority": variants("first")[0]}, "priority must be"),
    ],
)
def test_an_error_shows_the_plain_value(options: dict[str, Any], message: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        Session("yourdomain", AccessToken("secret"), **options)
    assert message in str(caught.value)
    assert WRONG not in str(caught.value)


@pytest.mark.parametrize("make", [lambda: ClientCredentials("id", 5), lambda: Password("id", "u", "p", scope=["a"])])  # type: ignore[arg-type] # what is refused
def test_credentials_are_texts(make: Callable[[], object]) -> None:
    with pytest.raises(ConfigurationError, match="must be a string or None"):
        make()
