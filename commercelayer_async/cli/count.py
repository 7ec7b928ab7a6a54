"""`commercelayer-async count`: how many resources of a type there are."""

import asyncio
from typing import Any, Final

import click

from .invocation import ENVIRONMENT_HELP, credentials_options, invocation
from .masking import class_of, own_secrets
from .options import json_option
from .output import output_for_people, write_json
from .progress import watched_session
from .query_options import FILTER_HELP, filter_option, suggesting_types, type_argument

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

{FILTER_HELP}

\b
JSON (--json), always with this member:
  count     the number of resources, as the server counts them

\b
Examples:
  commercelayer-async count customers
  commercelayer-async count customer_payment_sources --filter created_at_gt=2024-01-01"""


@click.command(short_help="Count the resources of a type.", epilog=_EPILOG)
@type_argument
@filter_option
@credentials_options
@json_option
def count(*, type: str, filters: dict[str, Any], as_json: bool) -> None:
    """Count the resources of TYPE, such as customer_payment_sources, by one request."""
    number = asyncio.run(_count(type, filters))
    secrets = own_secrets(invocation().environment)
    if as_json:
        write_json({"count": number}, secrets)
    else:
        output_for_people(secrets).prose(str(number))


async def _count(type: str, filters: dict[str, Any]) -> int:
    async with watched_session() as session:
        with suggesting_types(type):
            return await session.list(class_of(type) or type, filter=filters).count()
