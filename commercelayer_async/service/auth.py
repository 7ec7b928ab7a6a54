"""How a service is told who asks: which header carries a session's secret, and where tokens are asked for.

A value of these holds no secret. The secret is the session's, and goes to the session's origin alone.
"""

import base64
import re
from typing import Final

import attrs

from .._markers import public
from .._text import Secret, printable
from ..errors import ConfigurationError
from .filtering import require_holes, words

_NAME: Final = re.compile(r"[A-Za-z0-9!#$%&'*+.^_`|~-]{1,64}")
"""A header's name (RFC 9110, 5.1)."""
_VALUE: Final = re.compile(r"[!-~]([ -~]*[!-~])?")
"""What a header can hold on every way that a request takes: printable ASCII, without blanks around it."""
_LONGEST: Final = 16384
_OURS: Final = words(
    "accept accept-encoding authorization connection content-encoding content-length content-type cookie expect host"
    " if-match if-modified-since if-none-match if-range if-unmodified-since keep-alive proxy-authorization"
    " proxy-connection range te trailer transfer-encoding upgrade user-agent"
)
"""Headers that are the transport's own affair, or would make another request of one that reads."""
_HINTS: Final = {
    "accept": "; say accept=",
    "authorization": "; say auth=",
    "user-agent": "; say the session's user_agent=",
}
_CONTROL: Final = re.compile(r"[\x00-\x1f\x7f\ud800-\udfff]")
_SHORTEST_PAIR: Final = 2
"""Characters of a name and a password together, with the colon between them."""


def require_header(name: object, value: object, what: str, *, besides: str = "") -> None:
    """Refuse a header that cannot be sent, or that is not the service's to choose.

    `besides` is one of the transport's that may be chosen all the same, in lower case.

    Raises:
        ConfigurationError: naming the header, never its value.
    """
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"{what}: {printable(repr(name), 60)} is not the name of a header, such as 'revision'")
    if name.lower() in _OURS and name.lower() != besides:
        raise ConfigurationError(
            f"{what}: {name} is set by the transport and cannot be chosen{_HINTS.get(name.lower(), '')}"
        )
    if not isinstance(value, str) or not is_header_value(value):
        raise ConfigurationError(f"{what}: the value of {name} must be printable ASCII on one line")


def is_header_value(text: str) -> bool:
    """True if a header can hold a text."""
    return len(text) <= _LONGEST and _VALUE.fullmatch(text) is not None


@public("commercelayer_async.service")
@attrs.frozen
class Header:
    """A header with the secret in it: `Header("Authorization", "Klaviyo-API-Key {}")`, `Header("x-api-key")`."""

    name: str = "Authorization"
    template: str = "{}"
    """The header's value; `{}` stands for the secret."""

    def __attrs_post_init__(self) -> None:
        require_header(self.name, self.template, "Header", besides="authorization")
        require_holes("Header.template", self.template, "")

    def value(self, secret: str) -> str:
        """The value of the header for a secret."""
        before, _, after = self.template.partition("{}")
        return f"{before}{secret}{after}"

    def secret_of(self, value: str) -> str:
        """The secret in a value of the header."""
        before, _, after = self.template.partition("{}")
        return value.removeprefix(before).removesuffix(after)

    def secrets_in(self, secret: str) -> tuple[str, ...]:
        """What is masked wherever a server echoes it."""
        return (secret,)


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class OAuth2:
    """A bearer token, which credentials are exchanged for (RFC 6749, RFC 6750)."""

    token_path: str = "/oauth/token"  # noqa: S105 - a path
    """Where tokens are asked for, below the URL of the authorization server (RFC 6749, 3.2)."""
    revoke_path: str = "/oauth/revoke"
    """Where tokens are revoked (RFC 7009)."""
    sends_json: bool = False
    """True for a token endpoint that takes JSON; a form is what RFC 6749 asks for."""

    name: str = attrs.field(default="Authorization", init=False)

    def value(self, secret: str) -> str:
        """The value of the header for a token."""
        return f"Bearer {secret}"

    def secret_of(self, value: str) -> str:
        """The token in a value of the header."""
        return value.removeprefix("Bearer ")

    def secrets_in(self, secret: str) -> tuple[str, ...]:
        """What is masked wherever a server echoes it."""
        return (secret,)


@public("commercelayer_async.service")
@attrs.frozen
class Basic:
    """A user's name and password, or a key and its secret (RFC 7617): the session's `auth` is a pair of texts."""

    name: str = attrs.field(default="Authorization", init=False)

    def value(self, secret: str) -> str:
        """The value of the header for a pair that `encode` made one text of."""
        return f"Basic {secret}"

    def secret_of(self, value: str) -> str:
        """The text of the pair in a value of the header."""
        return value.removeprefix("Basic ")

    def secrets_in(self, secret: str) -> tuple[str, ...]:
        """What is masked wherever a server echoes it: the text, the pair, and each of the two."""
        pair = Secret(base64.b64decode(secret).decode())
        user, _, password = pair.partition(":")
        return (secret, pair, password, user)

    @staticmethod
    def encode(user: str, password: str) -> str:
        """One text of the two, as the header has it.

        Raises:
            ConfigurationError: the name holds a colon, one of them what is not a character, or both are empty.
        """
        pair = Secret(f"{user}:{password}")
        if ":" in user or _CONTROL.search(pair) or not _SHORTEST_PAIR <= len(pair) <= _LONGEST // 2:
            raise ConfigurationError(
                "auth: a user's name and a password must be texts without control characters, and the name without a"
                " colon"
            )
        return base64.b64encode(pair.encode()).decode()


Scheme = Header | Basic | OAuth2
"""How a secret is sent."""

BEARER: Final = Header("Authorization", "Bearer {}")
"""A token as it is (RFC 6750)."""
