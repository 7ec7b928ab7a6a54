"""The applications to which tokens are issued: which grants each may use, and when it has to send its secret."""

import hmac
import secrets
from collections.abc import Iterable, Mapping
from typing import Final

import attrs

from ..viewer import Kind
from .refused import invalid_client, unauthorized_client

TokenRequest = Mapping[str, object]
"""The JSON object that a client sends to `/oauth/token` or `/oauth/revoke`."""

CLIENT_CREDENTIALS: Final = "client_credentials"
PASSWORD: Final = "password"  # noqa: S105 - the name of a grant type
REFRESH_TOKEN: Final = "refresh_token"  # noqa: S105 - the name of a grant type
AUTHORIZATION_CODE: Final = "authorization_code"
JWT_BEARER: Final = "urn:ietf:params:oauth:grant-type:jwt-bearer"

GRANT_TYPES: Final[Mapping[Kind, frozenset[str]]] = {
    Kind.INTEGRATION: frozenset({CLIENT_CREDENTIALS, JWT_BEARER, REFRESH_TOKEN}),
    Kind.SALES_CHANNEL: frozenset({CLIENT_CREDENTIALS, PASSWORD, JWT_BEARER, REFRESH_TOKEN}),
    Kind.WEBAPP: frozenset({AUTHORIZATION_CODE, JWT_BEARER, REFRESH_TOKEN}),
}
"""The grants of each kind. An integration refreshes only what it got by the assertion of another."""
_ONLY_FOR: Final = {PASSWORD: Kind.SALES_CHANNEL, AUTHORIZATION_CODE: Kind.WEBAPP}
"""The grants of one kind alone."""
_ALWAYS_SECRET: Final = frozenset({AUTHORIZATION_CODE, JWT_BEARER})


@attrs.frozen
class Client:
    """An application with its credentials."""

    kind: Kind
    application_id: str
    client_id: str = attrs.field(factory=lambda: secrets.token_urlsafe(32))
    client_secret: str = attrs.field(factory=lambda: secrets.token_urlsafe(32), repr=False)

    @property
    def credentials(self) -> tuple[str, str]:
        """Its id and its secret."""
        return self.client_id, self.client_secret

    @property
    def public(self) -> bool:
        """Whether it runs where its secret cannot be kept, such as in a browser, and may do without."""
        return self.kind is Kind.SALES_CHANNEL

    def is_same_as(self, other: "Client") -> bool:
        """Tell whether both have one id, whatever kind they act as."""
        return self.client_id == other.client_id

    def sent_secret(self, request: TokenRequest, *, required: bool) -> bool:
        """Tell whether *request* has the secret. One that is sent has to be right, also where none is required.

        Raises:
            AuthRefusal: 401 if it is wrong, or required and missing.
        """
        given = request.get("client_secret")
        if given is None and not required:
            return False
        if not is_secret(given, self.client_secret):
            raise invalid_client()
        return True

    def require_grant_type(self, grant_type: str) -> None:
        """Accept a grant that applications of its kind may use.

        Raises:
            AuthRefusal: 403.
        """
        if grant_type not in GRANT_TYPES[self.kind]:
            kinds = " or a ".join(kind.replace("_", " ") for kind, types in GRANT_TYPES.items() if grant_type in types)
            raise unauthorized_client(f"The grant type {grant_type} is not for this client; it is for a {kinds}.")

    def requires_secret(self, grant_type: str) -> bool:
        """Tell whether it has to send its secret with a grant."""
        return not self.public or grant_type in _ALWAYS_SECRET


class Clients:
    """All applications of a sandbox."""

    def __init__(self, clients: Iterable[Client]) -> None:
        self._clients = tuple(clients)

    def find(self, request: TokenRequest) -> Client:
        """Find the client that a request names.

        The integration acts as one of the kind that the request is for, where that is another: a program that is to be
        tried with one pair of credentials uses every grant with it.

        Raises:
            AuthRefusal: 401 if there is none.
        """
        client_id = request.get("client_id")
        for client in self._clients:
            if is_secret(client_id, client.client_id):
                return self._acting(client, request) if client.kind is Kind.INTEGRATION else client
        raise invalid_client()

    def _acting(self, integration: Client, request: TokenRequest) -> Client:
        grant_type = request.get("grant_type")
        as_guest = grant_type == CLIENT_CREDENTIALS and "client_secret" not in request and bool(request.get("scope"))
        kind = Kind.SALES_CHANNEL if as_guest else _ONLY_FOR.get(str(grant_type), Kind.INTEGRATION)
        return attrs.evolve(integration, kind=kind, application_id=self.of_kind(kind).application_id)

    def of_kind(self, kind: Kind) -> Client:
        """Give the client of a kind."""
        return next(client for client in self._clients if client.kind is kind)


def is_secret(given: object, expected: str) -> bool:
    """Compare in a time that does not depend on where the two differ."""
    return isinstance(given, str) and hmac.compare_digest(_bytes(given), _bytes(expected))


def _bytes(text: str) -> bytes:
    return text.encode(errors="surrogatepass")  # JSON may have half a character
