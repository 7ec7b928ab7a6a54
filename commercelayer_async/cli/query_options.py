"""The arguments that name what to read: a type, filters, sort keys, relationships; and their completion."""

import json
import os
import re
from collections.abc import Callable, Generator, Iterable, Mapping
from contextlib import contextmanager
from typing import Any, Final

import click
from click.shell_completion import CompletionItem

from .._lists.filters import QueryCapabilities, ransack_of
from .._text import did_you_mean, printable
from ..errors import NotFound
from ..jsonapi import Resource
from ..jsonapi.resource import declared_relationships
from ..service import Ransack
from .masking import class_of
from .records import PAGE_SIZE, column_names
from .services import registry, service_in_use

_BOOLEANS: Final = {"true": True, "false": False}
_OFFERED: Final = ("eq", "in", "cont", "gt", "lt", "null")
"""The predicates that completion offers. All others can be used too."""

FILTER_HELP: Final = """\b
Filters (--filter NAME=VALUE; a resource must match all of them):
  NAME is an attribute and a predicate, joined by "_": name_cont, created_at_gt,
  customer_email_eq. VALUE is text, true or false (null, blank, present …),
  texts joined by commas (in, *_any, *_all), or a JSON object (jcont).
  Of another service (--service), NAME is an attribute, or an attribute and an
  operator of the service: title=x, created[gte]=2026-01-01. VALUE is text."""


def type_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument TYPE, which completes to the types that this package has classes for."""
    return click.argument("type", metavar="TYPE", shell_complete=_complete_types)(command)


def filter_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --filter, as the mapping that `Session.list` takes."""
    return click.option(
        "--filter",
        "filters",
        multiple=True,
        metavar="NAME=VALUE",
        callback=_read_filter,
        shell_complete=_complete_filters,
        help="A filter, such as name_cont=visa; may be repeated.",
    )(command)


def sort_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --sort."""
    return click.option(
        "--sort",
        default="",
        metavar="NAMES",
        shell_complete=_complete_sort,
        help="Sort keys, such as -created_at.",
    )(command)


def include_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --include."""
    return click.option(
        "--include",
        default="",
        metavar="PATHS",
        shell_complete=_complete_include,
        help="Relationships to include, such as a,b.c.",
    )(command)


