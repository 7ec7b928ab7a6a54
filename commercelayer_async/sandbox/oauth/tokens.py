"""Access and refresh tokens: issued, checked, expired and revoked.

An access token is valid until its lifetime is over or it is revoked. As long as it is valid for more than 15 minutes,
equal credentials get the same token again, so `expires_in` may be less than the lifetime. After that they get another
one, and both are valid. That both are valid is documented; that the same token comes again before is inferred.

A refresh token is valid for two weeks, and used up by the request that it is sent with, whose response has the next.
"""

import secrets
from collections.abc import Callable
from typing import Final

import attrs

from ..refusals import AuthRefusal, invalid_token
from ..viewer import Kind, Viewer
from .claims import Grant, Issuer, make_claims
from .clients import GRANT_TYPES, REFRESH_TOKEN, Client, Clients, TokenRequest
from .grants import Grants
from .jwt import sign
from .refused import bad_request, unauthorized_client

TokenResponse = dict[str, object]
"""The JSON object that a client gets."""

_OVERLAP: Final = 15 * 60.0
_REFRESH_LIFETIME: Final = 14 * 24 * 3600.0
_LIFETIMES: Final = {Kind.INTEGRATION: 7200.0, Kind.WEBAPP: 7200.0, Kind.SALES_CHANNEL: 14_400.0}
_SUPPORTED: Final = frozenset[str]().union(*GRANT_TYPES.values())


@attrs.frozen
class _Token:
    value: str = attrs.field(repr=False)
    grant: Grant
    created_at: float
    expires_at: float


@attrs.frozen
class _RefreshToken:
    grant: Grant
    expires_at: float


