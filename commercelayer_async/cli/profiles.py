"""Profiles: credentials under a name, which `login` keeps for later commands.

A file says which profiles there are; it has no secrets, but those of systems without a keyring.
"""

import json
import os
import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, cast

import attrs
import click

from .._text import did_you_mean, printable
from . import keyrings
from .private_files import read_private, write_private

DEFAULT: Final = "default"
"""The profile that is meant where none is named."""
_NAME: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,63}")


@attrs.frozen
class Profile:
    """Credentials of an application, and the organization that they are for."""

    organization: str
    client_id: str
    scope: str | None = None
    client_secret: str | None = attrs.field(default=None, repr=False)
    """None where the keyring has it, or the application has none."""
    in_keyring: bool = False

    @property
    def place(self) -> str:
        """Where the secret is."""
        if self.in_keyring:
            return "the system's keyring"
        return printable(str(profiles_file())) if self.client_secret else "nowhere, as there is none"


def profiles_file() -> Path:
    """The file of profiles."""
    given = os.environ.get("XDG_CONFIG_HOME")
    folder = Path(given) / keyrings.SERVICE if given else Path(click.get_app_dir(keyrings.SERVICE))
    return folder / "profiles.json"


def load_profiles() -> dict[str, Profile]:
    """The profiles by name; none where there is no file.

    Raises:
        UsageError: the file cannot be read, others can read it, or it is malformed.
    """
    file = profiles_file()
    if not file.exists():
        return {}
    try:
        found = cast("Mapping[str, Mapping[str, Any]]", json.loads(read_private(str(file))))
        return {name: Profile(**members) for name, members in found.items()}
    except (ValueError, TypeError, AttributeError):
        # Outside of its cause, which quotes the text.
        pass
    raise click.UsageError(f"{printable(str(file))} is not a file of profiles; delete it, and log in again")


def save_profile(name: str, profile: Profile, secret: str | None) -> tuple[Profile, str | None]:
    """Keep a profile; gives it as it is kept, and the reason why its secret is in a file, if it is.

    Raises:
        UsageError: it cannot be kept; nothing is.
    """
    kept, reason = profile, None
    if secret:
        try:
            keyrings.keep(name, secret)
            kept = attrs.evolve(profile, in_keyring=True)
        except keyrings.NoKeyring as error:
            kept, reason = attrs.evolve(profile, client_secret=secret), str(error)
    _write({**load_profiles(), name: kept})
    return kept, reason


def delete_profile(name: str) -> None:
    """Delete a profile and its secret.

    Raises:
        UsageError: there is none of this name, or the keyring does not work.
    """
    profiles = load_profiles()
    if require_profile(name, profiles).in_keyring:
        keyrings.forget(name)
    _write({other: profile for other, profile in profiles.items() if other != name})


def require_profile(name: str, profiles: Mapping[str, Profile]) -> Profile:
    """The profile of a name.

    Raises:
        UsageError: there is none; the nearest one is named.
    """
    if name not in profiles:
        login = f"commercelayer-async login --profile {name}" if _NAME.fullmatch(name) else "commercelayer-async login"
        hint = did_you_mean(name, profiles) or f"; run: {login}"
        raise click.UsageError(f"there is no profile {printable(name, 60)!r}{hint}")
    return profiles[name]


def check_name(_context: click.Context, _parameter: click.Parameter, name: str | None) -> str | None:
    """Refuse what is not the name of a profile, as an option does."""
    if name is not None and not _NAME.fullmatch(name):
        raise click.UsageError(f"{printable(name, 60)!r} is not a profile's name (letters, digits, '.', '_' and '-')")
    return name


def variables_of(name: str, profile: Profile) -> dict[str, str]:
    """A profile as the variables of the environment that say the same.

    Raises:
        UsageError: its secret cannot be had.
    """
    secret = keyrings.look_up(name) if profile.in_keyring else profile.client_secret
    if profile.in_keyring and secret is None:
        raise click.UsageError(
            f"the system's keyring has no secret of the profile {name!r} any more; run:"
            f" commercelayer-async login --profile {name}"
        )
    found = {
        "COMMERCELAYER_ORGANIZATION": profile.organization,
        "COMMERCELAYER_CLIENT_ID": profile.client_id,
        "COMMERCELAYER_CLIENT_SECRET": secret,
        "COMMERCELAYER_SCOPE": profile.scope,
    }
    return {variable: value for variable, value in found.items() if value}


def _write(profiles: Mapping[str, Profile]) -> None:
    write_private(profiles_file(), json.dumps({name: attrs.asdict(one) for name, one in profiles.items()}, indent=2))