def limit_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --limit."""
    return click.option(
        "--limit",
        type=click.IntRange(min=1),
        default=PAGE_SIZE,
        show_default=True,
        metavar="N",
        help="Show at most N of a list.",
    )(command)


def relationship_argument(command: Callable[..., Any]) -> Callable[..., Any]:
    """The argument RELATIONSHIP, which need not be given."""
    return click.argument(
        "relationship", metavar="[RELATIONSHIP]", required=False, shell_complete=_complete_relationship
    )(command)


def columns_option(command: Callable[..., Any]) -> Callable[..., Any]:
    """The option --columns, as the names in it."""
    return click.option(
        "--columns",
        default="",
        metavar="NAMES",
        callback=_read_columns,
        shell_complete=_complete_columns,
        help="The columns of the table, such as id,name,created_at; customer.email of an included relationship.",
    )(command)


def _read_columns(_context: click.Context, _parameter: click.Parameter, given: str) -> tuple[str, ...]:
    names = tuple(name.strip() for name in given.split(",")) if given.strip() else ()
    if "" in names:
        raise click.UsageError("--columns takes names joined by commas, such as id,name,created_at")
    return names


def _read_filter(_context: click.Context, _parameter: click.Parameter, given: tuple[str, ...]) -> dict[str, Any]:
    return parse_filters(given)


def parse_filters(given: Iterable[str]) -> dict[str, Any]:
    """Parse arguments `name=value` into the mapping that `Session.list` takes, and checks against the class.

    Raises:
        UsageError: one is malformed, or there twice. Its value is not repeated.
    """
    filters: dict[str, Any] = {}
    for argument in given:
        name, equals, value = argument.partition("=")
        shown = repr(printable(name, 80))
        if not equals:
            raise click.UsageError(f"--filter takes NAME=VALUE, such as name_cont=visa, not {shown}")
        if not isinstance(service_in_use().filters, Ransack):
            _add_condition(filters, name, value, shown)
            continue
        if name in filters:
            raise click.UsageError(f"--filter: {shown} is there more than once")
        filters[name] = _parse_value(name, value, shown)
    return filters


def _add_condition(filters: dict[str, Any], name: str, value: str, shown: str) -> None:
    """Add `name=value` or `name[operator]=value`; several operators of an attribute are all to be met."""
    written = _CONDITION.fullmatch(name)
    attribute, operator = written.groups() if written is not None else (name, None)
    earlier = filters.get(attribute)
    if earlier is None:
        filters[attribute] = value if operator is None else {operator: value}
    elif operator is not None and isinstance(earlier, dict) and operator not in earlier:
        earlier[operator] = value
    else:
        raise click.UsageError(f"--filter: {shown} is there more than once")


_CONDITION: Final = re.compile(r"([^\[\]]+)\[([^\[\]]+)\]")


def _parse_value(name: str, value: str, shown: str) -> object:
    predicates = ransack_of(service_in_use()).predicates
    predicate = max((one for one in predicates.all if name.endswith(f"_{one}")), key=len, default="")
    if predicate in predicates.truth:
        if value not in _BOOLEANS:
            raise click.UsageError(f"--filter: {shown} takes true or false")
        return _BOOLEANS[value]
    if predicate in predicates.many:
        return [part.strip() for part in value.split(",")]
    if predicate in predicates.json:
        try:
            return json.loads(value)
        except ValueError:
            raise click.UsageError(f"--filter: {shown} takes a JSON object") from None
    return value


@contextmanager
def suggesting_types(type: str) -> Generator[None]:
    """Add to a `NotFound` of the block the name of the nearest known type, if `type` has no class."""
    try:
        yield
    except NotFound as error:
        hint = "" if class_of(type) else did_you_mean(type, [known.type for known in registry().classes])
        if hint:
            error.add_note(hint.removeprefix("; "))
        raise


def _complete_types(_context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    return _complete(incomplete, (cls.type for cls in registry().classes))


def _complete_include(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    cls = _class_in(context.params)
    return _complete_last(incomplete, declared_relationships(cls) if cls else ())


def _complete_relationship(
    context: click.Context, _parameter: click.Parameter, incomplete: str
) -> list[CompletionItem]:
    cls = _class_in(context.params)
    return _complete(incomplete, declared_relationships(cls) if cls else ())


def _complete_columns(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    include = str(context.params.get("include") or "")
    return _complete_last(incomplete, column_names(_class_in(context.params), filter(None, include.split(","))))


def _complete_sort(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    cls = _class_in(context.params)
    names = sorted(QueryCapabilities(cls, registry(), service_in_use()).sortable or ()) if cls else []
    return _complete_last(incomplete, (*names, *(f"-{name}" for name in names)))


def _complete_filters(context: click.Context, _parameter: click.Parameter, incomplete: str) -> list[CompletionItem]:
    cls = _class_in(context.params)
    names = QueryCapabilities(cls, registry(), service_in_use()).filterable_names() if cls else ()
    if not isinstance(service_in_use().filters, Ransack):
        return _complete(incomplete, (f"{name}=" for name in names))
    return _complete(incomplete, (f"{name}_{predicate}=" for name in names for predicate in _OFFERED))


def _class_in(parameters: Mapping[str, Any]) -> type[Resource] | None:
    # While an option has no value yet, click does not parse the arguments; then TYPE is one of the shell's words.
    words = (parameters.get("type") or "", *os.environ.get("COMP_WORDS", "").split())
    return next((cls for word in words if (cls := class_of(word)) is not None), None)


def _complete_last(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    """Complete the last name of a comma-separated list."""
    before, comma, last = incomplete.rpartition(",")
    return [CompletionItem(f"{before}{comma}{name}") for name in names if name.startswith(last)]


def _complete(incomplete: str, names: Iterable[str]) -> list[CompletionItem]:
    return [CompletionItem(name) for name in names if name.startswith(incomplete)]
