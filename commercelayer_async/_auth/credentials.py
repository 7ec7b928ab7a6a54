"""Credentials and tokens: what is sent to the token endpoint, and what its response means.

Facts: docs.commercelayer.io, "Authentication"; RFC 6749 (OAuth 2.0), RFC 6750 (bearer tokens), RFC 7519 (JWT).
"""

import base64
import binascii
import hashlib
import json
import math
import re
from collections.abc import Awaitable, Callable, Mapping
from typing import Any, Final, Protocol, runtime_checkable

import attrs

from .._checks import require_number
from .._markers import public
from .._plain import make_plain, plain_text
from .._text import Secret, printable, redact_exact
from ..errors import AuthError, ConfigurationError, DecodeError
from ..jsonapi._json import as_array, as_object, as_text, loads
from ..jsonapi.objects import errors_from_json
from ..service import Basic, OAuth2, Scheme
from ..service.auth import is_header_value

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
_ERROR_NAMES: Final = frozenset(
    {
        "invalid_assertion",
        "invalid_client",
        "invalid_grant",
        "invalid_request",
        "invalid_scope",
        "unauthorized_client",
        "unsupported_grant_type",
    }
)
"""Names that a refusal may have (RFC 6749, 5.2). They are shown as they are, also where a password is one of them."""
_ABOUT_THE_CLIENT: Final = _ERROR_NAMES - {"invalid_grant"}
"""Refusals that would meet the credentials themselves as well."""


def _secret(value: Any) -> Any:
    """Wrap a text so that `repr` shows nothing of it; leave anything else for the checks to refuse."""
    text = plain_text(value)
    return value if text is None else Secret(text)


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
"""Any async callable that gives a token, asked before each request: a vault, a cache, another client.

It gives what the service's scheme takes: a bearer token, a key, or `"user:password"` for `Basic`.
"""


@public("commercelayer_async")
@attrs.frozen
class Signed(_Secret):
    """Tokens that the caller signs, such as App Store Connect's: `Signed(make_jwt, lasts=1200)`.

    `make` is called when the first token is needed and before the last one is over, once for all calls that wait, and
    again after a response 401. A new token is made in the background where there is time. What it raises, or gives that
    is not a token, is an `AuthError` in the calls that wait, and the next call tries again; so is one that takes longer
    than 30 seconds.
    """

    make: Callable[[], str | Awaitable[str]] = attrs.field(repr=False)
    """A function or a coroutine function that gives a token; a plain function is called in the event loop."""
    lasts: float = attrs.field(default=1200.0, kw_only=True)
    """Seconds for which a token is good, from the call of `make` on."""

    def __attrs_post_init__(self) -> None:
        if not callable(self.make):
            raise ConfigurationError(f"Signed: make must be a function that gives a token, not a {_kind(self.make)}")
        object.__setattr__(self, "lasts", float(require_number("Signed: lasts", self.lasts)))


@attrs.frozen
class FixedSecret(_Secret):
    """A secret as the service's scheme takes it, which never changes; empty for a session without one."""

    token: str = attrs.field(repr=False, converter=_secret)


Auth = AccessToken | Credentials | TokenSource | Signed
"""What a session may be given to authenticate with, whatever the service."""


@attrs.frozen(kw_only=True)
class Token(_Secret):
    """A token in use, and how long it is good for on the clock of whoever holds it."""

    value: str = attrs.field(repr=False, converter=_secret)
    renew_at: float
    """From when on a new one should be asked for, in the background."""
    unusable_at: float
    """From when on it is not sent any more."""


@public("commercelayer_async")
class TokenStore(Protocol):
    """Where tokens are kept so that several processes may share them; by default a session keeps its own in memory.

    A key stands for the credentials and the token endpoint: whoever presents others has another key. It is a hash, to
    be taken as it is; values are secrets. Times are POSIX seconds, for clocks of several machines. A store that raises,
    or takes longer than half a second to load, is logged and done without.
    """

    async def load(self, key: str) -> "StoredToken | None":
        """The token last saved under `key`; None if there is none."""
        ...

    async def save(self, key: str, token: "StoredToken") -> None:
        """Keep a token under `key`, in place of what is there."""
        ...

    async def delete(self, key: str) -> None:
        """Keep nothing under `key` any more; nothing may be there already."""
        ...


