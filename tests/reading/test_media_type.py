"""The Content-Type header says what a server applied to a document, and every face of a response shows it."""

import pytest

from commercelayer_async import NotFound
from commercelayer_async.jsonapi import media_type
from commercelayer_async.resources import Customer, CustomerPaymentSource
from tests.support.documents import WALLET_ID, resource
from tests.support.list_pages import FIRST, link, page, session_on
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer, ThinkingServer

PROFILES = tuple(f"https://example.com/{name}" for name in ("cursor-pagination", "b" * 300))
CONTENT_TYPE = f'application/vnd.api+json; ext="https://jsonapi.org/ext/version"; profile="{" ".join(PROFILES)}"'
APPLIED = media_type(CONTENT_TYPE)


def test_the_header_of_these_tests_has_both_parameters() -> None:
    assert APPLIED.ext == ("https://jsonapi.org/ext/version",)
    assert APPLIED.profile == PROFILES


async def test_a_document_has_the_media_type_of_its_response() -> None:
    async with (
        ScriptedServer(reply({"data": []}, content_type=CONTENT_TYPE)) as server,
        session_on(server.url) as session,
    ):
        assert (await session.request("/customers")).media_type == APPLIED


async def test_so_has_an_error() -> None:
    refusal = reply({"errors": [{"status": "404"}]}, status=404, content_type=CONTENT_TYPE)
    async with ScriptedServer(refusal) as server, session_on(server.url) as session:
        with pytest.raises(NotFound) as caught:
            await session.get(Customer, "c1")
        assert caught.value.media_type == APPLIED


async def test_so_have_pages_also_empty_ones() -> None:
    plain = page(["c1"], link(2), count=1)
    paths = {FIRST: plain.replace(b"application/vnd.api+json", CONTENT_TYPE.encode())}
    async with (
        ScriptedServer(reply({"data": []}, content_type=CONTENT_TYPE), paths=paths) as server,
        session_on(server.url) as session,
    ):
        assert [one.media_type async for one in session.list(Customer).pages()] == [APPLIED, APPLIED]
        assert [one.media_type async for one in session.scan(Customer).pages()] == [APPLIED, APPLIED]


async def test_so_have_the_responses_behind_resources_and_what_they_lead_to() -> None:
    links = {"related": f"/api/customer_payment_sources/{WALLET_ID}/customer"}
    wallet = resource("customer_payment_sources", WALLET_ID, relationships={"customer": {"links": links}})

    def think(target: str) -> bytes:
        return reply({"data": resource() if target.endswith("/customer") else wallet}, content_type=CONTENT_TYPE)

    async with ThinkingServer(think) as server, session_on(server.url) as session:
        wallet_read = await session.get(CustomerPaymentSource, WALLET_ID)
        for found in (wallet_read, await wallet_read.customer):
            info = session.response_of(found)
            assert info is not None
            assert info.media_type == APPLIED
