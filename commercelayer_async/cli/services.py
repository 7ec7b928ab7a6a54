"""Which service the program reads: Commerce Layer, or the one that --service names, with the classes of its own."""

import importlib
import os
import sys
from collections.abc import Callable, Generator
from contextlib import contextmanager
from functools import lru_cache
from pathlib import Path
from typing import Any, Final

import click

from .._text import did_you_mean, printable
from ..errors import ConfigurationError
from ..jsonapi import Registry
from ..service import COMMERCE_LAYER, Service

VARIABLE: Final = "COMMERCELAYER_SERVICE"

SERVICE_HELP: Final = f"""\b
Other services (--service MODULE:NAME, or {VARIABLE}):
  NAME of MODULE is a Service, or a function that gives one; modules are looked
  for in the current folder too. The organization is then the service's URL, and
  COMMERCELAYER_ACCESS_TOKEN its secret; without one nothing is sent of it."""

_KEY: Final = "commercelayer_async.service"


def service_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --service, which is read before the others, as they depend on it."""
    return click.option(
        "--service",
        metavar="MODULE:NAME",
        envvar=VARIABLE,
        is_eager=True,
        expose_value=False,
        callback=_use_service,
        help="Read another JSON:API service, a Service in a module of yours.",
    )(command)


def service_in_use() -> Service:
    """The service that the running command reads."""
    context = click.get_current_context(silent=True)
    found: Service | None = context.meta.get(_KEY) if context is not None else None
    return found if found is not None else COMMERCE_LAYER


def is_commerce_layer() -> bool:
    """True if the running command reads the service that is built in."""
    return service_in_use() is COMMERCE_LAYER


def require_commerce_layer(command: str) -> None:
    """Refuse a command that is about Commerce Layer alone, where another service is named.

    Raises:
        UsageError: one is.
    """
    if not is_commerce_layer() or os.environ.get(VARIABLE):
        raise click.UsageError(f"`{command}` is for Commerce Layer alone; leave --service and {VARIABLE} out")


def registry() -> Registry:
    """The classes of the service that is read."""
    return _registry_of(service_in_use().resources)


def page_size(type: str | None, limit: int) -> int | None:
    """The size of pages to ask for, to show so many of a list; None to let the service choose.

    The type is None for what a relationship leads to, of which only a service with one way for all lists tells.
    """
    service = service_in_use()
    paging = service.paging_of(type)
    if paging.size is None or (type is None and not is_commerce_layer()):
        return None
    most = paging.most_of(type)
    return None if most is None else min(limit, most)


@lru_cache(maxsize=8)
def _registry_of(resources: Callable[[], Any]) -> Registry:
    return Registry(*resources())


def _use_service(context: click.Context, _: click.Parameter, value: str | None) -> None:
    if value is not None:
        context.meta[_KEY] = load_service(value)


def load_service(name: str) -> Service:
    """Import a service by `module:name`, from the current folder too.

    Raises:
        UsageError: it cannot be had; why is said in a line.
    """
    module, _, attribute = name.partition(":")
    shown = repr(printable(name, 100))
    if not all(part.isidentifier() for part in (*module.split("."), *attribute.split("."))):
        raise click.UsageError(f"--service takes MODULE:NAME, such as services:klaviyo, not {shown}")
    found = _named(_imported(module), module, attribute)
    if not isinstance(found, Service) and callable(found):
        with _said(f"{shown}, when it was called,"):
            found = found()
    if not isinstance(found, Service):
        raise click.UsageError(
            f"--service: {shown} is a {type(found).__name__}, and neither a Service nor a function that gives one"
        )
    with _said(f"the classes of {shown}"):
        _registry_of(found.resources)
    return found


def _imported(module: str) -> Any:
    folder = str(Path.cwd())
    if folder not in sys.path:
        sys.path.insert(0, folder)
    with _said(f"the module {module!r}"):
        try:
            return importlib.import_module(module)
        except ModuleNotFoundError as error:
            if error.name is None or not f"{module}.".startswith(f"{error.name}."):
                raise
        raise click.UsageError(f"--service: there is no module {module!r} here")


def _named(found: Any, module: str, attribute: str) -> Any:
    for part in attribute.split("."):
        if not hasattr(found, part):
            names: list[str] = [*vars(found)] if hasattr(found, "__dict__") else []
            hint = did_you_mean(part, [name for name in names if not name.startswith("_")])
            raise click.UsageError(f"--service: {module!r} has no {part!r}{hint}")
        found = getattr(found, part)
    return found


@contextmanager
def _said(what: str) -> Generator[None]:
    """Say in a line what code of the caller's raised."""
    try:
        yield
    except click.UsageError:
        raise
    except Exception as error:
        told = isinstance(error, ConfigurationError | ImportError | SyntaxError)
        reason = f": {printable(str(error), 200)}" if told else ""
        raise click.UsageError(f"--service: {what} raised {type(error).__name__}{reason}") from error
