"""The claims of an access token: who issued it, for which application and customer, and until when."""

import secrets
from collections.abc import Callable

import attrs

Claims = dict[str, object]


@attrs.frozen
class Issuer:
    """The organization on whose behalf tokens are issued."""

    url: str
    organization_id: str
    find_customer: Callable[[str], str | None]
    """Gives the id of the customer with an e-mail address; None if there is none."""


@attrs.frozen
class Grant:
    """What a token permits. Equal grants share one token."""

    scope: str
    owner_id: str | None = None
    """The id of the customer who signed in; None for an integration."""


def make_claims(issuer: Issuer, grant: Grant, *, client_id: str, issued_at: float, expires_at: float) -> Claims:
    """Make the claims of an access token. Times are seconds since 1970."""
    claims: Claims = {
        "organization": {"id": issuer.organization_id, "slug": "sandbox", "enterprise": False, "region": "eu-west-1"},
        "application": _application(client_id, integration=grant.owner_id is None),
    }
    if grant.owner_id is not None:
        claims["owner"] = {"type": "Customer", "id": grant.owner_id}
    return claims | {
        "scope": grant.scope,
        "iss": issuer.url,
        "exp": int(expires_at),
        "iat": int(issued_at),
        "test": True,
        "rand": secrets.randbelow(2**53) / 2.0**53,
    }


def _application(client_id: str, *, integration: bool) -> Claims:
    return {
        "id": "sAndbOxApp",
        "client_id": client_id,
        "kind": "integration" if integration else "sales_channel",
        "public": False,
        "confidential": integration,
    }
