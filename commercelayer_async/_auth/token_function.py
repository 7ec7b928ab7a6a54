"""A token from an async function of the caller's, which may raise, be cancelled, or give anything."""

import asyncio
import inspect
from typing import cast

from ..errors import AuthError, CommerceLayerError
from .credentials import TokenSource, usable


async def token_from(source: TokenSource) -> str:
    """What a function of the caller's gives.

    Raises:
        AuthError: it raised, which is the cause, or gave no token. What this package raises is passed on as it is.
    """
    task = cast("asyncio.Task[object]", asyncio.current_task())  # whatever awaits runs in a task
    cancelling = task.cancelling()
    try:
        given: object = source()
        token = await given if inspect.isawaitable(given) else given
    except CommerceLayerError:
        raise
    except asyncio.CancelledError:
        if task.cancelling() > cancelling:
            raise
        # Nobody cancelled this call: something inside was, and that is no reason for it to look cancelled.
        raise AuthError("the token function was cancelled from within; see what it awaits") from None
    except Exception as error:
        raise AuthError(f"the token function raised {type(error).__name__}") from error
    if not inspect.isawaitable(given):
        raise AuthError(f"the token function returned {type(given).__name__}, not an awaitable; it must be async")
    return usable(token)
