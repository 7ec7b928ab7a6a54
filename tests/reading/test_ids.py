"""An id is one path segment, whatever it holds."""

import pytest

from commercelayer_async import AccessToken, ConfigurationError, LinkRefused, Session
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

TOKEN = AccessToken("secret-token")

BAD = [
    "",
    None,
    5,
    True,
    b"c1",
    ["c1"],
    ".",
    "..",
    "../customers/1",
    "%2e%2e/orders",
    "..%2forders",
    "..\\orders",
    "a/b?x",
    "a/b",
    "a?x",
    "a#b",
    "a;b",
    "%",
    "a b",
    "x\r\nX-Injected: 1",
    "x\0",
    "\x1b[31m",
    "über",
    "\u202egnp",
    "\ud800",
    "https://evil.example/",
    "//evil.example",
    "x" * 10_000,
]


@pytest.mark.parametrize("id_", BAD)
async def test_an_id_that_is_no_plain_segment_is_refused_before_any_request(id_: str) -> None:
    async with (
        ScriptedServer(reply({"data": resource()})) as server,
        Session(server.url, TOKEN) as session,
    ):
        for cls_or_type in (Customer, "customers"):
            with pytest.raises(ConfigurationError, match="id must be") as caught:
                await session.get(cls_or_type, id_)
            assert len(str(caught.value)) < 400
            assert str(caught.value).isprintable()
        assert server.requests == []


@pytest.mark.parametrize("type_", ["", "a/b", "..", "customers?x"])
async def test_so_is_a_type(type_: str, session: Session) -> None:
    with pytest.raises(ConfigurationError, match="type must be"):
        await session.get(type_, "c1")


async def test_a_class_that_is_no_resource_is_refused(session: Session) -> None:
    with pytest.raises(ConfigurationError, match="not a resource class"):
        await session.get(dict, "c1")  # type: ignore[type-var] # refused, which is the test


@pytest.mark.parametrize(
    ("include", "message"),
    [
        (["custmer"], "did you mean 'customer'"),
        (["customer,payment_source"], "not a relationship path"),
        (["customer", "a b"], "not a relationship path"),
        ("customer.", "not a relationship path"),
        (["../x"], "not a relationship path"),
        ("nothing.customer", "has no relationship 'nothing'"),
    ],
)
async def test_an_include_is_checked_before_any_request(
    include: str | list[str], message: str, sandbox: Sandbox, session: Session
) -> None:
    with pytest.raises(ConfigurationError, match=message):
        await session.get(CustomerPaymentSource, WALLET_ID, include=include)
    assert not sandbox.requests


async def test_request_gives_the_document_of_any_path(sandbox: Sandbox, session: Session) -> None:
    document = await session.request("/customers", params={"page[size]": "3", "sort": "-created_at"})

    assert isinstance(document.data, tuple)
    assert len(document.data) == 3
    assert sandbox.requests[-1].raw_path == "/api/customers?page%5Bsize%5D=3&sort=-created_at"
    assert document.links.next is not None
    await session.request(document.links.next.url)
    await session.request("/api/customers?page%5Bsize%5D=1", params={"include": "customer_group"})
    assert sandbox.requests[-1].raw_path == "/api/customers?page%5Bsize%5D=1&include=customer_group"


@pytest.mark.parametrize("url", ["https://evil.example/api/x", "//evil.example/api/x", "/../oauth/token", "\\x", ""])
async def test_request_stays_at_home(url: str, sandbox: Sandbox, session: Session) -> None:
    with pytest.raises(LinkRefused):
        await session.request(url)
    assert not sandbox.requests
