"""`Session.get`: what is sent, and what comes back."""

import asyncio
import json
import re
import sys
from collections.abc import Awaitable, Callable, Mapping
from datetime import UTC, datetime
from pathlib import Path

import aiohttp
import pytest

from commercelayer_async import AccessToken, ConfigurationError, DecodeError, GenericResource, Session, export
from commercelayer_async.resources import Customer, CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_ID, WALLET_PATH, resource
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer


async def test_the_documented_request_is_sent(sandbox: Sandbox, session: Session) -> None:
    """GET, the path, Accept, the bearer, our User-Agent; no Content-Type, no cookie, and nothing else of note."""
    await session.get(CustomerPaymentSource, WALLET_ID)

    request = sandbox.requests[-1]
    headers = {name.lower(): value for name, value in request.headers}
    assert (request.method, request.raw_path) == ("GET", WALLET_PATH)
    assert headers["accept"] == "application/vnd.api+json"
    assert headers["authorization"] == f"Bearer {sandbox.access_token}"
    assert re.fullmatch(r"commercelayer-async/\S+ python/\S+ aiohttp/\S+", headers["user-agent"])
    assert set(headers) == {"host", "accept", "accept-encoding", "authorization", "user-agent"}


async def test_every_documented_attribute_is_there(session: Session) -> None:
    """The published example, member for member."""
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    noon = datetime(2018, 1, 1, 12, tzinfo=UTC)
    assert source.id == WALLET_ID
    assert source.name == "XXXX-XXXX-XXXX-1111"
    assert source.customer_token == "cus_xxxyyyzzz"
    assert source.payment_source_token == "pm_xxxyyyzzz"
    assert (source.created_at, source.updated_at) == (noon, noon)
    assert source.created_at.tzinfo is UTC
    assert source.reference == "ANY-EXTERNAL-REFEFERNCE"
    assert source.reference_origin == "ANY-EXTERNAL-REFEFERNCE-ORIGIN"
    assert isinstance(source.metadata, Mapping)
    assert source.metadata == {"foo": "bar"}
    assert source.meta["mode"] == "test"
    assert source.links.self is not None
    assert source.links.self.href.endswith(WALLET_PATH)
    assert dict(source.extra) == {}


async def test_the_resource_object_is_kept_as_received(sandbox: Sandbox, session: Session) -> None:
    source = await session.get(CustomerPaymentSource, WALLET_ID)

    async with (
        aiohttp.ClientSession() as plain,
        plain.get(
            f"{sandbox.url}/api/customer_payment_sources/{WALLET_ID}",
            headers={"Accept": "application/vnd.api+json", "Authorization": f"Bearer {sandbox.access_token}"},
        ) as received,
    ):
        assert source.raw == json.loads(await received.read())["data"]


async def test_a_type_name_gives_a_generic_resource(session: Session) -> None:
    """Also where a class is known: whoever asks by name wants what the server says."""
    source = await session.get("customer_payment_sources", WALLET_ID)

    assert type(source) is GenericResource
    assert source.type == "customer_payment_sources"
    assert source.attributes["name"] == "XXXX-XXXX-XXXX-1111"
    assert (await source.relationships["customer"]).type == "customers"


async def test_included_relationships_are_asked_for(sandbox: Sandbox, session: Session) -> None:
    await session.get(CustomerPaymentSource, WALLET_ID, include=["customer", "payment_method.payment_gateway"])
    await session.get(CustomerPaymentSource, WALLET_ID, include="customer,payment_source")

    asked = [request.raw_path.partition("?")[2] for request in sandbox.requests]
    assert asked == ["include=customer,payment_method.payment_gateway", "include=customer,payment_source"]


async def _stream(session: Session, include: str) -> object:
    async with session.stream(CustomerPaymentSource, [WALLET_ID], include=include) as outcomes:
        return [one async for one in outcomes]


async def _fetch(session: Session, include: str) -> object:
    wallet = await session.get(CustomerPaymentSource, WALLET_ID)
    return await wallet.relationships["payment_source"].fetch(include=[include.rpartition(".")[2]])


async def _prefetch(session: Session, include: str) -> None:
    wallet = await session.get(CustomerPaymentSource, WALLET_ID)
    await session.prefetch([wallet], *include.split(","))


DOORS: dict[str, Callable[[Session, str], Awaitable[object]]] = {
    "get": lambda session, include: session.get(CustomerPaymentSource, WALLET_ID, include=include),
    "get_many": lambda session, include: session.get_many(CustomerPaymentSource, [WALLET_ID], include=include),
    "stream": _stream,
    "list": lambda session, include: session.list(CustomerPaymentSource, include=include).first(),
    "scan": lambda session, include: anext(aiter(session.scan(CustomerPaymentSource, include=include))),
    "export": lambda session, include: export(session, CustomerPaymentSource, Path("unused.jsonl"), include=include),
    "fetch": _fetch,
    "prefetch": _prefetch,
}
"""What takes relationship paths."""


@pytest.mark.parametrize("door", DOORS)
async def test_a_slip_deep_in_an_include_path_is_told_before_a_request(
    door: str, sandbox: Sandbox, session: Session
) -> None:
    with pytest.raises(ConfigurationError, match="'payment_gatewy'; did you mean 'payment_gateway'"):
        await DOORS[door](session, "customer,payment_source.payment_gatewy")
    assert not [request for request in sandbox.requests if "include" in request.raw_path]


@pytest.mark.parametrize(
    ("data", "got"),
    [
        (resource(id="c2"), "customers/c2"),
        (resource("orders", "c1"), "orders/c1"),
        ([resource()], "an array of resources"),
        (None, "null"),
    ],
)
async def test_an_answer_to_another_question_is_an_error(data: object, got: str) -> None:
    """And the connection that gave it is not used again."""
    async with (
        ScriptedServer(reply({"data": data}), reply({"data": resource()})) as server,
        Session(server.url, AccessToken("secret-token")) as session,
    ):
        with pytest.raises(DecodeError, match="expected the resource customers/c1") as caught:
            await session.get(Customer, "c1")
        assert caught.value.got == got

        assert (await session.get(Customer, "c1")).id == "c1"
        assert server.connections == 2


async def test_connections_are_kept(sandbox: Sandbox) -> None:
    async with (
        ScriptedServer(reply({"data": resource()})) as server,
        Session(server.url, AccessToken("secret-token")) as session,
    ):
        for _ in range(5):
            await session.get(Customer, "c1")

        assert server.connections == 1


async def test_the_package_loads_neither_resources_nor_sandbox_before_they_are_used() -> None:
    script = "import sys, commercelayer_async as c; c.Session; print([m for m in sys.modules if 'commercelayer' in m])"
    process = await asyncio.create_subprocess_exec(
        sys.executable, "-c", script, stdout=asyncio.subprocess.PIPE, cwd=Path(__file__).parent
    )
    out, _ = await process.communicate()

    assert b"commercelayer_async._session" in out
    assert b"resources" not in out
    assert b"sandbox" not in out
