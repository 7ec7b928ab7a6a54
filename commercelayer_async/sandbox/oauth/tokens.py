"""Access and refresh tokens: issued, checked, expired and revoked.

An access token is valid until its lifetime is over or it is revoked. As long as it is valid for more than 15 minutes,
equal credentials get the same token again, so `expires_in` may be less than the lifetime. After that they get another
one, and both are valid. That both are valid is documented; that the same token comes again before is inferred.
"""

import hmac
import secrets
from collections.abc import Callable, Mapping
from typing import Final

import attrs

from ..refusals import AuthRefusal, invalid_token
from ..viewer import Kind, Viewer
from .claims import Grant, Issuer, make_claims
from .jwt import sign

TokenRequest = Mapping[str, object]
"""The JSON object that a client sends to `/oauth/token` or `/oauth/revoke`."""
TokenResponse = dict[str, object]
"""The JSON object that it gets."""

_OVERLAP: Final = 15 * 60.0
_DEFAULT_SCOPE: Final = "market:all"
_GRANT_TYPES: Final = frozenset({"client_credentials", "password", "refresh_token"})


@attrs.frozen
class _Token:
    value: str = attrs.field(repr=False)
    grant: Grant
    created_at: float
    expires_at: float


class Tokens:
    """All tokens of a sandbox.

    Args:
        client_id: Of the only application.
        client_secret: Its secret.
        customer_password: The password of every customer.
        issuer: On whose behalf tokens are issued.
        lifetime: Of an access token, in seconds.
        clock: Gives seconds since 1970.
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
        self._current = dict[Grant, _Token]()
        self._refresh = dict[str, Grant]()

    def viewer_of(self, authorization: str | None) -> Viewer:
        """Tell who sent a request, by its `Authorization` header.

        Raises:
            Refusal: 401 if the header has no bearer token that is valid now.
        """
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value.strip())
        if scheme.lower() != "bearer" or token is None or self._remaining(token) <= 0:
            raise invalid_token()
        owner = token.grant.owner_id
        return Viewer(Kind.INTEGRATION if owner is None else Kind.SALES_CHANNEL, customer_id=owner)

    def expire_all(self) -> None:
        """Make all access tokens issued so far invalid. Refresh tokens stay valid."""
        self._tokens.clear()
        self._current.clear()

    def revoke_all(self) -> None:
        """Make all access and refresh tokens issued so far invalid."""
        self.expire_all()
        self._refresh.clear()

    def integration_token(self) -> str:
        """Give a valid access token, as client credentials get it."""
        return self._token(Grant(_DEFAULT_SCOPE)).value

    def issue(self, request: TokenRequest) -> TokenResponse:
        """Respond to a request of `/oauth/token`.

        Raises:
            AuthRefusal: 400 or 401, with the name that OAuth has for what is wrong.
        """
        match request.get("grant_type"):
            case "client_credentials":
                self._check_client(request, needs_secret=True)
                return self._respond(Grant(_scope(request)))
            case "password":
                self._check_client(request)
                return self._respond(Grant(_scope(request), self._customer(request)))
            case "refresh_token":
                self._check_client(request)
                return self._respond(self._refreshed(request))
            case None:
                raise _bad_request("invalid_request", "The grant_type is missing.")
            case other:
                raise _bad_request("unsupported_grant_type", f"The grant_type {other} is not supported.")

    def revoke(self, request: TokenRequest) -> TokenResponse:
        """Respond to a request of `/oauth/revoke`. To revoke an unknown token succeeds.

        Raises:
            AuthRefusal: 403 for a client without the right id and secret.
        """
        try:
            self._check_client(request, needs_secret=True)
        except AuthRefusal:
            detail = "You are not authorized to revoke this token."
            raise AuthRefusal(403, "FORBIDDEN", "unauthorized_client", detail) from None
        value = str(request.get("token"))
        self._refresh.pop(value, None)
        token = self._tokens.pop(value, None)
        if token is not None and self._current.get(token.grant) is token:
            del self._current[token.grant]
        return {}

    def _check_client(self, request: TokenRequest, *, needs_secret: bool = False) -> None:
        known = _is_secret(request.get("client_id"), self._client_id)
        # A secret is checked wherever it is sent, also where none is needed.
        if "client_secret" in request or needs_secret:
            known = _is_secret(request.get("client_secret"), self._client_secret) and known
        if not known:
            detail = "Client authentication failed: unknown client, or its secret is missing or wrong."
            raise AuthRefusal(401, "UNAUTHORIZED", "invalid_client", detail)

    def _customer(self, request: TokenRequest) -> str:
        customer_id = self._issuer.find_customer(str(request.get("username")))
        if customer_id is None or not _is_secret(request.get("password"), self._customer_password):
            raise _bad_request("invalid_grant", "No customer has this username and password.")
        return customer_id

    def _refreshed(self, request: TokenRequest) -> Grant:
        """Use up a refresh token, and give the grant behind it."""
        grant = self._refresh.pop(str(request.get("refresh_token")), None)
        if grant is None:
            raise _bad_request("invalid_grant", "The refresh token is invalid, used or revoked.")
        self._current.pop(grant, None)  # a refresh always gives another access token
        return grant

    def _respond(self, grant: Grant) -> TokenResponse:
        token = self._token(grant)
        response: TokenResponse = {
            "access_token": token.value,
            "token_type": "bearer",
            # Rounded, so that a token just made is not a second short for the moment that has passed.
            "expires_in": round(self._remaining(token)),
            "scope": grant.scope,
            "created_at": int(token.created_at),
        }
        if grant.owner_id is not None:
            refresh_token = secrets.token_urlsafe(32)
            self._refresh[refresh_token] = grant
            response |= {"refresh_token": refresh_token, "owner_id": grant.owner_id, "owner_type": "customer"}
        return response

    def _token(self, grant: Grant) -> _Token:
        """Give the current token of *grant*, or make another if its end is near."""
        current = self._current.get(grant)
        if current is not None and self._remaining(current) > _OVERLAP:
            return current
        self._tokens = {value: token for value, token in self._tokens.items() if self._remaining(token) > 0}
        now = self._clock()
        expires_at = now + self._lifetime
        claims = make_claims(self._issuer, grant, client_id=self._client_id, issued_at=now, expires_at=expires_at)
        token = _Token(sign(claims, self._key), grant, now, expires_at)
        self._tokens[token.value] = self._current[grant] = token
        return token

    def _remaining(self, token: _Token) -> float:
        return token.expires_at - self._clock()


def grant_type_of(request: TokenRequest) -> str:
    """Give the `grant_type` of *request*, or `other` if it is not supported."""
    name = str(request.get("grant_type"))
    return name if name in _GRANT_TYPES else "other"


def _scope(request: TokenRequest) -> str:
    return str(request.get("scope") or _DEFAULT_SCOPE)


def _is_secret(given: object, expected: str) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    return isinstance(given, str) and hmac.compare_digest(given.encode(), expected.encode())


def _bad_request(name: str, detail: str) -> AuthRefusal:
    return AuthRefusal(400, "BAD_REQUEST", name, detail)
