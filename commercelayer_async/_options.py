"""What the options of a session may be, and what stands for those that are not given."""

import os

from ._auth.credentials import AccessToken, Auth, ClientCredentials, Credentials, claims_of
from ._http.origin import DOMAIN
from ._http.transport import default_user_agent
from ._limits.limiter import Priority
from ._text import describe
from .errors import ConfigurationError
from .jsonapi._json import as_object


def require_auth(auth: object) -> None:
    """Refuse what gives no token.

    Raises:
        ConfigurationError: it is none of the ways to authenticate.
    """
    if isinstance(auth, str):
        raise ConfigurationError("auth must be AccessToken(…), ClientCredentials(…) or an async callable, not a string")
    if not isinstance(auth, AccessToken | Credentials) and not callable(auth):
        raise ConfigurationError(
            f"auth must be AccessToken(…), ClientCredentials(…) or an async callable, not {type(auth).__name__}"
        )


def require_number(name: str, value: object, *, none: bool = False) -> None:
    """Refuse what is no number above 0, or None where that is allowed.

    Raises:
        ConfigurationError: naming the option.
    """
    if none and value is None:
        return
    number = isinstance(value, int | float) and not isinstance(value, bool)
    if not number or not 0 < value < float("inf"):  # type: ignore[operator]
        raise ConfigurationError(f"{name} must be a number above 0{' or None' if none else ''}, not {describe(value)}")


def user_agent_of(suffix: str | None) -> str:
    """This package's name and version, then the application's.

    Raises:
        ConfigurationError: a header cannot hold it.
    """
    if suffix is not None and not (suffix.isascii() and suffix.isprintable()):
        raise ConfigurationError("user_agent must be printable ASCII text")
    return default_user_agent(suffix)


def priority_of(priority: Priority | str) -> Priority:
    """The priority of a name.

    Raises:
        ConfigurationError: there is none of that name.
    """
    try:
        return Priority(priority)
    except ValueError:
        raise ConfigurationError("priority must be 'interactive' or 'bulk'") from None


def organization_of(auth: Auth) -> str:
    """The organization's URL, as the claims of a token name it.

    Raises:
        ConfigurationError: they do not.
    """
    claims = claims_of(auth.token) if isinstance(auth, AccessToken) else {}
    slug = (as_object(claims.get("organization")) or {}).get("slug")
    issuer = claims.get("iss", f"https://auth.{DOMAIN}")
    if not isinstance(slug, str) or not isinstance(issuer, str) or not issuer.startswith("https://auth."):
        raise ConfigurationError("the organization must be named: the token does not tell it")
    return f"https://{slug.lower()}.{issuer.removeprefix('https://auth.')}"


def auth_from_env() -> Auth:
    """What the environment authenticates with; a token goes before credentials.

    Raises:
        ConfigurationError: a variable is missing.
    """
    token = os.environ.get("COMMERCELAYER_ACCESS_TOKEN")
    if token:
        return AccessToken(token)
    client_id = os.environ.get("COMMERCELAYER_CLIENT_ID")
    if client_id:
        secret = os.environ.get("COMMERCELAYER_CLIENT_SECRET") or None
        return ClientCredentials(client_id, secret, scope=os.environ.get("COMMERCELAYER_SCOPE") or None)
    raise ConfigurationError(
        "set COMMERCELAYER_ACCESS_TOKEN, or COMMERCELAYER_CLIENT_ID with COMMERCELAYER_CLIENT_SECRET"
    )
