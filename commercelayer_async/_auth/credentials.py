"""Credentials and tokens: what is sent to the token endpoint, and what its response means.

Facts: docs.commercelayer.io, "Authentication"; RFC 6749 (OAuth 2.0), RFC 6750 (bearer tokens), RFC 7519 (JWT).
"""

import base64
import binascii
import hashlib
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol

import attrs

from .._markers import public
from .._text import Secret, printable, redact_exact
from ..errors import AuthError, ConfigurationError, DecodeError
from ..jsonapi._json import as_object, as_text, loads
from ..jsonapi.objects import errors_from_json

_TOKEN: Final = re.compile(r"[A-Za-z0-9._~+/=-]{1,16384}")
_DEFAULT_LIFE: Final = 7200.0
"""Seconds that a token lives where the answer does not say: the shortest life that the API documents."""
_MAX_LIFE: Final = 15 * 24 * 3600.0
_RENEW_FROM: Final = 0.75
"""Share of its life after which a token is renewed in the background, drawn between this and ten points more, so that
the processes of a fleet do not come together. The API honours an old token for 15 minutes beside the new one."""
_RENEW_SPREAD: Final = 0.1
_MARGIN: Final = 0.05
"""Share of its life, and at most `_MOST_MARGIN` seconds, in which a token is not sent any more."""
_MOST_MARGIN: Final = 30.0


def _secret(value: Any) -> Any:
    """Wrap a text so that `repr` shows nothing of it; leave anything else for the checks to refuse."""
    return Secret(value) if isinstance(value, str) else value


class _Secret:
    """The base of what holds a secret, and therefore does not pickle."""

    __slots__ = ()

    def __reduce__(self) -> tuple[Any, ...]:
        raise TypeError(f"{type(self).__name__} holds a secret and does not pickle; make it where it is used")


@public("commercelayer_async")
@attrs.frozen
class AccessToken(_Secret):
    """A bearer token from elsewhere; it is used as it is and never renewed."""

    token: str = attrs.field(repr=False, converter=_secret)

    def __attrs_post_init__(self) -> None:
        _require_token(self.token)


@public("commercelayer_async")
@attrs.frozen
class ClientCredentials(_Secret):
    """The grant for a program on its own behalf: an integration with its secret, or a sales channel with a scope."""

    client_id: str
    client_secret: str | None = attrs.field(default=None, repr=False, converter=_secret)
    scope: str | None = attrs.field(default=None, kw_only=True)
    """Such as `market:id:xYZkjABcde`; several are separated by one space. None for all that the client may read."""

    grant_type = "client_credentials"

    def __attrs_post_init__(self) -> None:
        _require(self, "client_id")


@public("commercelayer_async")
@attrs.frozen
class Password(_Secret):
    """The grant for a customer who logs in with e-mail and password; renewed by the refresh token that comes back."""

    client_id: str
    username: str = attrs.field(repr=False, converter=_secret)
    password: str = attrs.field(repr=False, converter=_secret)
    scope: str | None = attrs.field(default=None, kw_only=True)

    grant_type = "password"

    def __attrs_post_init__(self) -> None:
        _require(self, "client_id", "username", "password")


@public("commercelayer_async")
@attrs.frozen
class RefreshToken(_Secret):
    """The grant for whoever holds a refresh token; each answer brings the next one."""

    client_id: str
    refresh_token: str = attrs.field(repr=False, converter=_secret)
    client_secret: str | None = attrs.field(default=None, repr=False, converter=_secret)

    grant_type = "refresh_token"

    def __attrs_post_init__(self) -> None:
        _require(self, "client_id", "refresh_token")


@public("commercelayer_async")
@attrs.frozen
class AuthorizationCode(_Secret):
    """The grant for a web application that a user has let in; the code works once, then the refresh token does."""

    client_id: str
    client_secret: str = attrs.field(repr=False, converter=_secret)
    code: str = attrs.field(repr=False, converter=_secret)
    redirect_uri: str
    scope: str | None = attrs.field(default=None, kw_only=True)

    grant_type = "authorization_code"

    def __attrs_post_init__(self) -> None:
        _require(self, "client_id", "client_secret", "code", "redirect_uri")


@public("commercelayer_async")
@attrs.frozen
class JwtBearer(_Secret):
    """The grant for whoever acts for a customer or user by an assertion (RFC 7523); for enterprise plans."""

    client_id: str
    client_secret: str = attrs.field(repr=False, converter=_secret)
    assertion: str = attrs.field(repr=False, converter=_secret)
    scope: str | None = attrs.field(default=None, kw_only=True)

    grant_type = "urn:ietf:params:oauth:grant-type:jwt-bearer"

    def __attrs_post_init__(self) -> None:
        _require(self, "client_id", "client_secret", "assertion")


Credentials = ClientCredentials | Password | RefreshToken | AuthorizationCode | JwtBearer
"""What is exchanged for a token at the token endpoint."""

TokenSource = Callable[[], Awaitable[str]]
"""Any async callable that gives a bearer token, asked before each request: a vault, a cache, another client."""

Auth = AccessToken | Credentials | TokenSource
"""What a session may be given to authenticate with."""


@attrs.frozen(kw_only=True)
class Token(_Secret):
    """A token in use, and how long it is good for on the clock of whoever holds it."""

    value: str = attrs.field(repr=False, converter=_secret)
    renew_at: float
    """From when on a new one should be asked for, in the background."""
    unusable_at: float
    """From when on it is not sent any more."""
    refresh_token: str | None = attrs.field(default=None, repr=False, converter=_secret)
    """What the next token is asked for with, where the grant gave one."""