@public("commercelayer_async")
@runtime_checkable
class LockingTokenStore(TokenStore, Protocol):
    """A token store that says whose turn it is to ask for a token, so that of many processes one does.

    Whoever finds no good token takes the lock, looks once more, asks, saves and gives the lock back; while somebody
    else has it, sessions look every tenth of a second for what that one saves. Locking has the time of loading. A store
    that fails to lock, or gives nobody the lock for half a minute, is done without: the session asks for a token of its
    own.
    """

    async def lock(self, key: str, holder: str, *, seconds: float) -> bool:
        """Give the lock of `key` to `holder` for that time, from now on; False while another holder has it.

        Whoever has it already keeps it for longer. It ends by itself: a holder that was killed gives nothing back.
        """
        ...

    async def unlock(self, key: str, holder: str) -> None:
        """Give the lock back, if `holder` has it."""
        ...


@public("commercelayer_async")
@attrs.frozen(kw_only=True)
class StoredToken:
    """A token as it is kept in a store."""

    value: str = attrs.field(repr=False, converter=_secret)
    """Empty for one that has ended, kept for the sake of its refresh token."""
    received_at: float
    """POSIX seconds."""
    life: float
    """Seconds from then on."""
    refresh_token: str | None = attrs.field(default=None, repr=False, converter=_secret)
    """What the next token is asked for with, where the grant gave one."""


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
    """What a token is kept under: a hash of every member of the token request that `credentials` make, and of its URL.

    So whoever presents another secret, password, code, assertion or refresh token finds nothing. A session whose
    refresh tokens rotate keeps its key: it is that of the credentials which it was made with.
    """
    members = [auth_url, *sorted(form_of(credentials).items())]
    # Escaped, so that texts without a UTF-8 form have a key too; JSON, so that no two requests look the same.
    text = json.dumps(members, ensure_ascii=True, separators=(",", ":"))
    return "commercelayer-token-" + hashlib.sha256(text.encode("ascii")).hexdigest()


def stored_of(status: int, body: bytes, *, at: float, secrets: tuple[str | None, ...]) -> StoredToken:
    """The token in the token endpoint's response, received at POSIX time `at`; `secrets` are masked in errors.

    Raises:
        AuthError: the response is a refusal, or holds no usable token.
    """
    outcome = _read(status, body, at, secrets)
    # Raised out here, and without the body, which may echo what was sent: an error tracker shows a frame's variables.
    del body
    if isinstance(outcome, StoredToken):
        return outcome
    try:
        raise outcome
    finally:
        del outcome


def _read(status: int, body: bytes, at: float, secrets: tuple[str | None, ...]) -> StoredToken | AuthError:
    try:
        answer = as_object(loads(body.decode(errors="replace").encode()))
    except DecodeError as error:
        got = redact_exact(error.got, *secrets)
        return AuthError(f"the token endpoint answered {status} with {got}; check auth_url", status=status)
    if answer is None:
        return AuthError(
            f"the token endpoint answered {status} with JSON that is not an object; check auth_url", status=status
        )
    if status != 200:  # noqa: PLR2004 - RFC 6749, section 5.1
        return _refusal(status, answer, secrets)
    value = as_text(answer.get("access_token"))
    if value is None or not _TOKEN.fullmatch(value):
        return AuthError("the token endpoint's response has no usable access_token; check auth_url", status=status)
    token_type = as_text(answer.get("token_type", "bearer"))
    if token_type is None or token_type.lower() != "bearer":
        return AuthError(
            "the token endpoint's token_type is not bearer, the only one that is sent; check auth_url", status=status
        )
    refresh_token = as_text(answer.get("refresh_token")) or None
    return StoredToken(value=value, received_at=at, life=_life(answer.get("expires_in")), refresh_token=refresh_token)


def is_used_up(refusal: AuthError) -> bool:
    """True if the token endpoint refused what was to be exchanged, such as a refresh token that was used before.

    The API publishes neither the name nor the status, so any 400 or 401 counts that does not name the client.
    """
    name = (refusal.code or "").lower().replace(" ", "_")
    return refusal.status in (400, 401) and name not in _ABOUT_THE_CLIENT


def readable(kept: object) -> StoredToken | None:
    """What a store gave, if it is a token as it can have been saved; None for anything else."""
    if not isinstance(kept, StoredToken):
        return None
    members: Any = kept  # whatever its annotations say
    if not isinstance(members.value, str) or (members.value and not _TOKEN.fullmatch(members.value)):
        return None
    if members.refresh_token is not None and not as_text(members.refresh_token):
        return None
    if not all(isinstance(time, int | float) and math.isfinite(time) for time in (members.received_at, members.life)):
        return None
    return kept if 0 <= kept.life <= _MAX_LIFE else None


