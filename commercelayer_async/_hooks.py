"""Seeing what happens: callables that a program gives, and what they are told.

A hook is told of a fact and cannot change it. One that raises is logged and passed over.
"""

import logging
from collections.abc import Callable
from typing import Any, Final

import attrs

from .errors import CommerceLayerError

_log: Final = logging.getLogger("commercelayer_async")


@attrs.define(eq=False)
class Call:
    """One call of a program, with all its tries; the same object for every hook of the call."""

    method: str
    url: str
    """Without the query, which may hold what nobody should log."""
    tries: int = 0
    """Requests sent so far."""
    waited: float = 0.0
    """Seconds spent waiting for rate limits so far."""
    context: Any = None
    """For the hooks' own use, such as a span."""


@attrs.frozen
class Answered:
    """What the answer to one try was."""

    status: int
    request_id: str | None
    seconds: float
    """From sending to the last byte."""


@attrs.frozen(kw_only=True)
class Hooks:
    """What to call, and when; every one may be None."""

    started: Callable[[Call], None] | None = None
    """A call begins."""
    sending: Callable[[Call], None] | None = None
    """A request is about to leave."""
    answered: Callable[[Call, Answered], None] | None = None
    """An answer came, whatever its status."""
    waiting: Callable[[Call, float], None] | None = None
    """A rate limit made the call wait so many seconds."""
    retrying: Callable[[Call, CommerceLayerError, float], None] | None = None
    """A try failed; another follows after so many seconds."""
    ended: Callable[[Call, BaseException | None], None] | None = None
    """The call is over, with this error or None; also when it was cancelled."""
    token: Callable[[], None] | None = None
    """A new token was received."""


NONE: Final = Hooks()


def call_hook(hook: Callable[..., None] | None, *facts: Any) -> None:
    """Call a hook, if there is one."""
    if hook is None:
        return
    try:
        hook(*facts)
    except Exception as error:  # noqa: BLE001 - a hook is the caller's, and may raise anything
        _log.warning("a hook raised %s: it is passed over", type(error).__name__)
