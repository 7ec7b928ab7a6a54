"""Foreign text made fit for a message or a log: one line, printable, short.

Servers, documents and callers hand us text that we quote. Quoted as it is, a line break forges a log entry and an
escape code rewrites a terminal (CWE-117), so everything foreign passes through here on its way to a message.
"""

import re
from collections.abc import Mapping
from typing import Any, Final

LIMIT: Final = 200
"""Characters of one quoted text that a message shows."""

_MASK: Final = "[masked]"
_SHORTEST_MASKED: Final = 8

_JSON_KINDS: Final[dict[type, str]] = {
    dict: "an object",
    list: "an array",
    str: "a string",
    bool: "a boolean",
    int: "a number",
    float: "a number",
    type(None): "null",
}

# Three base64url parts are a JSON Web Token, whoever made it; a few letters and `_` begin what Stripe hands out: stored
# payment methods, customers, keys. Other gateways' tokens look like anything.
_TOKEN: Final = re.compile(
    r"\b[Ee][Yy][\w-]{8,}\.[\w-]{4,}\.[\w-]*|(?i:\bbearer)\s+[\w.~+/=-]{4,}"
    r"|\b(?:ba|card|ch|cus|pi|pk|pm|rk|seti|sk|src|tok)_[A-Za-z0-9_]{8,}"
)


class Secret(str):
    """A text that is what it is wherever it is used, and shows nothing where it is printed for a programmer.

    Tracebacks with local variables, debuggers and error trackers print by `repr`.
    """

    __slots__ = ()

    def __repr__(self) -> str:
        return repr(_MASK)


def printable(text: str, limit: int = LIMIT) -> str:
    """`text` on one line, without control or direction characters and access tokens, at most `limit` characters."""
    shown = _TOKEN.sub(_MASK, text[: 4 * limit])
    shown = "".join(char if char.isprintable() else f"\\u{ord(char):04x}" for char in shown)
    return shown if len(shown) <= limit and len(text) <= 4 * limit else f"{shown[: limit - 1]}…"


def json_type_name(value: object) -> str:
    """What JSON calls `value`: "an object", "a number", …"""
    for known, name in _JSON_KINDS.items():
        if type(value) is known:
            return name
    return "an object" if isinstance(value, Mapping) else "a number"


def describe(value: object, *, secret: bool = False) -> str:
    """What a message says of a JSON value: its kind and, for a short scalar that is no secret, the value.

    Containers are never shown: what is inside them may be somebody's payment data.
    """
    name = json_type_name(value)
    if secret or value is None or isinstance(value, Mapping | list | tuple):
        return name
    return f"{name} ({printable(repr(value), 60)})"


def redact_exact(text: str, *secrets: str | None) -> str:
    """`text` without any of the `secrets`, for answers that echo what was sent.

    One shorter than eight characters stays: it is part of too many words, and masking these would show it.
    """
    for secret in secrets:
        if secret and len(secret) >= _SHORTEST_MASKED:
            text = text.replace(secret, _MASK)
    return text


def redact(text: str, *secrets: str | None) -> str:
    """`text` without any of the `secrets`, and without whatever else is a token by its looks."""
    return _TOKEN.sub(_MASK, redact_exact(text, *secrets))


def did_you_mean(word: str, known: Any) -> str:
    """`"; did you mean 'customer'?"` where one of the `known` names is close to `word`, else nothing."""
    from difflib import get_close_matches  # noqa: PLC0415 - only a mistake needs it

    close = get_close_matches(word, list(known), n=1)
    return f"; did you mean {close[0]!r}?" if close else ""
