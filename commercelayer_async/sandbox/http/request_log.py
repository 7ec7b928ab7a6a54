"""What a sandbox keeps of each request that it received."""

from functools import lru_cache

import attrs

from ..._markers import public


@public("commercelayer_async.sandbox")
@attrs.define
class ReceivedRequest:
    """A request as it arrived, and what became of it."""

    method: str
    raw_path: str
    """Path and query byte for byte as they were sent, still percent-encoded."""
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """In the order of arrival. They hold the bearer token, so they stay out of the repr."""
    status: int | None = None
    """The status of the response. None until it is made, and if the connection is reset before the headers."""
    fault: str | None = None
    """The name of the fault that was injected; None for none."""
    arrived_at: float = 0.0
    """When it arrived, in seconds on the clock of the rate windows."""
    address: str = ""
    """The IP address of the client, by which its rate windows are kept."""


@lru_cache(1024)
def intern_headers(headers: tuple[tuple[str, str], ...]) -> tuple[tuple[str, str], ...]:
    """Give one tuple for all equal headers: a client repeats them in every request, and the log keeps them."""
    return headers
