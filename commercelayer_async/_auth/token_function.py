"""A token from a function of the caller's, which may raise, hang, be cancelled, or give anything."""

import asyncio
import inspect
from collections.abc import Callable
from typing import Final, cast

from .._clock import Clock
from .._tasks import consume_exception
from ..errors import AuthError, CommerceLayerError
from ..service import Scheme
from .credentials import Signed, TokenSource, usable

_LONGEST: Final = 30.0
"""Seconds that a function may take of which many wait."""


async def token_from(source: TokenSource, scheme: Scheme) -> str:
    """What an async function of the caller's gives.

    Raises:
        AuthError: it raised, which is the cause, or gave no token. What this package raises is passed on as it is.
    """
    given, is_async = await _outcome_of(source)
    if not is_async:
        raise AuthError(f"the token function returned {type(given).__name__}, not an awaitable; it must be async")
    return usable(given, scheme)


async def signed_by(signed: Signed, scheme: Scheme, clock: Clock) -> str:
    """What a caller's `Signed` makes, by a function that may be async; nobody waits forever for one that hangs.

    Raises:
        AuthError: as for `token_from`; or it took too long.
    """
    made = asyncio.ensure_future(_outcome_of(signed.make))
    made.add_done_callback(consume_exception)
    patience = asyncio.ensure_future(clock.sleep(_LONGEST))
    try:
        await asyncio.wait([made, patience], return_when=asyncio.FIRST_COMPLETED)
        if not made.done():
            raise AuthError(f"the token function gave nothing within {_LONGEST:g} s; see what it awaits")
        if made.cancelled():
            raise AuthError("the token function was cancelled from within; see what it awaits")
        given, _ = made.result()
    finally:
        made.cancel()
        patience.cancel()
    return usable(given, scheme)


async def _outcome_of(function: Callable[[], object]) -> tuple[object, bool]:
    """What a function gives, and whether it was awaited."""
    task = cast("asyncio.Task[object]", asyncio.current_task())  # whatever awaits runs in a task
    cancelling = task.cancelling()
    try:
        given = function()
        is_async = inspect.isawaitable(given)
        token: object = await given if inspect.isawaitable(given) else given
    except CommerceLayerError:
        raise
    except asyncio.CancelledError:
        if task.cancelling() > cancelling:
            raise
        # Nobody cancelled this call: something inside was, and that is no reason for it to look cancelled.
        raise AuthError("the token function was cancelled from within; see what it awaits") from None
    except Exception as error:
        raise AuthError(f"the token function raised {type(error).__name__}") from error
    return token, is_async
