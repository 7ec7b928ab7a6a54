"""`commercelayer-async limits`: a rate budget that processes share, as it is now and as it changes."""

import asyncio
from typing import Any, Final

import click

from .._limits.budget import RateState
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation, open_session
from .masking import own_secrets
from .options import json_option
from .output import Output, output_for_people, write_json

_INTERVAL: Final = 1.0
"""Seconds between two looks."""

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

\b
JSON (--json), once, always with these members; what is unknown is null:
  store       where the budget is kept: "file" or "redis"; null if it is not shared
  store_lost  whether that cannot be reached
  members     processes that share the budget, this command included
  waiting     calls that wait, of all of them
  limit, seconds, remaining
              at most `limit` requests in `seconds`, of which `remaining` are left
  closed_for  seconds for which no request leaves, after the API refused one

\b
Examples:
  commercelayer-async limits --shared file
  COMMERCELAYER_SHARED=rediss://:password@redis.internal/0 commercelayer-async limits --json"""


@click.command(short_help="Show a rate budget that processes share.", epilog=_EPILOG)
@credentials_options
@json_option
def limits(*, as_json: bool) -> None:
    """Show the rate budget that --shared or COMMERCELAYER_SHARED names, each second until Ctrl-C.

    It sends no request but one for a token, where none is kept. Each look takes a place behind all others, and gives it
    back.
    """
    secrets = own_secrets(invocation().environment)
    asyncio.run(_show_once(secrets) if as_json else _show(output_for_people(secrets)))


async def _show_once(secrets: tuple[str, ...]) -> None:
    from .._access import look_at_budget  # noqa: PLC0415 - slow to import; `--help` does without

    async with open_session() as session:
        write_json(_members(*await look_at_budget(session, _INTERVAL)), secrets)


async def _show(output: Output) -> None:
    from .._access import look_at_budget  # noqa: PLC0415 - as above

    async with open_session() as session:
        while True:
            output.prose(_line(*await look_at_budget(session, _INTERVAL)))
            await asyncio.sleep(_INTERVAL)


def _members(state: RateState, elsewhere: int) -> dict[str, Any]:
    return {
        "store": state.store,
        "store_lost": state.store_lost,
        "members": state.members,
        "waiting": state.waiting + elsewhere,
        "limit": state.limit,
        "seconds": state.seconds,
        "remaining": state.remaining,
        "closed_for": state.closed_for,
    }


def _line(state: RateState, elsewhere: int) -> str:
    left = "limits are not known yet"
    if state.limit is not None:
        left = f"{state.remaining} of {state.limit} requests in {state.seconds:g} s are left"
    where = f"shared in {state.store} by {state.members}" if state.store is not None else "not shared"
    waiting = state.waiting + elsewhere
    queue = f"; {waiting} {'call waits' if waiting == 1 else 'calls wait'}" if waiting else ""
    lost = ", which cannot be reached" if state.store_lost else ""
    closed = f"; closed for {state.closed_for:.1f} s" if state.closed_for > 0 else ""
    return f"{left}; {where}{lost}{queue}{closed}"
