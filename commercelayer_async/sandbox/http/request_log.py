"""What a sandbox remembers of the requests it got."""

import attrs


@attrs.define
class ReceivedRequest:
    """A request as it came in."""

    method: str
    raw_path: str
    """The target on the wire, byte for byte, percent-encoding and query included."""
    headers: tuple[tuple[str, str], ...] = attrs.field(repr=False)
    """In the order of arrival. They hold the bearer token, so they stay out of the repr."""
    status: int | None = None
    """What was answered; None while the answer is being made, and where no answer left the server."""
    fault: str | None = None
    """The name of the fault injected into its answer; None for none."""
    arrived_at: float = 0.0
    """Seconds on the clock that the rate windows go by."""
