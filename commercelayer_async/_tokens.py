"""Credentials, and the tokens that they give: what is sent to the token endpoint, and what its answer means.

Facts: docs.commercelayer.io, "Authentication"; RFC 6749 (OAuth 2.0) and RFC 6750 (bearer tokens).
"""

import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final

import attrs

from ._text import mask, printable
from .errors import AuthError, ConfigurationError, DecodeError
from .jsonapi._json import as_object, as_text, loads
from .jsonapi.objects import errors_from_json

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")
_DEFAULT_LIFE: Final = 7200.0
"""Seconds that a token lives where the answer does not say: the shortest life that the API documents."""
_MAX_LIFE: Final = 15 * 24 * 3600.0
_RENEW_AT: Final = 0.85
"""Share of its life after which a token is renewed; the API honours the old one for its last 15 minutes."""


@attrs.frozen
class AccessToken:
    """A bearer token from elsewhere; it is used as it is and never renewed."""

    token: str = attrs.field(repr=False)

    def __attrs_post_init__(self) -> None:
        _check_token(self.token)

    def __reduce__(self) -> tuple[Any, ...]:
        raise _unpicklable(self)


@attrs.frozen
class ClientCredentials:
    """The grant for a program on its own behalf: a sales channel, or an integration with its secret."""

    client_id: str
    client_secret: str | None = attrs.field(default=None, repr=False)
    scope: str | None = attrs.field(default=None, kw_only=True)
    """Such as `market:id:xYZkjABcde`; several are separated by one space. None for all that the client may read."""

    def __attrs_post_init__(self) -> None:
        if not as_text(self.client_id):
            raise ConfigurationError("client_id must be a string that is not empty")

    def __reduce__(self) -> tuple[Any, ...]:
        raise _unpicklable(self)

    def form(self) -> dict[str, str]:
        """The members of a token request."""
        given = {"client_id": self.client_id, "client_secret": self.client_secret, "scope": self.scope}
        return {"grant_type": "client_credentials"} | {name: text for name, text in given.items() if text}


TokenSource = Callable[[], Awaitable[str]]
"""Any async callable that gives a bearer token, asked before each use: a vault, a cache, another client."""

Auth = AccessToken | ClientCredentials | TokenSource
"""What a session may be given to authenticate with."""


@attrs.frozen
class Token:
    """A token that was handed out, on the clock that counts its life."""

    value: str = attrs.field(repr=False)
    renew_at: float
    """When a new one is due, in seconds of the monotonic clock."""


def token_of(status: int, body: bytes, *, now: float, secret: str | None) -> Token:
    """The token that the token endpoint's answer holds, received at `now`.

    Raises:
        AuthError: the answer is a refusal, or holds no usable token.
    """
    text = mask(body.decode(errors="replace"), secret)
    try:
        answer = as_object(loads(text.encode()))
    except DecodeError as error:
        answer = None
        reason = error.got
    else:
        reason = "no object"
    if answer is None:
        raise AuthError(f"the token endpoint answered {status} with {reason}", status=status)
    if status != 200:  # noqa: PLR2004 - RFC 6749, section 5.1
        raise _refusal(status, answer)
    value = as_text(answer.get("access_token"))
    if value is None or not _TOKEN.fullmatch(value):
        raise AuthError("the token endpoint's answer has no usable access_token", status=status)
    kind = answer.get("token_type", "bearer")
    if not isinstance(kind, str) or kind.lower() != "bearer":
        raise AuthError("the token endpoint's token_type is not bearer, so its token must not be used", status=status)
    return Token(value, now + _RENEW_AT * _life(answer.get("expires_in")))


def _life(seconds: object) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 1 <= seconds <= _MAX_LIFE:
        return float(seconds)
    return _DEFAULT_LIFE


def _refusal(status: int, answer: Mapping[str, Any]) -> AuthError:
    errors = errors_from_json(answer.get("errors"))
    # The plain shape of RFC 6749, section 5.2, was the service's until 2024.
    named = answer.get("error")
    code = errors[0].title if errors else named if isinstance(named, str) else None
    said = "; ".join(map(str, errors)) or printable(str(answer.get("error_description") or code or "no reason given"))
    return AuthError(
        f"the token endpoint refused with {status}: {said}; check the credentials", status=status, code=code
    )


def _check_token(token: object) -> None:
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ConfigurationError("the access token has characters that a bearer token cannot have (RFC 6750, 2.1)")


def usable(token: object) -> str:
    """A token that a caller's function gave, if it is one.

    Raises:
        AuthError: it is not.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise AuthError("the token function gave no usable bearer token")
    return token


def _unpicklable(credentials: object) -> TypeError:
    return TypeError(f"{type(credentials).__name__} holds a secret and does not pickle; make it where it is used")
