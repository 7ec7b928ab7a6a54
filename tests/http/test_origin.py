"""Which URLs may be asked: properties of `Origin`."""

from typing import Any
from urllib.parse import unquote, urlsplit

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import ConfigurationError, LinkRefused
from commercelayer_async._http.origin import Origin, is_loopback
from commercelayer_async.service import COMMERCE_LAYER


def origin_of(organization: Any, **options: Any) -> Origin:
    return Origin.of(organization, addresses=COMMERCE_LAYER.addresses, **options)


HOME = origin_of("https://host.example/shop")
BASE = "https://host.example/shop/api/customers/c1"


@pytest.mark.parametrize(
    ("organization", "url", "api", "auth_url"),
    [
        ("yourdomain", "https://yourdomain.commercelayer.io", "/api", "https://auth.commercelayer.io"),
        ("YourDomain", "https://yourdomain.commercelayer.io", "/api", "https://auth.commercelayer.io"),
        ("https://Host.Example", "https://host.example", "/api", "https://host.example"),
        ("https://host.example:443/a/b/", "https://host.example", "/a/b/api", "https://host.example"),
        ("https://host.example:8443", "https://host.example:8443", "/api", "https://host.example:8443"),
        ("http://127.0.0.1:8080", "http://127.0.0.1:8080", "/api", "http://127.0.0.1:8080"),
        ("http://localhost", "http://localhost", "/api", "http://localhost"),
        ("http://[::1]:80", "http://[::1]", "/api", "http://[::1]"),
    ],
)
def test_an_organization_is_a_slug_or_a_url(organization: str, url: str, api: str, auth_url: str) -> None:
    origin = origin_of(organization)

    assert (origin.url, origin.api, origin.auth_url) == (url, api, auth_url)


@pytest.mark.parametrize("slashes", ["", "/", "//"])
@pytest.mark.parametrize(
    ("organization", "api"),
    [
        ("https://host.example/api", "/api"),
        ("https://host.example/a/b/api", "/a/b/api"),
        ("https://host.example/api/2017-08", "/api/2017-08"),
        # A prefix that is called like the root is given with it.
        ("https://host.example/api/api", "/api/api"),
        ("https://host.example/api/gateway", "/api/gateway/api"),
        ("https://host.example/myapi", "/myapi/api"),
    ],
)
def test_the_root_of_the_api_may_be_given_with_the_url(organization: str, slashes: str, api: str) -> None:
    assert origin_of(organization + slashes).api == api


def test_links_lead_to_every_version_where_one_was_given_with_the_url() -> None:
    origin = origin_of("https://host.example/api/2017-08")

    assert origin.root == "/api"
    assert origin.target_of("/api/customers/c1") == "/api/customers/c1"
    assert origin_of("https://host.example/api/2017-08", api_version="2017-08").api == "/api/2017-08"
    with pytest.raises(ConfigurationError, match="'2017-08', and api_version is '2024-01'; give one"):
        origin_of("https://host.example/api/2017-08", api_version="2024-01")


@pytest.mark.parametrize("path", ["", "/", "/oauth/token", "/oauth/token/", "/oauth/revoke", "//"])
@pytest.mark.parametrize("base", ["https://auth.example", "https://host.example/prefix"])
def test_the_token_endpoint_may_be_given_for_the_authorization_server(base: str, path: str) -> None:
    assert origin_of("yourdomain", auth_url=base + path).auth_url == base


@pytest.mark.parametrize(
    "organization", ["https://yourdomain.commercelayer.io", "https://YOURDOMAIN.commercelayer.io/api"]
)
def test_an_organization_of_the_service_has_its_authorization_server_also_by_its_url(organization: str) -> None:
    assert origin_of(organization).auth_url == "https://auth.commercelayer.io"
    assert origin_of("https://acme.commercelayer.co").auth_url == "https://auth.commercelayer.co"
    assert origin_of("https://commercelayer.io.example").auth_url == "https://commercelayer.io.example"


@pytest.mark.parametrize(
    ("organization", "url", "api"),
    [
        ("acme.commercelayer.io", "https://acme.commercelayer.io", "/api"),
        ("ACME.CommerceLayer.io/", "https://acme.commercelayer.io", "/api"),
        ("acme.commercelayer.io/api", "https://acme.commercelayer.io", "/api"),
        ("acme.commercelayer.io/api/2017-08/", "https://acme.commercelayer.io", "/api/2017-08"),
        ("gateway.example:8443/shop", "https://gateway.example:8443", "/shop/api"),
        ("10.0.0.7:8443", "https://10.0.0.7:8443", "/api"),
        ("[2001:db8::1]/api", "https://[2001:db8::1]", "/api"),
    ],
)
def test_a_host_without_a_scheme_is_asked_by_https(organization: str, url: str, api: str) -> None:
    origin = origin_of(organization)

    assert (origin.url, origin.api) == (url, api)


@pytest.mark.parametrize("base", ["auth.commercelayer.io", "auth.commercelayer.io/oauth/token/"])
def test_so_is_an_authorization_server(base: str) -> None:
    assert origin_of("yourdomain", auth_url=base).auth_url == "https://auth.commercelayer.io"


@pytest.mark.parametrize("organization", ["localhost", "localhost:8080/api", "127.0.0.1:8080", "[::1]"])
def test_for_this_machine_the_scheme_has_to_be_said(organization: str) -> None:
    """Servers on it mostly speak plain http, but nobody says so."""
    with pytest.raises(ConfigurationError, match="has no scheme; write http:// or https:// before it"):
        origin_of(organization)


