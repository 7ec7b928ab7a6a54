"""Grants: what a client exchanges for an access token, whether it may, and what the token permits then.

Each grant type has a function of its own. A refresh token stands for a grant that was given before, so it is kept by
`Tokens`, which calls `Grants.of` for all others.
"""

import secrets
from collections.abc import Callable
from typing import Final

import attrs

from .assertions import read_assertion
from .claims import Grant, Issuer, Owner
from .clients import AUTHORIZATION_CODE, CLIENT_CREDENTIALS, JWT_BEARER, PASSWORD, Client, TokenRequest, is_secret
from .refused import bad_request
from .scopes import read_scope

_CODE_LIFETIME: Final = 10 * 60.0


@attrs.frozen
class _Code:
    redirect_uri: str
    scope: str
    user_id: str
    expires_at: float


class Grants:
    """What is exchanged for access tokens.

    Args:
        issuer: Knows the customers.
        customer_password: The password of every customer.
        clock: Gives seconds since 1970.
    """

    def __init__(self, issuer: Issuer, *, customer_password: str, clock: Callable[[], float]) -> None:
        self._issuer = issuer
        self._customer_password = customer_password
        self._clock = clock
        self._codes = dict[str, _Code]()
        self._by_type: dict[str, Callable[[Client, TokenRequest], Grant]] = {
            CLIENT_CREDENTIALS: self._client_credentials,
            PASSWORD: self._password,
            AUTHORIZATION_CODE: self._authorization_code,
            JWT_BEARER: self._jwt_bearer,
        }

    def of(self, grant_type: str, client: Client, request: TokenRequest) -> Grant:
        """Give what *request* of an accepted *client* is granted.

        Raises:
            AuthRefusal: 400, with the name that OAuth has for what is wrong.
        """
        return self._by_type[grant_type](client, request)

    def authorize(self, *, redirect_uri: str, scope: str | None, user_id: str) -> str:
        """Make the code that a user's browser brings back to *redirect_uri*. It lives for 10 minutes."""
        code = secrets.token_urlsafe(32)
        expires_at = self._clock() + _CODE_LIFETIME
        self._codes[code] = _Code(redirect_uri, read_scope(scope), user_id, expires_at)
        return code

    def forget_codes(self) -> None:
        """Make all codes invalid that were not exchanged yet."""
        self._codes.clear()

    def _client_credentials(self, client: Client, request: TokenRequest) -> Grant:
        return Grant(client, read_scope(request.get("scope"), required=client.public))

    def _password(self, client: Client, request: TokenRequest) -> Grant:
        customer_id = self._issuer.find_customer(str(request.get("username")))
        if customer_id is None or not is_secret(request.get("password"), self._customer_password):
            raise bad_request("invalid_grant", "No customer has this username and password.")
        owner = Owner("Customer", customer_id)
        return Grant(client, read_scope(request.get("scope")), owner, refreshable=True)

    def _authorization_code(self, client: Client, request: TokenRequest) -> Grant:
        """Use up a code. One that comes with the address of another page is left for who may know the right one."""
        name = str(request.get("code"))
        code = self._codes.get(name)
        if code is None or code.expires_at <= self._clock():
            raise bad_request("invalid_grant", "The authorization code is invalid, used or expired.")
        if request.get("redirect_uri") != code.redirect_uri:
            raise bad_request("invalid_grant", "The redirect_uri is not the one that the code was made for.")
        scope = read_scope(request["scope"]) if request.get("scope") else code.scope
        del self._codes[name]
        return Grant(client, scope, Owner("User", code.user_id), refreshable=True)

    def _jwt_bearer(self, client: Client, request: TokenRequest) -> Grant:
        assertion = read_assertion(request.get("assertion"), now=self._clock())
        owner = assertion.owner
        if owner is not None and owner.type == "Customer" and not self._issuer.has_customer(owner.id):
            raise bad_request("invalid_assertion", "The assertion names a customer who does not exist.")
        return Grant(
            client, read_scope(request.get("scope")), owner, custom_claim=assertion.custom_claim, refreshable=True
        )
