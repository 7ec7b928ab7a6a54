"""What a session was given to authenticate with, checked against the service's scheme."""

from typing import Any, Final, cast

from .._plain import plain_text
from .._text import Secret
from ..errors import ConfigurationError
from ..service import Basic, Header, OAuth2, Service
from ..service.auth import is_header_value
from .credentials import AccessToken, Auth, Credentials, FixedSecret, Signed

ANONYMOUS: Final = FixedSecret("")
"""No secret: the header that would carry one is not sent."""


def accepted_auth(auth: object, service: Service) -> Auth | FixedSecret:
    """What a session was given, as its token manager takes it.

    Raises:
        ConfigurationError: it is none of the ways to authenticate with the service; no secret is shown.
    """
    scheme = service.auth
    if auth is None and not service.needs_auth:
        return ANONYMOUS
    if isinstance(auth, Signed) or (callable(auth) and not isinstance(auth, str)):
        return cast("Auth", auth)
    if isinstance(scheme, OAuth2):
        return _for_oauth(auth)
    if auth is None:
        raise ConfigurationError(f"auth must be given: {service.name} answers nobody without a secret")
    return _of_pair(auth, service) if isinstance(scheme, Basic) else _of_text(auth, scheme, service)


def hidden(auth: Any) -> Any:
    """What a session was given, so that its secrets show nothing of themselves where variables are printed."""
    if isinstance(auth, tuple):
        return tuple(map(hidden, cast("tuple[object, ...]", auth)))
    return Secret(auth) if isinstance(auth, str) else auth


def _for_oauth(auth: object) -> Auth:
    if isinstance(auth, AccessToken | Credentials):
        return auth
    raise ConfigurationError(
        f"auth must be AccessToken(…), ClientCredentials(…) or an async callable, not {_what(auth)}"
    )


def _of_pair(auth: object, service: Service) -> FixedSecret:
    """A user's name and password."""
    what = _what(auth)
    pair = cast("tuple[object, ...]", auth) if isinstance(auth, tuple) else ()
    texts = tuple(Secret(text) for text in map(plain_text, pair) if text is not None)
    if len(pair) != 2 or len(texts) != 2:  # noqa: PLR2004 - a pair
        raise ConfigurationError(
            f"auth must be a pair of texts for {service.name}, a user's name and a password, or an async callable, not"
            f" {what}"
        )
    user, password = texts
    return FixedSecret(Basic.encode(user, password))


def _of_text(auth: object, scheme: Header, service: Service) -> FixedSecret:
    """The secret alone, in whatever characters the service has for its keys."""
    text = plain_text(auth.token if isinstance(auth, AccessToken) else auth)
    if text is None:
        raise ConfigurationError(
            f"auth must be the secret as a str for {service.name}, AccessToken(…), Signed(…) or an async callable, not"
            f" {_what(auth)}"
        )
    secret = Secret(text)
    del text
    before = scheme.template.partition("{}")[0]
    if not is_header_value(secret):
        raise ConfigurationError(
            "auth: the secret is empty, or has characters that a header cannot hold: printable ASCII on one line,"
            " without blanks around it"
        )
    if before and secret.startswith(before):
        raise ConfigurationError(f"auth: give the secret alone; {before.strip()!r} is put before it")
    return FixedSecret(secret)


def _what(auth: object) -> str:
    return "a string" if isinstance(auth, str) else type(auth).__name__
