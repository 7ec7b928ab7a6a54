"""Hooks: functions of the caller's that are called when something happens during a call.

A hook observes and cannot change anything: what it returns is ignored, and an exception that it raises is logged and
suppressed. Hooks are called in the event loop, between the steps of a call, so they must be quick.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import attrs

from ._limits.budget import RateState
from ._markers import public
from .errors import CommerceLayerError

_log: Final = logging.getLogger("commercelayer_async")


@public("commercelayer_async")
@attrs.define(eq=False)
class Call:
    """One call that the program made, with all its tries. Every hook of the call gets the same object."""

    method: str
    url: str
    """Without the query, which may hold personal data or secrets."""
    tries: int = 0
    """Requests sent so far."""
    waited: float = 0.0
    """Seconds spent waiting for rate limits so far."""
    context: Any = None
    """For the hooks' own use, such as a span. This package never reads or sets it."""


@public("commercelayer_async")
@attrs.frozen
class Answered:
    """The response to one try."""

    status: int
    request_id: str | None
    """The response's `X-Request-Id`; None if it has none."""
    seconds: float
    """From sending the request to the last byte of the response."""


@public("commercelayer_async")
@attrs.frozen(kw_only=True)
class Hooks:
    """The functions to call, by what happened; None to call nothing."""

    started: Callable[[Call], None] | None = None
    """A call began."""
    sending: Callable[[Call], None] | None = None
    """A request is about to be sent."""
    answered: Callable[[Call, Answered], None] | None = None
    """A response was received, whatever its status."""
    waiting: Callable[[Call, float], None] | None = None
    """A rate limit made the call wait this many seconds."""
    retrying: Callable[[Call, CommerceLayerError, float], None] | None = None
    """A try failed with this error; the next try follows after this many seconds."""
    ended: Callable[[Call, BaseException | None], None] | None = None
    """The call ended: with this error, or with None if it succeeded. A cancelled call ends with `CancelledError`."""
    token: Callable[[], None] | None = None
    """A new token was received."""
    store: Callable[[RateState], None] | None = None
    """The store of a rate budget that processes share was lost, or is back: `RateState.store_lost` says which. It is
    called once for each, whether calls are under way or not; a store that was lost from the start is told of too."""


def call_hook(hook: Callable[..., None] | None, *facts: Any, what: str = "a hook") -> None:
    """Call a function of the caller's with `facts`; None is not called. An exception is logged and suppressed.

    `what` names the function in the log. The log shows the exception's type alone, as its text may hold anything.
    """
    if hook is None:
        return
    try:
        hook(*facts)
    except Exception as error:  # noqa: BLE001 - the function is the caller's, and may raise anything
        _log.warning("%s raised %s: the error is ignored", what, type(error).__name__)
