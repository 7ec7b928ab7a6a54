"""How a session speaks HTTP, as one value."""

import ssl as tls
from collections.abc import Mapping
from typing import TYPE_CHECKING, Final

import attrs

from .._checks import require_number
from .._plain import make_plain
from .._text import printable
from ..errors import ConfigurationError
from ..jsonapi import JSON_API

if TYPE_CHECKING:
    import aiohttp

_FRAMING_HEADERS: Final = frozenset({"content-length", "expect", "transfer-encoding"})
"""Headers that say how a body follows. aiohttp acts on them while it makes a request, so none can be taken back."""


@attrs.frozen(kw_only=True)
class HttpOptions:
    """What every connection of a session has in common; see `Session` for what each means."""

    max_connections: int = 100
    max_body: int = 16 * 2**20
    http: "aiohttp.ClientSession | None" = None
    ssl: tls.SSLContext | None = None
    trust_env: bool = False
    user_agent: str | None = None

    # What the service asks for, which the session's origin gets and the token endpoint does not
    accept: str = JSON_API
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], repr=False)
    authorized_by: str = "Authorization"
    """The header that carries the session's secret."""
    by_slug: bool = True
    """Whether the host may follow from an organization's slug, of which an error asks then whether it is right."""
    sends_json: bool = True
    """False for a token endpoint that takes a form, and not JSON."""

    def __attrs_post_init__(self) -> None:
        for name in ("max_connections", "max_body"):
            object.__setattr__(self, name, require_number(name, getattr(self, name)))
        make_plain(self, "user_agent")
        if self.user_agent is not None and not _is_header_text(self.user_agent):
            raise ConfigurationError("user_agent must be printable ASCII text, such as 'shop/1.4'")
        if self.http is not None:
            _require_usable(self.http)

    @property
    def connections(self) -> int:
        """Connections at most: `max_connections`, but at most half of the files that the process may open."""
        return cap_to_open_file_limit(int(self.max_connections))


def _require_usable(http: "aiohttp.ClientSession") -> None:
    """Refuse a session of the caller's that adds what a request cannot take back.

    All else is taken back with each request: `raise_for_status`, `auto_decompress`, time-outs, headers, `.netrc`.
    """
    if getattr(http, "auth", None) is not None:
        raise ConfigurationError(
            "the aiohttp session given as http= sends credentials of its own (auth=), which would stand in place of the"
            " token; give one without them"
        )
    for name in getattr(http, "headers", ()):
        if name.lower() in _FRAMING_HEADERS:
            raise ConfigurationError(
                f"the aiohttp session given as http= sends {printable(name, 40)!r} with every request, which breaks"
                " requests without a body; give one without it"
            )


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()


def cap_to_open_file_limit(wanted: int) -> int:
    """Connections that the process may have: `wanted`, but at most half of the files that it may open."""
    try:
        import resource  # noqa: PLC0415 - absent on Windows, whose limit is far away
    except ImportError:
        return wanted
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, files // 2))
