"""How the program was called: its global options, and where the credentials come from."""

import os
import stat
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from .._text import did_you_mean, printable
from ..errors import ConfigurationError

if TYPE_CHECKING:
    from .. import Session

PROGRAM: Final = "commercelayer-async"
VARIABLES: Final = tuple(
    f"COMMERCELAYER_{name}" for name in ("ORGANIZATION", "ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "SCOPE")
)
_AUTHENTICATING: Final = frozenset(VARIABLES[1:])
_LARGEST: Final = 65_536
"""The most bytes of a file of credentials."""

ENVIRONMENT_HELP: Final = """\b
Credentials: variables of the environment, or lines NAME=value of the file that
--credentials names:
  COMMERCELAYER_ORGANIZATION   the organization's slug, host or URL; or --organization
  COMMERCELAYER_ACCESS_TOKEN   a bearer token; or else
  COMMERCELAYER_CLIENT_ID, COMMERCELAYER_CLIENT_SECRET, COMMERCELAYER_SCOPE"""


@attrs.define
class Invocation:
    """How the program was called."""

    debug: bool = False
    arguments: Sequence[str] = ()
    """Those of the command line, the name of the command included."""
    environment: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    """The environment; with a file of credentials, that of `with_credentials`."""
    file: str | None = None
    """The file of credentials, if one was named."""
    organization: str | None = None
    """The organization that --organization names; None for that of the environment."""


def invocation() -> Invocation:
    """The invocation of the running command."""
    return click.get_current_context().ensure_object(Invocation)


def open_session(**options: Any) -> "Session":
    """Make a session with the credentials of the running command; `options` are those of `Session`.

    Raises:
        ConfigurationError: a variable is missing; it is named.
    """
    from .. import AccessToken, ClientCredentials, Session  # noqa: PLC0415 - slow to import; `--help` does without

    called = invocation()
    if called.file is None and called.organization is None:
        return Session.from_env(**options)
    organization, token, client_id, secret, scope = (called.environment.get(name) or None for name in VARIABLES)
    organization = called.organization or organization
    where = "the environment" if called.file is None else printable(called.file)
    if organization is None:
        raise ConfigurationError(f"{where} has no COMMERCELAYER_ORGANIZATION; add it, or give --organization")
    if token is not None:
        return Session(organization, AccessToken(token), **options)
    if client_id is None:
        raise ConfigurationError(
            f"{where} has no credentials; add COMMERCELAYER_ACCESS_TOKEN, or"
            " COMMERCELAYER_CLIENT_ID with COMMERCELAYER_CLIENT_SECRET"
        )
    return Session(organization, ClientCredentials(client_id, secret, scope=scope), **options)


def credentials_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --organization, and --credentials, whose file takes the place of the environment."""
    with_file = click.option(
        "--credentials",
        metavar="FILE",
        expose_value=False,
        callback=_use_file,
        help="Read the credentials from FILE (mode 0600) instead of the environment.",
    )
    return with_file(organization_option(command))


def organization_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --organization."""
    return click.option(
        "--organization",
        metavar="NAME",
        expose_value=False,
        callback=_use_organization,
        help="The organization's slug, host or URL, instead of COMMERCELAYER_ORGANIZATION.",
    )(command)


def _use_organization(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).organization = value


def _use_file(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        called = context.ensure_object(Invocation)
        called.environment = with_credentials(value, os.environ)
        called.file = value


def with_credentials(file: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The `environment` with the variables of a file of credentials.

    None of the environment's own credentials is kept: a token of one organization must not be sent to another.

    Raises:
        UsageError: the file cannot be read, others can read it, or it is malformed. What it holds is not repeated.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(_read_private(file).splitlines(), start=1):
        text = line.strip().removeprefix("export ").strip()
        if not text or text.startswith("#"):
            continue
        name, equals, value = text.partition("=")
        name = name.strip()
        if not equals or name not in VARIABLES:
            # The line is not quoted, as it may be a secret. The hint shows one of our own names.
            hint = did_you_mean(name, VARIABLES) if equals else ""
            raise click.UsageError(
                f"{printable(file)}, line {number} is not NAME=value with a NAME that --help lists{hint}"
            )
        found[name] = _unquoted(value.strip())
    kept = {name: value for name, value in environment.items() if name not in _AUTHENTICATING}
    return {**kept, **found}


def _read_private(file: str) -> str:
    """The text of a file that nobody else can read."""
    shown = printable(file)
    try:
        with Path(file).open("rb") as opened:
            # Of the open file, and not of the path, which may name another file a moment later.
            _require_private(os.fstat(opened.fileno()), shown)
            content = opened.read(_LARGEST + 1)
        if len(content) <= _LARGEST:
            # Some editors begin a file with a byte order mark.
            return content.decode("utf-8-sig")
    except OSError as error:
        raise click.UsageError(f"cannot read {shown}: {error.strerror or type(error).__name__}") from None
    except UnicodeDecodeError:
        pass
    raise click.UsageError(f"{shown} is not a text of lines NAME=value")


def _require_private(status: os.stat_result, shown: str) -> None:
    owner: Callable[[], int] | None = getattr(os, "geteuid", None)
    if owner is None:
        return
    if status.st_uid not in (0, owner()):
        raise click.UsageError(f"{shown} is owned by another user, who can change it; use a file of your own")
    mode = stat.S_IMODE(status.st_mode)
    if mode & 0o077:
        raise click.UsageError(f"others can read or change {shown} (mode {mode:04o}); run: chmod 600 {shown}")


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
