"""What may differ from call to call, as one value that checks itself."""

from typing import Any, Final, TypedDict

import attrs

from .._checks import require_instance, require_number
from .._hooks import Hooks
from .._limits.budget import Priority
from .._plain import plain_text
from .._retry import Retry
from ..errors import ConfigurationError


def _priority(value: Any) -> Priority:
    try:
        return Priority(plain_text(value) or "")
    except ValueError:
        raise ConfigurationError("priority must be 'interactive' or 'bulk'") from None


@attrs.frozen(kw_only=True)
class CallOptions:
    """How one call is made; a session has one, and a copy made by `with_options` another."""

    timeout: float | None = 30.0
    """Seconds for a whole call; None for as long as it takes."""
    retry: Retry = attrs.field(factory=Retry)
    priority: Priority = attrs.field(default=Priority.INTERACTIVE, converter=_priority)
    hooks: Hooks = attrs.field(factory=Hooks)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "timeout", require_number("timeout", self.timeout, none=True))
        require_instance("retry", self.retry, Retry, "a Retry, such as Retry.web()")
        require_instance("hooks", self.hooks, Hooks, "Hooks(...)")


class Preset(TypedDict):
    """Options that go together."""

    timeout: float
    retry: Retry
    priority: Priority


WEB: Final[Preset] = {"timeout": 8.0, "retry": Retry.web(), "priority": Priority.INTERACTIVE}
"""For a request handler: a result or an error while its own caller still waits."""

WORKER: Final[Preset] = {"timeout": 300.0, "retry": Retry.worker(), "priority": Priority.BULK}
"""For a bulk worker: time to wait for the rate limits and to sit out an outage, behind interactive calls."""
