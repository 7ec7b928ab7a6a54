"""`commercelayer-async whoami`: the organization, scope, expiry and rate budget of the credentials."""

import asyncio
import json
from base64 import urlsafe_b64decode
from collections.abc import Mapping
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import urlsplit

import attrs
import click

from .._reading.parameters import encoded
from ..errors import Forbidden, NotFound, Unauthorized
from ..jsonapi import ResourceObject
from ..service import COMMERCE_LAYER, Paging
from .invocation import ENVIRONMENT_HELP, credentials_options, invocation
from .masking import own_secrets
from .options import json_option
from .output import output_for_people, text_of, write_json
from .progress import watched_session
from .services import require_commerce_layer

if TYPE_CHECKING:
    from .. import Session, StoredToken

_UNKNOWN: Final = "unknown"
_ONE: Final = "&".join(encoded(Paging.first_page(COMMERCE_LAYER.paging_of("customers"), 1)))
_PATHS: Final = ("/organization", f"/customers?{_ONE}")
"""What is read for the organization's name and the rate budget; the second only if the first shows no budget."""

_EPILOG: Final = f"""{ENVIRONMENT_HELP}

\b
JSON (--json), always with these members; what is unknown is null:
  credentials   where they come from
  organization  url, slug, id, name
  mode          "test" or "live"
  application   kind, such as "integration"
  owner         type and id of the token's owner, if that is not the application
  scope         what the token may read
  expires_at    when the token ends
  rate          limit, seconds, remaining: at most `limit` requests in `seconds`,
                of which `remaining` are left

\b
Examples:
  commercelayer-async whoami
  commercelayer-async whoami --credentials ~/.config/commercelayer/live --json"""


@click.command(short_help="Show what the credentials give access to.", epilog=_EPILOG)
@credentials_options
@json_option
def whoami(*, as_json: bool) -> None:
    """Show the organization, mode, scope and expiry of the credentials, and the rate budget; never the token.

    It makes one request or two, which show the budget and whether the token is valid.
    """
    require_commerce_layer("whoami")
    found = asyncio.run(_inspect())
    secrets = own_secrets(invocation().environment)
    if as_json:
        write_json(found, secrets)
        return
    rows = [
        ("credentials", found["credentials"]),
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
    output_for_people(secrets).table("whoami", ("credentials", "what they give access to"), rows)


@attrs.define
class _LastToken:
    """A `TokenStore` that keeps the token which the session received for its credentials, to read its claims."""

    value: str | None = attrs.field(default=None, repr=False)

    async def load(self, key: str) -> "StoredToken | None":  # noqa: ARG002 - as the protocol has it
        return None

    async def save(self, key: str, token: "StoredToken") -> None:  # noqa: ARG002 - as the protocol has it
        self.value = token.value

    async def delete(self, key: str) -> None:  # as the protocol has it
        pass


async def _inspect() -> dict[str, Any]:
    received = _LastToken()
    async with watched_session(token_store=received) as session:
        url, name = await _read_organization(session)
        state = session.rate_limits
    # A token of the environment does not pass through the store.
    claims = _claims_of(received.value or invocation().environment.get("COMMERCELAYER_ACCESS_TOKEN", ""))
    organization, application, owner = (_object(claims.get(name)) for name in ("organization", "application", "owner"))
    test = claims.get("test")
    return {
        "credentials": invocation().source,
        "organization": {"url": url, "slug": organization.get("slug"), "id": organization.get("id"), "name": name},
        "mode": ("test" if test else "live") if isinstance(test, bool) else None,
        "application": {"kind": application.get("kind")},
        "owner": {"type": owner.get("type"), "id": owner.get("id")},
        "scope": claims.get("scope"),
        "expires_at": _datetime(claims.get("exp")),
        "rate": {"limit": state.limit, "seconds": state.seconds, "remaining": state.remaining},
    }


async def _read_organization(session: "Session") -> tuple[str, object]:
    """The organization's URL, and its name if the token may read it. Afterwards the session knows the rate budget."""
    url: str | None = None
    name: object = None
    for path in _PATHS:
        try:
            document = await session.request(path)
        except (Forbidden, NotFound, Unauthorized) as error:
            # A valid token may lack the permission to read this: 403, 404, or 401 with the code UNAUTHORIZED.
            if isinstance(error, Unauthorized) and error.code != "UNAUTHORIZED":
                raise
            url = error.url
        else:
            url = document.url
            if isinstance(document.data, ResourceObject):
                name = document.data.attributes.get("name")
        # Not every refusal has the headers of the budget.
        if session.rate_limits.limit is not None:
            break
    parts = urlsplit(url or "")
    return f"{parts.scheme}://{parts.netloc}", name


def _claims_of(token: str) -> Mapping[str, Any]:
    """The claims of a JSON Web Token, unverified; empty for a token of another form."""
    try:
        _, payload, _ = token.split(".")
        return _object(json.loads(urlsafe_b64decode(payload + "=" * (-len(payload) % 4))))
    except (ValueError, RecursionError):
        return {}


def _object(value: object) -> Mapping[str, Any]:
    return value if isinstance(value, Mapping) else {}  # pyright: ignore[reportUnknownVariableType] # of JSON


def _datetime(seconds: object) -> str | None:
    """POSIX seconds as ISO 8601; None for anything else."""
    if not isinstance(seconds, int | float):
        return None
    try:
        return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="seconds")
    except (OverflowError, ValueError, OSError):
        return None


def _known(*values: object) -> str:
    return ", ".join(text_of(value) for value in values if value) or _UNKNOWN


def _expiry(expires_at: str | None) -> str:
    if expires_at is None:
        return _UNKNOWN
    left = int((datetime.fromisoformat(expires_at) - datetime.now(UTC)).total_seconds())
    if left <= 0:
        return f"{expires_at}, which is over"
    hours, minutes = divmod(left // 60, 60)
    return f"{expires_at}, in {hours} h {minutes} min" if hours else f"{expires_at}, in {minutes} min"


def _budget(rate: Mapping[str, Any]) -> str:
    if rate["limit"] is None:
        return _UNKNOWN
    return f"{rate['remaining']} of {rate['limit']} requests in {rate['seconds']:g} s are left"
