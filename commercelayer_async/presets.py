"""Options that go together, by the kind of program that makes a session.

Session("yourdomain", auth, **presets.WEB)
session.with_options(**presets.WORKER)
"""

from typing import Final, TypedDict

from ._limits.limiter import Priority
from ._retry import Retry


class Options(TypedDict):
    """What a preset sets."""

    timeout: float
    retry: Retry
    priority: Priority


WEB: Final[Options] = {"timeout": 8.0, "retry": Retry.web(), "priority": Priority.INTERACTIVE}
"""For a request handler: an answer or an error while its own caller still waits."""

WORKER: Final[Options] = {"timeout": 300.0, "retry": Retry.worker(), "priority": Priority.BULK}
"""For a bulk worker: time to wait for the rate limits and to sit out an outage, behind interactive calls."""
