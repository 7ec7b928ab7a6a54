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
reveal_option: Final = click.option("--reveal", is_flag=True, help="Show secrets and personal data unmasked.")
output_option: Final = click.option(
    "--output",
    "-o",
    metavar="FILE",
    type=click.Path(),
    help="Write to FILE (mode 0600) instead of stdout; it appears when it is complete.",
)

MASKING_HELP: Final = """Secrets and personal data are shown as "[masked]", in JSON too: what the resource classes
leave out of their repr, and, where there is no class, what is named like a secret. --reveal shows them. The
credentials of the command itself are never shown."""


def refuse_secrets(arguments: Sequence[str]) -> None:
    """Refuse what looks like an option with a secret, without repeating the secret.

    Other users of the machine can read the arguments of a process, and the shell keeps them in its history.

    Raises:
        UsageError: there is such an option.
    """
    own = list(arguments)
    if "--" in own and "sandbox" in own[: own.index("--")]:
        own = own[: own.index("--")]  # what follows are the arguments of another program
    for argument in own:
        match = _SECRET_OPTION.fullmatch(argument)
        if match:
            raise click.UsageError(
                f"--{match[1].lower()} is not an option, as others can read command lines; set"
                " COMMERCELAYER_ACCESS_TOKEN, or COMMERCELAYER_CLIENT_ID and COMMERCELAYER_CLIENT_SECRET, instead"
            )