def is_good(kept: StoredToken, *, wall_time: float) -> bool:
    """True if a stored token may still be sent."""
    return bool(kept.value) and wall_time < kept.received_at + kept.life - _margin(kept.life)


def is_fresh(kept: StoredToken, *, wall_time: float) -> bool:
    """True if a stored token need not be renewed yet, by its age."""
    return bool(kept.value) and wall_time < kept.received_at + kept.life * _RENEW_FROM


def ended(kept: StoredToken) -> StoredToken:
    """What is left of a token that is not to be used any more: its refresh token."""
    return attrs.evolve(kept, value="", life=0.0)


def token_of(stored: StoredToken, *, now: float, age: float, spread: float) -> Token:
    """A stored token on the clock that says `now`, received `age` seconds before; `spread` is chance, 0.0 to 1.0."""
    received = now - max(0.0, age)
    return Token(
        value=stored.value,
        renew_at=received + stored.life * (_RENEW_FROM + _RENEW_SPREAD * spread),
        unusable_at=received + stored.life - _margin(stored.life),
    )


def _margin(life: float) -> float:
    return min(_MOST_MARGIN, life * _MARGIN)


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


def usable(token: object, scheme: Scheme) -> str:
    """Check a token that a caller's function returned, and give it as the scheme takes it.

    Raises:
        AuthError: it is not one that can be sent.
    """
    text = plain_text(token)
    wanted = "a bearer token"
    if isinstance(scheme, Basic):
        wanted = "'user:password'"
        text = None if text is None else _encoded(text)
    elif not isinstance(scheme, OAuth2):
        wanted = "a token that a header can hold"
    if not text or not (_TOKEN.fullmatch(text) if isinstance(scheme, OAuth2) else is_header_value(text)):
        what = f"a text that is not {wanted}" if isinstance(token, str) else type(token).__name__
        raise AuthError(f"the token function returned {what}; it must return {wanted} as a str")
    return Secret(text)


def _encoded(pair: str) -> str | None:
    user, colon, password = pair.partition(":")
    try:
        return Basic.encode(user, password) if colon else None
    except ConfigurationError:
        return None


def _kind(value: object) -> str:
    return type(value).__name__


def _life(seconds: object) -> float:
    if isinstance(seconds, int | float) and not isinstance(seconds, bool) and 1 <= seconds <= _MAX_LIFE:
        return float(seconds)
    return _DEFAULT_LIFE


def _refusal(status: int, answer: Mapping[str, Any], secrets: tuple[str | None, ...]) -> AuthError:
    try:
        errors = errors_from_json(_masked(answer.get("errors"), secrets))
    except RecursionError:
        errors = ()
    # The plain shape of RFC 6749, section 5.2, was the service's until 2024.
    named = _masked(as_text(answer.get("error")), secrets)
    code: str | None = errors[0].title if errors else named
    described = _masked(as_text(answer.get("error_description")), secrets)
    reasons = "; ".join(map(str, errors[:3])) or printable(described or code or "no reason given")
    return AuthError(
        f"the token endpoint refused with {status}: {reasons}; check the credentials", status=status, code=code
    )


def _masked(value: Any, secrets: tuple[str | None, ...]) -> Any:
    """A JSON value without the secrets that its texts quote. Before it is cut to a length: a part would show."""
    text, members, entries = as_text(value), as_object(value), as_array(value)
    if text is not None:
        return text if text in _ERROR_NAMES else redact_exact(text, *secrets)
    if members is not None:
        return {name: _masked(member, secrets) for name, member in members.items()}
    return [_masked(entry, secrets) for entry in entries] if entries is not None else value


def _require_token(token: object) -> None:
    text = plain_text(token)
    if text is None or not _TOKEN.fullmatch(text):
        # Without the words "bearer token", which would be masked as one.
        raise ConfigurationError(
            "the access token has characters that none can have (RFC 6750, 2.1); give the token alone, without the"
            " name of its scheme"
        )


def _require(credentials: attrs.AttrsInstance, *names: str) -> None:
    """Make what is not secret plain, as `_secret` makes what is; refuse what is not a text, and `names` without one."""
    fields = attrs.fields(type(credentials))
    make_plain(credentials, *(field.name for field in fields if field.repr))
    for field in fields:
        value = getattr(credentials, field.name)
        if field.name in names:
            if not plain_text(value):
                raise ConfigurationError(f"{field.name} must be a string that is not empty")
        elif value is not None and plain_text(value) is None:
            raise ConfigurationError(f"{field.name} must be a string or None")
