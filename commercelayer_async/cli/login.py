"""`commercelayer-async login`, `logout` and `profiles`: credentials under a name, for later commands."""

import asyncio
import sys
from typing import Final

import attrs
import click

from .invocation import invocation, organization_option
from .masking import own_secrets
from .options import json_option
from .output import output_for_people, write_json
from .profiles import (
    DEFAULT,
    Profile,
    check_name,
    delete_profile,
    load_profiles,
    save_profile,
)
from .services import require_commerce_layer

_EPILOG: Final = """\b
Where the secret is kept:
  the system's keyring      with pip install 'commercelayer-async[keyring]'
  a file, mode 0600         on systems without one; login says so

\b
Examples:
  commercelayer-async login
  commercelayer-async login --profile live
  commercelayer-async whoami --profile live
  printf '%s\\n' acme CLIENT_ID "$(pass show commercelayer)" | commercelayer-async login"""


@click.command(short_help="Keep credentials for later commands.", epilog=_EPILOG)
@click.option(
    "--profile", default=DEFAULT, show_default=True, metavar="NAME", callback=check_name, help="The profile's name."
)
@click.option("--scope", metavar="SCOPE", help="The scope to ask tokens for, where the application needs one.")
@organization_option
def login(*, profile: str, scope: str | None) -> None:
    """Ask for organization, client id and secret, try them by a token request, and keep them.

    The secret is not shown, and is never an argument. Without a terminal, what is asked for is read from stdin, a line
    each.
    """
    require_commerce_layer("login")
    organization = invocation().organization or _ask("Organization (slug, host or URL)")
    client_id = _ask("Client id")
    secret = _ask("Client secret (empty if there is none)", hidden=True) or None
    made = Profile(organization, client_id, scope)
    invocation().environment = {"COMMERCELAYER_CLIENT_SECRET": secret or ""}
    mode = asyncio.run(_mode_of(made, secret))
    kept, reason = save_profile(profile, made, secret)
    if reason is not None:
        click.echo(f"note: {reason}", err=True)
        click.echo(f"note: the secret is in a file that only you can read, {kept.place}", err=True)
    output_for_people(own_secrets(invocation().environment)).prose(
        f"Profile {profile}: organization {organization}, {mode or 'unknown'} mode; the secret is in {kept.place}."
    )


@click.command(short_help="Delete what login kept.")
@click.option(
    "--profile", default=DEFAULT, show_default=True, metavar="NAME", callback=check_name, help="The profile's name."
)
def logout(*, profile: str) -> None:
    """Delete a profile, and its secret from the keyring or the file."""
    delete_profile(profile)
    output_for_people(()).prose(f"Profile {profile} is deleted.")


@click.command("profiles", short_help="List what login kept.")
@json_option
def profiles_(*, as_json: bool) -> None:
    """List the profiles with their organizations, and where their secrets are; never the secrets."""
    found = load_profiles()
    rows = [(name, one.organization, one.client_id, one.place) for name, one in sorted(found.items())]
    columns = ("profile", "organization", "client id", "secret is in")
    if as_json:
        names = ("profile", "organization", "client_id", "secret_in")
        write_json({"profiles": [dict(zip(names, row, strict=True)) for row in rows]}, ())
    elif rows:
        output_for_people(()).table("profiles", columns, rows)
    else:
        output_for_people(()).prose("There are no profiles; `commercelayer-async login` makes one.")


def _ask(question: str, *, hidden: bool = False) -> str:
    """What somebody answers on the terminal, or the next line of stdin where that is not one."""
    if sys.stdin is not None and sys.stdin.isatty():
        try:
            answer: str = click.prompt(
                question, hide_input=hidden, default="" if hidden else None, show_default=False, err=True
            )
        except click.Abort:
            raise KeyboardInterrupt from None
        return answer.strip()
    line = sys.stdin.readline() if sys.stdin is not None else ""
    if not line:
        raise click.UsageError("login asks on a terminal, or reads organization, client id and secret from stdin")
    return line.strip()


async def _mode_of(profile: Profile, secret: str | None) -> str | None:
    """Try the credentials by a token request; gives the mode that the token is for, if it says so."""
    from .. import ClientCredentials, Session  # noqa: PLC0415 - slow to import; `--help` does without
    from .._access import BulkAccess  # noqa: PLC0415 - as above

    credentials = ClientCredentials(profile.client_id, secret, scope=profile.scope)
    async with Session(profile.organization, credentials) as session:
        principal = await BulkAccess(session).principal()
        return attrs.asdict(principal).get("mode")
