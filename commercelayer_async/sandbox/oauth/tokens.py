"""The Auth API without its transport: grants in, tokens out.

A token is good until its time is over or it is revoked. While more than 15 minutes are left, the same
credentials get the same token again; after that a new one, and both are good. So `expires_in` may be less
than the lifetime. The overlap is documented; that the same token comes back before it is inferred.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from ..refusals import AuthRefusal
from .jwt import sign

Claims = dict[str, object]
TokenRequest = Mapping[str, object]

_OVERLAP: Final = 15 * 60.0
_DEFAULT_SCOPE: Final = "market:all"
_GRANTS: Final = frozenset({"client_credentials", "password", "refresh_token"})


@attrs.frozen
class Issuer:
    """On whose behalf tokens are handed out."""

    url: str
    organization_id: str
    find_customer: Callable[[str], str | None]
    """The id of the customer with an e-mail address."""


@attrs.frozen
class _Grant:
    """What a token is for; equal grants share one."""

    scope: str
    owner_id: str | None = None


@attrs.frozen
class _Token:
    value: str = attrs.field(repr=False)
    grant: _Grant
    created_at: float
    expires_at: float


class Tokens:
    """Hands out, knows and forgets tokens.

    Args:
        client_id: of the one application there is.
        client_secret: its secret.
        customer_password: the password of every customer.
        issuer: who signs.
        lifetime: of an access token, in seconds.
        clock: seconds since 1970.
    """

    def __init__(
        self,
        *,
        client_id: str,
        client_secret: str,
        customer_password: str,
        issuer: Issuer,
        lifetime: float,
        clock: Callable[[], float],
    ) -> None:
        self._client_id = client_id
        self._client_secret = client_secret
        self._customer_password = customer_password
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock
        self._key = secrets.token_bytes(32)
        self._tokens = dict[str, _Token]()
        self._current = dict[_Grant, _Token]()
        self._refresh = dict[str, _Grant]()

    def accepts(self, authorization: str | None) -> bool:
        """Whether an `Authorization` header carries a token that is good now."""
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value.strip())
        return scheme.lower() == "bearer" and token is not None and self._remaining(token) > 0

    def expire_all(self) -> None:
        """Make every token handed out so far invalid, refresh tokens excepted."""
        self._tokens.clear()
        self._current.clear()

    def revoke_all(self) -> None:
        """Make every token handed out so far invalid, refresh tokens included."""
        self.expire_all()
        self._refresh.clear()

    def integration_token(self) -> str:
        """A good token, as client credentials get it."""
        return self._token(_Grant(_DEFAULT_SCOPE)).value

    def grant(self, body: TokenRequest) -> Claims:
        """What `/oauth/token` answers to *body*.

        Raises:
            AuthRefusal: 400 or 401, with the OAuth name of what is wrong.
        """
        match body.get("grant_type"):
            case "client_credentials":
                self._check_client(body, needs_secret=True)
                return self._respond(_Grant(_scope(body)))
            case "password":
                self._check_client(body)
                return self._respond(_Grant(_scope(body), self._customer(body)))
            case "refresh_token":
                self._check_client(body)
                return self._respond(self._refreshed(body))
            case None:
                raise _bad_request("invalid_request", "The grant_type is missing.")
            case other:
                raise _bad_request("unsupported_grant_type", f"The grant_type {other} is not supported.")

    def revoke(self, body: TokenRequest) -> Claims:
        """What `/oauth/revoke` answers to *body*. A token nobody knows is revoked already.

        Raises:
            AuthRefusal: 403 for a client that may not.
        """
        try:
            self._check_client(body, needs_secret=True)
        except AuthRefusal:
            detail = "You are not authorized to revoke this token."
            raise AuthRefusal(403, "FORBIDDEN", "unauthorized_client", detail) from None
        value = str(body.get("token"))
        self._refresh.pop(value, None)
        token = self._tokens.pop(value, None)
        if token is not None and self._current.get(token.grant) is token:
            del self._current[token.grant]
        return {}

    def _check_client(self, body: TokenRequest, *, needs_secret: bool = False) -> None:
        known = _is_secret(body.get("client_id"), self._client_id)
        if "client_secret" in body or needs_secret:
            known = _is_secret(body.get("client_secret"), self._client_secret) and known
        if not known:
            detail = "Client authentication failed: unknown client, or its secret is missing or wrong."
            raise AuthRefusal(401, "UNAUTHORIZED", "invalid_client", detail)

    def _customer(self, body: TokenRequest) -> str:
        customer_id = self._issuer.find_customer(str(body.get("username")))
        if customer_id is None or not _is_secret(body.get("password"), self._customer_password):
            raise _bad_request("invalid_grant", "No customer has this username and password.")
        return customer_id

    def _refreshed(self, body: TokenRequest) -> _Grant:
        """The grant behind a refresh token, which is good for one use."""
        grant = self._refresh.pop(str(body.get("refresh_token")), None)
        if grant is None:
            raise _bad_request("invalid_grant", "The refresh token is invalid, used or revoked.")
        self._current.pop(grant, None)  # who refreshes wants another token
        return grant

    def _respond(self, grant: _Grant) -> Claims:
        token = self._token(grant)
        response: Claims = {
            "access_token": token.value,
            "token_type": "bearer",
            "expires_in": round(self._remaining(token)),  # not a second less for the moment that has passed
            "scope": grant.scope,
            "created_at": int(token.created_at),
        }
        if grant.owner_id is not None:
            refresh_token = secrets.token_urlsafe(32)
            self._refresh[refresh_token] = grant
            response |= {"refresh_token": refresh_token, "owner_id": grant.owner_id, "owner_type": "customer"}
        return response

    def _token(self, grant: _Grant) -> _Token:
        current = self._current.get(grant)
        if current is not None and self._remaining(current) > _OVERLAP:
            return current
        self._tokens = {value: token for value, token in self._tokens.items() if self._remaining(token) > 0}
        now = self._clock()
        expires_at = now + self._lifetime
        token = _Token(sign(self._claims(grant, now, expires_at), self._key), grant, now, expires_at)
        self._tokens[token.value] = self._current[grant] = token
        return token

    def _claims(self, grant: _Grant, now: float, expires_at: float) -> Claims:
        guest = grant.owner_id is None
        claims: Claims = {
            "organization": {
                "id": self._issuer.organization_id,
                "slug": "sandbox",
                "enterprise": False,
                "region": "eu-west-1",
            },
            "application": {
                "id": "sAndbOxApp",
                "client_id": self._client_id,
                "kind": "integration" if guest else "sales_channel",
                "public": False,
                "confidential": guest,
            },
        }
        if not guest:
            claims["owner"] = {"type": "Customer", "id": grant.owner_id}
        return claims | {
            "scope": grant.scope,
            "iss": self._issuer.url,
            "exp": int(expires_at),
            "iat": int(now),
            "test": True,
            "rand": secrets.randbelow(2**53) / 2.0**53,
        }

    def _remaining(self, token: _Token) -> float:
        return token.expires_at - self._clock()


def grant_type_of(body: TokenRequest) -> str:
    """The `grant_type` of *body* if it is one that is served, else `other`."""
    name = str(body.get("grant_type"))
    return name if name in _GRANTS else "other"


def _scope(body: TokenRequest) -> str:
    return str(body.get("scope") or _DEFAULT_SCOPE)


def _is_secret(given: object, expected: str) -> bool:
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _bad_request(name: str, detail: str) -> AuthRefusal:
    return AuthRefusal(400, "BAD_REQUEST", name, detail)