@public("commercelayer_async")
class TokenStore(Protocol):
    """Where tokens are kept so that several processes may share them; by default a session keeps its own in memory.

    Keys are opaque and hold no secret; values are secrets. Times are POSIX seconds, for clocks of several machines. A
    store that fails is logged and done without.
    """

    async def load(self, key: str) -> "StoredToken | None":
        """The token last saved under `key`; None if there is none."""
        ...

    async def save(self, key: str, token: "StoredToken") -> None:
        """Keep a token under `key`, in place of what is there."""
        ...


@public("commercelayer_async")
@attrs.frozen(kw_only=True)
class StoredToken:
    """A token as it is kept in a store."""

    value: str = attrs.field(repr=False, converter=_secret)
    received_at: float
    """POSIX seconds."""
    life: float
    """Seconds from then on."""
    refresh_token: str | None = attrs.field(default=None, repr=False, converter=_secret)


def form_of(credentials: Credentials, refresh_token: str | None = None) -> dict[str, str]:
    """The members of a token request; with a refresh token of an earlier answer, those of the refresh grant."""
    if refresh_token is not None:
        credentials = RefreshToken(
            credentials.client_id,
            refresh_token,
            None if isinstance(credentials, Password) else credentials.client_secret,
        )
    given: dict[str, str | None] = {
        field.name: getattr(credentials, field.name) for field in attrs.fields(type(credentials))
    }
    return {"grant_type": credentials.grant_type} | {name: text for name, text in given.items() if text}


def store_key(credentials: Credentials, auth_url: str) -> str:
    """What a token is kept under: the same for the same client, grant, scope and server; it tells nothing of them."""
    form = form_of(credentials)
    named = [auth_url, *(form.get(name, "") for name in ("grant_type", "client_id", "scope", "username"))]
    return "commercelayer-token-" + hashlib.sha256("\n".join(named).encode()).hexdigest()[:32]


def stored_of(status: int, body: bytes, *, at: float, secrets: tuple[str | None, ...]) -> StoredToken:
    """The token in the token endpoint's response, received at POSIX time `at`.

    Raises:
        AuthError: the response is a refusal, or holds no usable token.
    """
    try:
        answer = as_object(loads(redact_exact(body.decode(errors="replace"), *secrets).encode()))
    except DecodeError as error:
        raise AuthError(f"the token endpoint answered {status} with {error.got}", status=status) from None
    if answer is None:
        raise AuthError(f"the token endpoint answered {status} with JSON that is not an object", status=status)
    if status != 200:  # noqa: PLR2004 - RFC 6749, section 5.1
        raise _refusal(status, answer)
    value = as_text(answer.get("access_token"))
    if value is None or not _TOKEN.fullmatch(value):
        raise AuthError("the token endpoint's response has no usable access_token", status=status)
    token_type = as_text(answer.get("token_type", "bearer"))
    if token_type is None or token_type.lower() != "bearer":
        raise AuthError("the token endpoint's token_type is not bearer, so its token must not be used", status=status)
    refresh_token = as_text(answer.get("refresh_token"))
    return StoredToken(value=value, received_at=at, life=_life(answer.get("expires_in")), refresh_token=refresh_token)


def token_of(stored: StoredToken, *, now: float, age: float, spread: float) -> Token:
    """A stored token on the clock that says `now`, received `age` seconds before; `spread` is chance, 0.0 to 1.0."""
    received = now - max(0.0, age)
    margin = min(_MOST_MARGIN, stored.life * _MARGIN)
    return Token(
        value=stored.value,
        renew_at=received + stored.life * (_RENEW_FROM + _RENEW_SPREAD * spread),
        unusable_at=received + stored.life - margin,
        refresh_token=stored.refresh_token,
    )


def claims_of(token: str) -> dict[str, Any]:
    """The claims of a JSON Web Token, unverified: good for defaults, never for trust. Empty for any other token."""
    parts = token.split(".")
    if len(parts) != 3:  # noqa: PLR2004 - header, claims, signature
        return {}
    try:
        text = base64.urlsafe_b64decode(parts[1] + "=" * (-len(parts[1]) % 4))
        return as_object(loads(text)) or {}
    except (DecodeError, binascii.Error, ValueError):
        return {}


def usable(token: object) -> str:
    """Check a token that a caller's function returned.

    Raises:
        AuthError: it is not a bearer token.
    """
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise AuthError("the token function returned no usable bearer token")
    return Secret(token)


def _life(seconds: object) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 1 <= seconds <= _MAX_LIFE:
        return float(seconds)
    return _DEFAULT_LIFE


def _refusal(status: int, answer: Mapping[str, Any]) -> AuthError:
    errors = errors_from_json(answer.get("errors"))
    # The plain shape of RFC 6749, section 5.2, was the service's until 2024.
    named = as_text(answer.get("error"))
    code = errors[0].title if errors else named
    reasons = "; ".join(map(str, errors[:3])) or printable(
        str(answer.get("error_description") or code or "no reason given")
    )
    return AuthError(
        f"the token endpoint refused with {status}: {reasons}; check the credentials", status=status, code=code
    )


def _require_token(token: object) -> None:
    if not isinstance(token, str) or not _TOKEN.fullmatch(token):
        raise ConfigurationError("the access token has characters that a bearer token cannot have (RFC 6750, 2.1)")


def _require(credentials: object, *names: str) -> None:
    for name in names:
        if not as_text(getattr(credentials, name)):
            raise ConfigurationError(f"{name} must be a string that is not empty")
