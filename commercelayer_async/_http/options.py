"""How a session speaks HTTP, as one value."""

import ssl as tls
from typing import TYPE_CHECKING

import attrs

from .._checks import require_number
from ..errors import ConfigurationError

if TYPE_CHECKING:
    import aiohttp


@attrs.frozen(kw_only=True)
class HttpOptions:
    """What every connection of a session has in common; see `Session` for what each means."""

    max_connections: int = 100
    max_body: int = 16 * 2**20
    http: "aiohttp.ClientSession | None" = None
    ssl: tls.SSLContext | None = None
    trust_env: bool = False
    user_agent: str | None = None

    def __attrs_post_init__(self) -> None:
        require_number("max_connections", self.max_connections)
        require_number("max_body", self.max_body)
        if self.user_agent is not None and not _is_header_text(self.user_agent):
            raise ConfigurationError("user_agent must be printable ASCII text")

    @property
    def connections(self) -> int:
        """Connections at most: `max_connections`, but at most half of the files that the process may open."""
        return cap_to_open_file_limit(int(self.max_connections))


def _is_header_text(text: object) -> bool:
    return isinstance(text, str) and text.isascii() and text.isprintable()


def cap_to_open_file_limit(wanted: int) -> int:
    """Connections that the process may have: `wanted`, but at most half of the files that it may open."""
    try:
        # Absent on Windows, whose limit is far away.
        import resource  # noqa: PLC0415
    except ImportError:
        return wanted
    files, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return wanted if files == resource.RLIM_INFINITY else max(1, min(wanted, files // 2))
