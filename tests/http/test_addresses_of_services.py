"""Where a service is that is not Commerce Layer: at the URL given; and which links of its documents are its own."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import AccessToken, ConfigurationError, LinkRefused, Retry, Session, TransportError
from commercelayer_async._http.origin import Origin
from commercelayer_async.service import COMMERCE_LAYER, Header, OAuth2, Service
from tests.session.test_hooks_and_tracing import jwt
from tests.support.responses import reply
from tests.support.scripted_server import ScriptedServer

TASKS = Service(name="Tasks", root="api/v2")
DOIS = Service(name="DOIs", ids={"dois": r"10\.[0-9]{4,9}/\S+", ...: "[a-z0-9]+"})


def origin_of(url: Any, service: Service = TASKS, **options: Any) -> Origin:
    return Origin.of(url, addresses=service.addresses, **options)


@pytest.mark.parametrize(
    ("given", "url", "api"),
    [
        ("https://tasks.example", "https://tasks.example", "/api/v2"),
        ("tasks.example", "https://tasks.example", "/api/v2"),
        ("https://tasks.example/api/v2", "https://tasks.example", "/api/v2"),
        ("https://tasks.example/api/v2/", "https://tasks.example", "/api/v2"),
        ("https://tasks.example/shop", "https://tasks.example", "/shop/api/v2"),
        ("http://127.0.0.1:8000", "http://127.0.0.1:8000", "/api/v2"),
    ],
)
def test_a_service_is_asked_at_the_url_given(given: str, url: str, api: str) -> None:
    origin = origin_of(given)

    assert (origin.url, origin.api, origin.auth_url) == (url, api, url)


@pytest.mark.parametrize("given", ["acme", "", None, 3, "localhost", "http://tasks.example", "ftp://tasks.example"])
def test_what_is_no_url_of_a_service_is_refused(given: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        origin_of(given)
    assert "slug" not in str(caught.value)


def test_a_slug_needs_a_service_with_hosts() -> None:
    with pytest.raises(ConfigurationError, match=r"must be a URL such as .*not 'acme': Tasks has no hosts"):
        Session("acme", None, service=TASKS)


def test_claims_name_an_organization_where_organizations_have_hosts() -> None:
    token = AccessToken(jwt(organization={"slug": "acme"}))

    assert "https://acme.commercelayer.io" in repr(Session(None, token))
    with pytest.raises(ConfigurationError, match="organization must be given: the URL of Tasks"):
        Session(None, token, service=TASKS)


@pytest.mark.parametrize(
    ("options", "match"),
    [
        ({"api_version": "2017-08"}, "api_version cannot be chosen: the paths of Tasks have no versions"),
        ({"auth_url": "https://auth.example"}, "auth_url cannot be chosen: Tasks has no token endpoint"),
    ],
)
def test_what_a_service_does_not_have_cannot_be_chosen(options: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match):
        Session("https://tasks.example", None, service=TASKS, **options)


def test_a_service_with_a_token_endpoint_has_it_where_the_caller_says() -> None:
    service = Service(auth=OAuth2(token_path="/api/oauth/token"))
    origin = origin_of("https://tasks.example", service, auth_url="https://login.example/api/oauth/token")

    assert origin.auth_url == "https://login.example"


def test_without_a_root_links_lead_anywhere_on_the_origin() -> None:
    origin = origin_of("https://tasks.example", Service())

    for link in ("https://tasks.example/v1/a", "/b?c=d", "e", "https://tasks.example", "https://tasks.example?x=1"):
        assert origin.target_of(link).startswith("/")
    for link in ("https://other.example/v1/a", "//other.example", "http://tasks.example/a"):
        with pytest.raises(LinkRefused, match="leaves the origin"):
            origin.target_of(link)


@pytest.mark.parametrize("path", ["/dois/10.1234%2Fx", "/dois/10.1234%2fx%2Fy.z/relationships/a?b=%2F", "/a%20b/c"])
def test_links_may_hold_the_encoded_slash_of_an_id(path: str) -> None:
    assert origin_of("https://dois.example", DOIS).target_of(f"https://dois.example{path}") == path


@pytest.mark.parametrize(
    "path",
    [
        "/dois/10.1234%252Fx",
        "/dois/10.1234%2F..%2Fx",
        "/dois/10.1234%2F%2E%2E%2Fx",
        "/dois/10.1234%2F.",
        "/dois/10.1234%2F..;a%2Fx",
        "/dois/10.1234%2F%252E%252E%252Fx",
        "/dois/..%2Fx",
        "/dois/10.1234%2Fx%5Cy",
        "/dois/10.1234%2Fx%00",
        "/dois/10.1234%2F%c0%af",
        "/dois/10.1234%2F%u002f",
        "/dois/11.1234%2Fx",
        "/tasks%2F1",
    ],
)
def test_nothing_else_is_let_through_with_it(path: str) -> None:
    with pytest.raises(LinkRefused):
        origin_of("https://dois.example", DOIS).target_of(f"https://dois.example{path}")


def test_commerce_layer_has_no_ids_with_slashes() -> None:
    with pytest.raises(LinkRefused, match="encoded slash"):
        origin_of("acme", COMMERCE_LAYER).target_of("/api/orders/10.1234%2Fx")


@given(st.text(st.sampled_from("a./%2Ff5Ce;\\"), max_size=20))
def test_no_encoded_slash_hides_a_dot_segment(text: str) -> None:
    from urllib.parse import unquote  # noqa: PLC0415 - the check's own words

    try:
        target = origin_of("https://dois.example", Service()).target_of(f"https://dois.example/x/{text}")
    except LinkRefused:
        return
    for _ in range(6):
        assert not {".", ".."} & {segment.partition(";")[0] for segment in target.split("/")}
        target = unquote(target)


async def test_a_document_leads_on_by_an_id_with_a_slash() -> None:
    parent = {
        "type": "dois",
        "id": "10.1234/x",
        "relationships": {"part": {"links": {"related": "/dois/10.1234%2Fx/part"}}},
    }
    paths = {
        "/dois/10.1234%2Fx": reply({"data": parent}),
        "/dois/10.1234%2Fx/part": reply({"data": {"type": "dois", "id": "10.1234/y"}}),
    }
    async with ScriptedServer(reply(b"", status=404), paths=paths) as server:
        async with Session(server.url, None, service=DOIS) as session:
            found = await session.get("dois", "10.1234/x")
            assert (await found.relationships["part"]).id == "10.1234/y"
        assert server.paths == list(paths)


def test_a_key_is_no_claim() -> None:
    with pytest.raises(ConfigurationError, match="organization must be given"):
        Session(None, "key-of-somebody", service=Service(auth=Header("X-Api-Key")))


async def test_a_host_that_is_not_there_asks_for_no_slug() -> None:
    options: dict[str, Any] = {"retry": Retry.never(), "timeout": 5.0}
    async with Session("https://tasks.invalid", None, service=TASKS, **options) as session:
        with pytest.raises(TransportError) as caught:
            await session.get("tasks", "1")
    assert "slug" not in str(caught.value)
