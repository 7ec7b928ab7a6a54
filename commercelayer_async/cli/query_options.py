"""What commands that read lists are asked: a type, filters, an order, relationships."""

import json
import os
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from .._lists.filters import PREDICATES, Asked
from .._text import did_you_mean, printable
from ..errors import NotFound
from ..jsonapi import Registry, Resource
from ..jsonapi.resource import declared_relationships
from ..resources import RESOURCES
from .masking import class_of

_TRUTH: Final = {"true": True, "false": False}
_OF_TRUTH: Final = frozenset({"present", "blank", "null", "not_null", "true", "false"})
_OF_MANY: Final = frozenset(
    predicate
    for predicate in PREDICATES
    if predicate.endswith(("_any", "_all")) or predicate.removeprefix("not_").removesuffix("_or_null") == "in"
)
_OFFERED: Final = ("eq", "in", "cont", "gt", "lt", "null")
"""Predicates that completion offers; all others can be written too."""

FILTER_HELP: Final = """\b
Filters (--filter NAME=VALUE, all are to be met):
  NAME is an attribute and a predicate, joined by "_": name_cont, created_at_gt,
  customer_email_eq. VALUE is text, true or false (null, blank, present …),
  texts joined by commas (in, *_any, *_all), or a JSON object (jcont)."""


def type_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument TYPE, which completes to those there are classes for."""
    return click.argument("type_", metavar="TYPE", shell_complete=_types)(command)


def filter_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --filter, as the mapping that `Session.list` takes."""
    return click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_read_filter,
        shell_complete=_filters,
        help="What to filter by, such as name_cont=visa; may be repeated.",
    )(command)


def sort_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --sort."""
    return click.option(
        "--sort", default="", metavar="NAMES", shell_complete=_sort, help="What to sort by, such as -created_at."
    )(command)


def include_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --include."""
    return click.option(
        "--include",
        default="",
        metavar="PATHS",
        shell_complete=_relationships,
        help="Relationships to bring along, such as a,b.c.",
    )(command)


def _read_filter(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    return filter_of(given)


def filter_of(given: Iterable[str]) -> dict[str, Any]:
    """The filter that arguments `name=value` make; what it is checked against is the engine's.

    Raises:
        UsageError: one is malformed, or comes twice; values are not repeated.
    """
    made: dict[str, Any] = {}
    for one in given:
        name, equals, value = one.partition("=")
        shown = repr(printable(name, 80))
        if not equals:
            raise click.UsageError(f"--filter takes NAME=VALUE, such as name_cont=visa, not {shown}")
        if name in made:
            raise click.UsageError(f"--filter: {shown} is there more than once")
        made[name] = _value(name, value, shown)
    return made


def _value(name: str, value: str, shown: str) -> object:
    predicate = max((one for one in PREDICATES if name.endswith(f"_{one}")), key=len, default="")
    if predicate in _OF_TRUTH:
        if value not in _TRUTH:
            raise click.UsageError(f"--filter: {shown} takes true or false")
        return _TRUTH[value]
    if predicate in _OF_MANY:
        return [part.strip() for part in value.split(",")]
    if predicate == "jcont":
        try:
            return json.loads(value)
        except ValueError:
            raise click.UsageError(f"--filter: {shown} takes a JSON object") from None
    return value


@contextmanager
def hinting(type_: str) -> Generator[None]:
    """Where the server knows no such type, name the nearest that there is a class for."""
    try:
        yield
    except NotFound as error:
        hint = "" if class_of(type_) else did_you_mean(type_, [known.type for known in RESOURCES])
        if hint:
            error.add_note(hint.removeprefix("; "))
        raise


def _types(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _starting(incomplete, (cls.type for cls in RESOURCES))


def _relationships(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    cls = _class_in(context.params)
    return _listed(incomplete, declared_relationships(cls) if cls else ())


def _sort(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    cls = _class_in(context.params)
    names = sorted(Asked(cls, Registry(*RESOURCES)).sortable or ()) if cls else []
    return _listed(incomplete, (*names, *(f"-{name}" for name in names)))


def _filters(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    cls = _class_in(context.params)
    names = Asked(cls, Registry(*RESOURCES)).candidates() if cls else ()
    return _starting(incomplete, (f"{name}_{predicate}=" for name in names for predicate in _OFFERED))


def _class_in(parameters: Mapping[str, Any]) -> type[Resource] | None:
    # An option that is still without its value keeps click from reading the arguments; the shell gives the words too.
    words = (parameters.get("type_") or "", *os.environ.get("COMP_WORDS", "").split())
    return next((cls for word in words if (cls := class_of(word)) is not None), None)


def _listed(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    """Completions of the last name of a list that commas part."""
    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


def _starting(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
