"""What is refused by the Auth API, by the names that OAuth has for it (RFC 6749, 5.2).

Published are the bodies of `invalid_client`, `invalid_assertion` and `unauthorized_client`; the others look like these.
"""

from ..refusals import AuthRefusal


def bad_request(name: str, detail: str) -> AuthRefusal:
    """Refuse what a request asks for: 400."""
    return AuthRefusal(400, "BAD_REQUEST", name, detail)


def invalid_client() -> AuthRefusal:
    """Refuse a client that is unknown, or without its secret."""
    detail = "Client authentication failed: unknown client, or its secret is missing or wrong."
    return AuthRefusal(401, "UNAUTHORIZED", "invalid_client", detail)


def unauthorized_client(detail: str) -> AuthRefusal:
    """Refuse a client what others may do."""
    return AuthRefusal(403, "FORBIDDEN", "unauthorized_client", detail)