def test_a_version_becomes_part_of_the_path() -> None:
    origin = origin_of("yourdomain", api_version="2017-08")

    assert origin.api == "/api/2017-08"
    assert origin.target_of("/api/2017-08/customers/c1") == "/api/2017-08/customers/c1"
    assert origin.target_of("/api/customers/c1") == "/api/customers/c1"


@pytest.mark.parametrize(
    "organization",
    [
        "",
        None,
        5,
        "a b",
        "a.b?x=1",
        "a.b/../x",
        "a_b.c",
        "user:secret@host.example/api",
        "-a",
        "a" * 64,
        "ftp://host.example",
        "https://",
        "https://user:secret@host.example",
        "https://host.example?x=1",
        "https://host.example/#x",
        "https://host.example/../x",
        "https://host.example:0",
        "https://host.example:99999",
        "https://host example",
        "https:\\\\host.example",
        "http://host.example",
        "http://127.0.0.1.evil.example",
        "https://hóst.example",
    ],
)
def test_anything_else_is_refused(organization: str) -> None:
    with pytest.raises(ConfigurationError) as caught:
        origin_of(organization)
    assert "secret" not in str(caught.value)


@pytest.mark.parametrize(
    "link",
    [
        "//evil.example/shop/api/x",
        "@evil.example/x/../../../..",
        "https:\\\\evil.example",
        "https:/shop/api/x",
        "https:shop/api/x",
        "https://host.example@evil.example/shop/api/x",
        "https://u:p@host.example/shop/api/x",
        "https://host.example./shop/api/x",
        "https://host.example:8443/shop/api/x",
        "https://host.example:x/shop/api/x",
        "https://host.example:0/shop/api/x",
        "http://host.example/shop/api/x",
        "https://host.example.evil.example/shop/api/x",
        "https://[::1/shop/api/x",
        "javascript:x",
        "data:,x",
        "file:///shop/api/x",
        "\n/shop/api/x",
        "/shop/api/x\r\nX: y",
        "/shop/api/\u2025/x",
        "https://host\u3002example/shop/api/x",
        "/shop/apix",
        "/shop/api",
        "/api/x",
        "../../../oauth/token",
        "/shop/api/%2E%2e/oauth/token",
        "/shop/api/.%2e/oauth",
        "/shop/api/customers%2fc1",
        "/shop/api/customers%5Cc1",
        "/shop/api/customers%25252fc1",
        "/shop/api/..;/oauth/token",
        "/shop/api/..;a=b/oauth/token",
        "/shop/api/%2e%2e%3B/oauth/token",
        "/shop/api/x/%252e%252e/%252e/oauth",
        "/shop/api/%c0%ae%c0%ae/oauth",
        "/shop/api/%e0%80%af..",
        "/shop/api/x%00",
        "/shop/api/x%250ay",
        "/shop/api/%u002e%u002e/oauth",
        "",
        "/shop/api/" + "x" * 2048,
    ],
)
def test_a_link_that_leads_elsewhere_is_refused(link: str) -> None:
    with pytest.raises(LinkRefused) as caught:
        HOME.target_of(link, base=BASE)
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


@pytest.mark.parametrize(
    ("link", "target"),
    [
        ("HTTPS://HOST.Example:443/shop/api/x?y=%2C", "/shop/api/x?y=%2C"),
        ("//host.example/shop/api/x", "/shop/api/x"),
        ("/shop/api/x?filter[q][ref_in]=a%2Cb,c", "/shop/api/x?filter[q][ref_in]=a%2Cb,c"),
        ("c2", "/shop/api/customers/c2"),
        ("../orders/%7Eo", "/shop/api/orders/%7Eo"),
        ("?x=%zz", "/shop/api/customers/c1?x=%zz"),
        ("/shop/api/x#fragment", "/shop/api/x"),
        ("/shop/api/100%25/caf%C3%A9%20x;v=1/%zz", "/shop/api/100%25/caf%C3%A9%20x;v=1/%zz"),
        ("/shop/api/...;x/..y?z=%2f..;", "/shop/api/...;x/..y?z=%2f..;"),
    ],
)
def test_a_link_that_stays_is_kept_as_it_is(link: str, target: str) -> None:
    assert HOME.target_of(link, base=BASE) == target


@given(
    st.text(max_size=60)
    | st.from_regex(r"/shop/api/([%2]|25|2e|2f|5c|3b|c0|[./;x]){0,12}", fullmatch=True)
    | st.from_regex(r"(https?:)?(//)?[a-z.@:\\/%?#\[\]0-9A-F]{0,40}", fullmatch=True)
)
def test_whatever_a_link_holds_it_stays_at_home_or_is_refused(link: str) -> None:
    """A target has no host, and on this origin it is below the API."""
    try:
        target = HOME.target_of(link, base=BASE)
    except LinkRefused:
        return
    parts = urlsplit(f"https://host.example{target}")
    assert parts.netloc == "host.example"
    assert parts.path.startswith("/shop/api/")
    path = parts.path
    for _ in range(3):
        assert not {".", ".."} & {segment.partition(";")[0] for segment in path.split("/")}
        assert path.count("/") == parts.path.count("/")
        assert "\\" not in path
        path = unquote(path, "latin-1")
    assert target.isascii()
    assert target.isprintable()


@pytest.mark.parametrize(
    ("host", "local"),
    [("localhost", True), ("127.0.0.1", True), ("127.9.9.9", True), ("::1", True), ("10.0.0.1", False), ("a.b", False)],
)
def test_loopback_is_this_machine(host: str, *, local: bool) -> None:
    assert is_loopback(host) is local
