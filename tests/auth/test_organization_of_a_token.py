"""The host that a token's claims name: nobody has verified them, so they choose among the vendor's alone."""

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async import AccessToken, ConfigurationError, Session
from tests.session.test_hooks_and_tracing import jwt


@pytest.mark.parametrize(
    ("claims", "match"),
    [
        ({"organization": {"slug": "acme"}, "iss": "https://auth.evil.example"}, "issuer"),
        ({"organization": {"slug": "acme"}, "iss": "https://auth.evil.example:8443/path"}, "issuer"),
        ({"organization": {"slug": "acme"}, "iss": "https://auth.commercelayer.io.evil.example"}, "issuer"),
        ({"organization": {"slug": "acme"}, "iss": "https://auth.commercelayer.io@evil.example"}, "issuer"),
        ({"organization": {"slug": "acme"}, "iss": "http://auth.commercelayer.io"}, "issuer"),
        ({"organization": {"slug": "acme"}, "iss": ""}, "issuer"),
        ({"organization": {"slug": "acme"}, "iss": "https://auth."}, "issuer"),
        ({"organization": {"slug": "10.0.0.5:8443/internal"}}, "not a slug"),
        ({"organization": {"slug": "evil.example/"}, "iss": "https://auth.commercelayer.io"}, "not a slug"),
        ({"organization": {"slug": "localhost:9200/x"}}, "not a slug"),
        ({"organization": {"slug": "[::1]:6443/x"}}, "not a slug"),
        ({"organization": {"slug": "evil.example#"}}, "not a slug"),
        ({"organization": {"slug": "a\n"}}, "not a slug"),
        ({"organization": {"slug": ""}}, "not a slug"),
        ({"organization": {"slug": "-a"}}, "not a slug"),
    ],
)
def test_a_made_up_token_leads_nowhere(claims: dict[str, Any], match: str) -> None:
    with pytest.raises(ConfigurationError, match=match) as caught:
        Session(None, AccessToken(jwt(**claims)))
    assert "\n" not in str(caught.value)


@given(st.text(max_size=80), st.text(max_size=80))
def test_whatever_a_token_claims_the_host_is_the_vendors(slug: str, issuer: str) -> None:
    try:
        url = repr(Session(None, AccessToken(jwt(organization={"slug": slug}, iss=issuer)))).split()[1]
    except ConfigurationError:
        return
    assert url.removesuffix("/api").endswith((".commercelayer.io", ".commercelayer.co"))


def test_another_domain_is_one_that_the_caller_names() -> None:
    token = AccessToken(jwt(organization={"slug": "acme"}, iss="https://auth.example.org/"))

    assert "https://acme.example.org/api" in repr(Session(None, token, auth_url="https://auth.example.org"))
    with pytest.raises(ConfigurationError, match="auth_url"):
        Session(None, token, auth_url="https://auth.example.com")
