"""Options that several commands take."""

import re
from collections.abc import Sequence
from typing import Final

import click

_SECRET_OPTION: Final = re.compile(
    r"--?(access[_-]?token|token|bearer|auth(orization)?|client[_-]?secret|secret|password|api[_-]?key)(=.*)?",
    re.IGNORECASE | re.DOTALL,
)

json_option: Final = click.option("--json", "as_json", is_flag=True, help="Write one JSON document, for programs.")
reveal_option: Final = click.option("--reveal", is_flag=True, help="Show secrets and personal data instead of masking.")

MASKING_HELP: Final = """Secrets and personal data are shown as "[masked]", in JSON too: what the resource classes
leave out of their repr, and what is named like a secret where there is no class. --reveal shows them; credentials
of the command itself are never shown."""


def refuse_secrets(arguments: Sequence[str]) -> None:
    """Turn down what looks like an option with a secret, without repeating it.

    Raises:
        UsageError: there is one. Others on the machine can read the arguments of a process; so can the history.
    """
    for argument in arguments:
        found = _SECRET_OPTION.fullmatch(argument)
        if found:
            raise click.UsageError(
                f"--{found[1].lower()} is not taken, as others can read command lines; set"
                " COMMERCELAYER_ACCESS_TOKEN, or COMMERCELAYER_CLIENT_ID and COMMERCELAYER_CLIENT_SECRET, instead"
            )
