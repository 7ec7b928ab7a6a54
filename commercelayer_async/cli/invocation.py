"""How the program was called: its global options, and where the credentials come from."""

import os
from collections.abc import Callable, Mapping, Sequence
from contextlib import suppress
from functools import wraps
from typing import TYPE_CHECKING, Any, Final

import attrs
import click
from click.shell_completion import CompletionItem

from .._text import did_you_mean, printable
from ..errors import ConfigurationError
from ..service import OAuth2
from .private_files import read_private
from .profiles import DEFAULT, check_name, load_profiles, require_profile, variables_of
from .services import SERVICE_HELP, is_commerce_layer, require_commerce_layer, service_in_use, service_option

if TYPE_CHECKING:
    from .. import Session

PROGRAM: Final = "commercelayer-async"
VARIABLES: Final = tuple(
    f"COMMERCELAYER_{name}" for name in ("ORGANIZATION", "ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "SCOPE")
)
_AUTHENTICATING: Final = frozenset(VARIABLES[1:])
_TOKEN_OR_CLIENT: Final = VARIABLES[1:3]
"""Either of them makes the environment one that has credentials."""
_ENVIRONMENT: Final = "the environment"

ENVIRONMENT_HELP: Final = f"""\b
Credentials: variables of the environment, or lines NAME=value of the file that
--credentials names:
  COMMERCELAYER_ORGANIZATION   the organization's slug, host or URL; or --organization
  COMMERCELAYER_ACCESS_TOKEN   a bearer token; or else
  COMMERCELAYER_CLIENT_ID, COMMERCELAYER_CLIENT_SECRET, COMMERCELAYER_SCOPE
Where the environment has none, those that `login` kept, under --profile NAME.

{SERVICE_HELP}"""


@attrs.define
class Invocation:
    """How the program was called."""

    debug: bool = False
    arguments: Sequence[str] = ()
    """Those of the command line, the name of the command included."""
    environment: Mapping[str, str] = attrs.field(factory=lambda: os.environ, repr=False)
    """The environment; with a file of credentials or a profile, with those in place of its own."""
    file: str | None = None
    """The file of credentials, if one was named."""
    profile: str | None = None
    """The profile that --profile names."""
    organization: str | None = None
    """The organization that --organization names; None for that of the environment."""
    shared: str | None = attrs.field(default=None, repr=False)
    """Where --shared says that processes share a budget; None for what the environment says."""
    source: str = _ENVIRONMENT
    """Where the credentials come from, in words."""

    def settle(self) -> None:
        """Decide where the credentials come from: a file that was named, the environment, or a profile.

        Raises:
            UsageError: what was named cannot be used.
        """
        if self.file is not None:
            if self.profile is not None:
                raise click.UsageError("--credentials and --profile exclude each other; choose one")
            self.environment = with_credentials(self.file, os.environ)
            self.source = printable(self.file)
            return
        if not is_commerce_layer():
            # Profiles hold credentials of Commerce Layer, which no other service may see.
            if self.profile is not None:
                require_commerce_layer("--profile")
            return
        if any(os.environ.get(name) for name in _TOKEN_OR_CLIENT):
            if self.profile is not None:
                # Read to be refused if there is none: otherwise the slip would show only elsewhere.
                require_profile(self.profile, load_profiles())
                click.echo("note: the environment has credentials, which go before those of a profile", err=True)
            return
        self._use_profile(self.profile)

    def _use_profile(self, name: str | None) -> None:
        profiles = load_profiles()
        if name is None and DEFAULT not in profiles:
            return
        name = DEFAULT if name is None else name
        profile = require_profile(name, profiles)
        named = os.environ.get("COMMERCELAYER_ORGANIZATION")
        if named and named != profile.organization and self.organization is None:
            # Credentials of one organization must not be sent to another by chance.
            raise click.UsageError(
                f"COMMERCELAYER_ORGANIZATION is {printable(named, 60)!r}, and the profile {name!r} is of"
                f" {printable(profile.organization, 60)!r}; unset it, or give --organization"
            )
        kept = {key: value for key, value in os.environ.items() if key not in VARIABLES}
        self.environment = {**kept, **variables_of(name, profile)}
        self.source = f"the profile {name!r}, whose secret is in {profile.place}"


def invocation() -> Invocation:
    """The invocation of the running command."""
    return click.get_current_context().ensure_object(Invocation)


def open_session(**options: Any) -> "Session":
    """Make a session with the credentials of the running command; `options` are those of `Session`.

    Raises:
        ConfigurationError: a variable is missing; it is named.
    """
    from .. import AccessToken, ClientCredentials, Session  # noqa: PLC0415 - slow to import; `--help` does without
    from .._options import secret_of, shared_from_env, shared_options  # noqa: PLC0415 - as above

    called = invocation()
    service = service_in_use()
    shared = shared_options(called.shared, named="--shared") if called.shared else shared_from_env()
    options = {**shared, **options, "service": service}
    if is_commerce_layer() and called.source == _ENVIRONMENT and called.organization is None:
        try:
            return Session.from_env(**options)
        except ConfigurationError as error:
            if not any(os.environ.get(name) for name in _TOKEN_OR_CLIENT):
                error.add_note(f"or run: {PROGRAM} login")
            raise
    organization, token, client_id, secret, scope = (called.environment.get(name) or None for name in VARIABLES)
    organization = called.organization or organization
    where = called.source
    if organization is None:
        raise ConfigurationError(f"{where} has no COMMERCELAYER_ORGANIZATION; add it, or give --organization")
    if not isinstance(service.auth, OAuth2):
        return Session(organization, secret_of(token, service), **options)
    if token is not None:
        return Session(organization, AccessToken(token), **options)
    if client_id is None and not service.needs_auth:
        return Session(organization, None, **options)
    if client_id is None:
        raise ConfigurationError(
            f"{where} has no credentials; add COMMERCELAYER_ACCESS_TOKEN, or"
            " COMMERCELAYER_CLIENT_ID with COMMERCELAYER_CLIENT_SECRET"
        )
    return Session(organization, ClientCredentials(client_id, secret, scope=scope), **options)


def credentials_options(command: Callable[..., Any]) -> Callable[..., Any]:
    """The options --organization, --profile, and --credentials, whose file takes the place of the environment."""

    @wraps(command)
    def settled(*arguments: Any, **options: Any) -> Any:
        invocation().settle()
        return command(*arguments, **options)

    with_profile = click.option(
        "--profile",
        metavar="NAME",
        expose_value=False,
        callback=_use_profile,
        shell_complete=_complete_profiles,
        help="Use the credentials that `login --profile NAME` kept.",
    )
    with_file = click.option(
        "--credentials",
        metavar="FILE",
        expose_value=False,
        callback=_use_file,
        help="Read the credentials from FILE (mode 0600) instead of the environment.",
    )
    return with_profile(with_file(organization_option(service_option(shared_option(settled)))))


def shared_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --shared."""
    return click.option(
        "--shared",
        metavar="WHERE",
        expose_value=False,
        callback=_use_shared,
        help="Share the rate budget and the token with other processes: file, file:/folder or redis://…; instead of"
        " COMMERCELAYER_SHARED.",
    )(command)


def organization_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --organization."""
    return click.option(
        "--organization",
        metavar="NAME",
        expose_value=False,
        callback=_use_organization,
        help="The organization's slug, host or URL, instead of COMMERCELAYER_ORGANIZATION.",
    )(command)


def _use_shared(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is None:
        return
    if "@" in value or "password=" in value:
        raise click.UsageError(
            "--shared takes no password, as others can read command lines; set COMMERCELAYER_SHARED instead"
        )
    context.ensure_object(Invocation).shared = value


def _use_organization(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).organization = value


def _use_file(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).file = value


def _use_profile(context: click.Context, parameter: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.ensure_object(Invocation).profile = check_name(context, parameter, value)


def _complete_profiles(_context: click.Context, _: click.Parameter, incomplete: str) -> list[CompletionItem]:
    with suppress(click.UsageError):
        return [CompletionItem(name) for name in load_profiles() if name.startswith(incomplete)]
    return []


def with_credentials(file: str, environment: Mapping[str, str]) -> Mapping[str, str]:
    """The `environment` with the variables of a file of credentials.

    None of the environment's own credentials is kept: a token of one organization must not be sent to another.

    Raises:
        UsageError: the file cannot be read, others can read it, or it is malformed. What it holds is not repeated.
    """
    found: dict[str, str] = {}
    for number, line in enumerate(read_private(file).splitlines(), start=1):
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


def _unquoted(value: str) -> str:
    quoted = len(value) > 1 and value[0] == value[-1] and value[0] in "'\""
    return value[1:-1] if quoted else value
