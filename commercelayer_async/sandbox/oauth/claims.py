"""The claims of an access token: who issued it, for which application and whom, and until when."""

import json
import secrets
from collections.abc import Callable

import attrs

from ..viewer import Kind, Mode
from .clients import Client

Claims = dict[str, object]


@attrs.frozen
class Issuer:
    """The organization on whose behalf tokens are issued."""

    domain: str
    """With the port. The issuer is `https://auth.{domain}`, and clients take `https://{slug}.{domain}` for the API."""
    organization_id: str
    mode: Mode
    find_customer: Callable[[str], str | None]
    """Gives the id of the customer with an e-mail address; None if there is none."""
    has_customer: Callable[[str], bool]
    """Tells whether there is a customer with an id."""
    slug: str = "sandbox"


@attrs.frozen
class Owner:
    """Whom a token speaks for: a customer, or a user of the organization."""

    type: str
    """`Customer` or `User`."""
    id: str


@attrs.frozen
class Grant:
    """What a token permits, and to whom. Equal grants share one token."""

    client: Client
    scope: str
    owner: Owner | None = None
    """None for an application by itself."""
    custom_claim: str | None = None
    """The custom claim of an assertion as JSON; None for none."""
    confidential: bool = True
    """Whether the client has sent its secret."""
    refreshable: bool = False
    """Whether a refresh token comes with it."""

    @property
    def customer_id(self) -> str | None:
        """The id of the customer who signed in; None for nobody, or a user."""
        return self.owner.id if self.owner and self.owner.type == "Customer" else None


def make_claims(issuer: Issuer, grant: Grant, *, issued_at: float, expires_at: float) -> Claims:
    """Make the claims of an access token. Times are seconds since 1970."""
    claims: Claims = {
        "organization": {
            "id": issuer.organization_id,
            "slug": issuer.slug,
            "enterprise": True,
            "region": "eu-west-1",
        },
        "application": {
            "id": grant.client.application_id,
            "client_id": grant.client.client_id,
            "kind": Kind(grant.client.kind).value,
            "public": grant.client.public,
            "confidential": grant.confidential,
        },
    }
    if grant.owner is not None:
        claims["owner"] = attrs.asdict(grant.owner)
    if grant.custom_claim is not None:
        claims["custom_claim"] = json.loads(grant.custom_claim)
    return claims | {
        "scope": grant.scope,
        "iss": f"https://auth.{issuer.domain}",
        "exp": int(expires_at),
        "iat": int(issued_at),
        "test": issuer.mode is Mode.TEST,
        "rand": secrets.randbelow(2**53) / 2.0**53,
    }
