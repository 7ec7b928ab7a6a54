"""`commercelayer-async whoami`: what the credentials are good for."""

import asyncio
from collections.abc import Generator, Mapping
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from typing import Any, Final

import click

from ..errors import Forbidden, NotFound, Unauthorized
from ..jsonapi import ResourceObject
from .invocation import ENVIRONMENT_HELP, credentials_option, invocation, open_session
from .masking import own_secrets
from .options import json_option
from .output import output_for_people, text_of, write_json

_UNKNOWN: Final = "not told"
_ASKED: Final = ("/organization", "/customers?page%5Bsize%5D=1")
"""What is read to learn the organization's name and the budget; the second only where the first does not tell that."""

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

\b
JSON (--json), always with these members; what is not told is null:
  organization  url, slug, id, name
  mode          "test" or "live"
  application   kind, such as "integration"
  owner         type and id of whom the token stands for, if it is not the application
  scope         what the token may read
  expires_at    when the token ends
  rate          limit, seconds, remaining: requests that can be made in so many seconds

\b
Examples:
  commercelayer-async whoami
  commercelayer-async whoami --credentials ~/.config/commercelayer/live --json"""


@click.command(short_help="Show what the credentials are good for.", epilog=_EPILOG)
@credentials_option
@json_option
def whoami(*, as_json: bool) -> None:
    """Show the organization, mode, scope and expiry of the credentials, and the rate budget; never the token.

    Makes a request or two, whose answers tell the budget and whether the token is good.
    """
    found = asyncio.run(_look())
    secrets = own_secrets(invocation().environment)
    if as_json:
        write_json(found, secrets)
        return
    output = output_for_people(secrets)
    rows = [
        ("organization", _known(found["organization"]["name"], found["organization"]["slug"])),
        ("url", _known(found["organization"]["url"])),
        ("organization id", _known(found["organization"]["id"])),
        ("mode", _known(found["mode"])),
        ("application", _known(found["application"]["kind"])),
        ("owner", _known("/".join(text_of(part) for part in found["owner"].values() if part))),
        ("scope", _known(found["scope"])),
        ("expires", _expiry(found["expires_at"])),
        ("rate budget", _budget(found["rate"])),
    ]
    output.table("whoami", ("credentials", "what they are good for"), rows)


async def _look() -> dict[str, Any]:
    # Imported here: they are slow to import, and `--help` does without.
    from .._auth.credentials import claims_of  # noqa: PLC0415

    async with open_session() as session:
        core = session._context  # noqa: SLF001 - the token is nobody's but the session's  # pyright: ignore[reportPrivateUsage]
        claims = claims_of(await core.tokens.token())
        name = None
        for path in _ASKED:
            # Not every scope may read all, nor does every refusal tell the budget.
            with suppress(Forbidden, NotFound), _permitted():
                document = await session.request(path)
                if isinstance(document.data, ResourceObject):
                    name = document.data.attributes.get("name")
            if session.rate_limits.limit is not None:
                break
        state = session.rate_limits
        url = core.origin.url
    organization, application, owner = (_object(claims.get(name)) for name in ("organization", "application", "owner"))
    test, expires = claims.get("test"), claims.get("exp")
    return {
        "organization": {
            "url": url,
            "slug": organization.get("slug"),
            "id": organization.get("id"),
            "name": name,
        },
        "mode": ("test" if test else "live") if isinstance(test, bool) else None,
        "application": {"kind": application.get("kind")},
        "owner": {"type": owner.get("type"), "id": owner.get("id")},
        "scope": claims.get("scope"),
        "expires_at": _moment(expires),
        "rate": {"limit": state.limit, "seconds": state.seconds, "remaining": state.remaining},
    }


@contextmanager
def _permitted() -> Generator[None]:
    """Pass over 401 UNAUTHORIZED, which says of a good token that it may not read this."""
    try:
        yield
    except Unauthorized as error:
        if error.code != "UNAUTHORIZED":
            raise


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType]


def _moment(seconds: object) -> str | None:
    if not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None


def _known(*values: object) -> str:
    return ", ".join(text_of(value) for value in values if value) or _UNKNOWN


def _expiry(moment: str | None) -> str:
    if moment is None:
        return _UNKNOWN
    left = int((datetime.fromisoformat(moment) - datetime.now(UTC)).total_seconds())
    if left <= 0:
        return f"{moment}, which is over"
    hours, minutes = divmod(left // 60, 60)
    return f"{moment}, in {hours} h {minutes} min" if hours else f"{moment}, in {minutes} min"


def _budget(rate: Mapping[str, Any]) -> str:
    if rate["limit"] is None:
        return _UNKNOWN
    return f"{rate['remaining']} of {rate['limit']} requests in {rate['seconds']:g} s are left"
