"""The one redirect that is followed: to the same place, with a slash at its end or without.

Services that are strict about it send 301 for one of the two forms. Whatever a `Location` says, what is sent then is
the target that was to be sent anyway, with or without that slash, on the same origin; so nothing is taken from it.
"""

from collections.abc import Mapping
from typing import Final
from urllib.parse import SplitResult, parse_qsl, unquote, urljoin, urlsplit

from .message import Response

_MOVED: Final = frozenset({301, 302, 307, 308})
_PORTS: Final = {"http": 80, "https": 443}
_LONGEST: Final = 4096


class SlashRedirect(Exception):
    """A response that sends a request to the same path with a slash at its end, or without."""

    def __init__(self, *, slash: bool) -> None:
        super().__init__(slash)
        self.slash = slash
        """Whether the path is to end in a slash."""


def require_no_slash(response: Response, *, origin: str, target: str) -> None:
    """Tell a response that may be followed from all others.

    Raises:
        SlashRedirect: it is a redirect, and sends to the same path with a slash, or without.
    """
    slash = slash_asked_for(response.status, response.headers, origin=origin, target=target)
    if slash is not None:
        raise SlashRedirect(slash=slash)


def slash_asked_for(status: int, headers: Mapping[str, str], *, origin: str, target: str) -> bool | None:
    """True if a response sends a request to the same path with a slash at its end, False for one without it.

    None for any other response: another status, or a redirect to anywhere else.
    """
    location = headers.get("Location", "") if status in _MOVED else ""
    if not location or len(location) > _LONGEST:
        return None
    url = f"{origin}{target}"
    try:
        asked, sent = urlsplit(urljoin(url, location)), urlsplit(url)
        if _place(asked) != _place(sent) or "@" in asked.netloc or asked.fragment:
            return None
    except ValueError:
        return None
    has_slash = sent.path.endswith("/")
    without, other = (sent.path[:-1], asked.path) if has_slash else (asked.path[:-1], sent.path)
    adds_one = asked.path.endswith("/") and not has_slash
    if not (adds_one or (has_slash and not asked.path.endswith("/"))) or not without.strip("/"):
        return None
    return not has_slash if unquote(without) == unquote(other) else None


def with_slash(target: str, slash: bool) -> str:  # noqa: FBT001 - what it is about
    """A target whose path ends in one slash, or in none."""
    path, question, query = target.partition("?")
    stripped = path.rstrip("/")
    return f"{stripped}{'/' if slash or not stripped else ''}{question}{query}"


def _place(parts: SplitResult) -> tuple[object, ...]:
    """What must not change: origin and query, however its characters are encoded."""
    port = parts.port or _PORTS.get(parts.scheme)
    return parts.scheme, parts.hostname, port, parse_qsl(parts.query, keep_blank_values=True)