class Tokens:
    """All tokens of a sandbox.

    Args:
        clients: To whom they are issued.
        grants: What is exchanged for them.
        issuer: On whose behalf they are issued.
        lifetime: Of an access token, in seconds; None for the lifetime that the service gives to each kind of client.
        clock: Gives seconds since 1970.
    """

    def __init__(
        self,
        *,
        clients: Clients,
        grants: Grants,
        issuer: Issuer,
        lifetime: float | None,
        clock: Callable[[], float],
    ) -> None:
        self._clients = clients
        self._grants = grants
        self._issuer = issuer
        self._lifetime = lifetime
        self._clock = clock
        self._tokens = dict[str, _Token]()
        self._current = dict[Grant, _Token]()
        self._refresh = dict[str, _RefreshToken]()

    def viewer_of(self, authorization: str | None) -> Viewer:
        """Tell who sent a request, by its `Authorization` header.

        A token of another organization or of the other mode was issued by another sandbox, so it is unknown here.

        Raises:
            Refusal: 401 if the header has no bearer token that is valid now.
        """
        scheme, _, value = (authorization or "").partition(" ")
        token = self._tokens.get(value.strip())
        if scheme.lower() != "bearer" or token is None or self._remaining(token) <= 0:
            raise invalid_token()
        return Viewer(token.grant.client.kind, self._issuer.mode, token.grant.customer_id)

    def expire_all(self) -> None:
        """Make all access tokens issued so far invalid. Refresh tokens stay valid."""
        self._tokens.clear()
        self._current.clear()

    def revoke_all(self) -> None:
        """Make all access tokens, refresh tokens and authorization codes issued so far invalid."""
        self.expire_all()
        self._refresh.clear()
        self._grants.forget_codes()

    def authorize(self, *, redirect_uri: str, scope: str | None, user_id: str) -> str:
        """Make an authorization code; see `Grants.authorize`."""
        return self._grants.authorize(redirect_uri=redirect_uri, scope=scope, user_id=user_id)

    def integration_token(self) -> str:
        """Give a valid access token, as client credentials get it."""
        return self._token(Grant(self._clients.of_kind(Kind.INTEGRATION), "market:all")).value

    def issue(self, request: TokenRequest) -> TokenResponse:
        """Respond to a request of `/oauth/token`.

        Raises:
            AuthRefusal: 400, 401 or 403, with the name that OAuth has for what is wrong.
        """
        grant_type = request.get("grant_type")
        if grant_type is None:
            raise bad_request("invalid_request", "The grant_type is missing.")
        if not isinstance(grant_type, str) or grant_type not in _SUPPORTED:
            raise bad_request("unsupported_grant_type", f"The grant_type {grant_type} is not supported.")
        client = self._clients.find(request)
        issued = self._refresh.get(str(request.get("refresh_token"))) if grant_type == REFRESH_TOKEN else None
        if issued is not None and issued.grant.client.is_same_as(client):
            client = issued.grant.client  # of the kind that it acted as
        # Before the secret: who takes one client for another learns which one it should be.
        client.require_grant_type(grant_type)
        confidential = client.sent_secret(request, required=client.requires_secret(grant_type))
        if grant_type == REFRESH_TOKEN:
            return self._respond(self._refreshed(client, request))
        grant = self._grants.of(grant_type, client, request)
        return self._respond(attrs.evolve(grant, confidential=confidential))

    def revoke(self, request: TokenRequest) -> TokenResponse:
        """Respond to a request of `/oauth/revoke`. To revoke an unknown token succeeds.

        Raises:
            AuthRefusal: 403 for a client without the right id and secret, and for another's token.
        """
        value = str(request.get("token"))
        token, refresh_token = self._tokens.get(value), self._refresh.get(value)
        issued = token or refresh_token
        self._require_may_revoke(request, issued.grant if issued else None)
        self._refresh.pop(value, None)
        self._tokens.pop(value, None)
        if token is not None and self._current.get(token.grant) is token:
            del self._current[token.grant]
        return {}

    def _require_may_revoke(self, request: TokenRequest, grant: Grant | None) -> None:
        """Accept the client to which a token was issued.

        It has to send its secret, but for a public client that revokes the token of somebody who signed in.
        """
        refusal = unauthorized_client("You are not authorized to revoke this token.")
        try:
            client = self._clients.find(request)
            by_nobody = grant is not None and grant.owner is None
            client.sent_secret(request, required=not client.public or by_nobody)
        except AuthRefusal:
            raise refusal from None
        if grant is not None and not grant.client.is_same_as(client):
            raise refusal

    def _refreshed(self, client: Client, request: TokenRequest) -> Grant:
        """Use up a refresh token, and give the grant behind it."""
        value = str(request.get("refresh_token"))
        found = self._refresh.get(value)
        if found is None or not found.grant.client.is_same_as(client) or found.expires_at <= self._clock():
            raise bad_request("invalid_grant", "The refresh token is invalid, used, expired or revoked.")
        del self._refresh[value]
        self._current.pop(found.grant, None)  # a refresh always gives another access token
        return found.grant

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
        if grant.refreshable:
            refresh_token = secrets.token_urlsafe(32)
            self._refresh[refresh_token] = _RefreshToken(grant, self._clock() + _REFRESH_LIFETIME)
            response["refresh_token"] = refresh_token
        if grant.owner is not None:
            response |= {"owner_id": grant.owner.id, "owner_type": grant.owner.type.lower()}
        return response

    def _token(self, grant: Grant) -> _Token:
        """Give the current token of *grant*, or make another if its end is near."""
        current = self._current.get(grant)
        if current is not None and self._remaining(current) > _OVERLAP:
            return current
        self._tokens = {value: token for value, token in self._tokens.items() if self._remaining(token) > 0}
        now = self._clock()
        expires_at = now + (self._lifetime or _LIFETIMES[grant.client.kind])
        claims = make_claims(self._issuer, grant, issued_at=now, expires_at=expires_at)
        token = _Token(sign(claims), grant, now, expires_at)
        self._tokens[token.value] = self._current[grant] = token
        return token

    def _remaining(self, token: _Token) -> float:
        return token.expires_at - self._clock()


def grant_type_of(request: TokenRequest) -> str:
    """Give the `grant_type` of *request*, or `other` if it is not supported."""
    name = request.get("grant_type")
    return name if isinstance(name, str) and name in _SUPPORTED else "other"
