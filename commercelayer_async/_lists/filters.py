"""Filters and sort keys: checked against the class, and written as the service takes them.

A filter's name is an attribute and a predicate, `{attribute}_{predicate}` (docs.commercelayer.io, "Filtering data").
What the server does with a filter that it does not know is not published. Servers of this kind are apt to drop it in
silence, and the list then holds everything. So a slip is refused here, with the nearest name that would do: predicates
by the documented list, attributes by the class, and by what the API's schema says can be filtered and sorted by.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from itertools import chain
from typing import Any, Final, ForwardRef, get_args

from .._reading.parameters import parameter
from .._text import did_you_mean, json_type_name, printable
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Registry, Resource, ToMany, ToOne
from ..jsonapi._schema import member_names
from ..jsonapi.resource import declared_relationships
from ..service import Filtering, Predicates, Service

_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_BEYOND: Final = 2**63
"""What no number of the API reaches."""


class QueryCapabilities:
    """What lists of one class can be filtered and sorted by.

    Of a type in the service's table, that is what the API's schema says, and what a class of the caller's declares
    beyond the package's. Of any other, it is what the class declares, and what all types have in common. Of a
    `GenericResource` nothing is known, and only the predicates are checked.
    """

    def __init__(self, cls: type[Resource], registry: Registry, service: Service) -> None:
        self.name = cls.__name__
        self.service = service
        self.filterable: frozenset[str] | None = None
        """Attributes that can be filtered by; None where it is not known."""
        self.sortable: frozenset[str] | None = None
        """Attributes that can be sorted by; None where it is not known."""
        self._registry = registry
        self._attributes = frozenset[str]()
        self._declared: dict[str, ToOne[Any] | ToMany[Any]] = {}
        self._through: Sequence[str] = ()
        """Relationships whose attributes can be filtered by."""
        if cls is not GenericResource and cls is not Resource:
            self._learn(cls)

    def _learn(self, cls: type[Resource]) -> None:
        facts = self.service.filtering.types.get(cls.type)
        published = _published_class(cls.type, self.service)
        # Both, as a class of the caller's may be a smaller one, or know more than this package.
        self._attributes = frozenset(member_names(published)) | frozenset(member_names(cls))
        self._declared = declared_relationships(published) | declared_relationships(cls)
        own = frozenset(member_names(cls)) - frozenset(member_names(published))
        id, common = {self.service.keys.id_attribute}, self.service.filtering.common
        shared = common | id if facts is None or facts.common else frozenset[str]()
        self.filterable = own | shared | (facts.filterable if facts is not None else frozenset())
        sortable = own | shared | id
        self.sortable = (
            sortable | facts.sortable if facts is not None else sortable
        ) - self.service.filtering.unsortable
        self._through = sorted(self._declared if facts is None else facts.through)

    def can_filter_by(self, path: str) -> bool:
        """True if an attribute, possibly of a related resource (`customer_email`), can be filtered by."""
        if self.filterable is None or path in self.filterable:
            return True
        return any(
            (related := self._related(name)) is None or related.can_filter_by(path[len(name) + 1 :])
            for name in self._through
            if path.startswith(f"{name}_") and len(path) > len(name) + 1
        )

    def filterable_names(self) -> Iterator[str]:
        """Name the attributes that can be filtered by, and those of resources one relationship away."""
        yield from sorted(self.filterable or ())
        for name in self._through:
            related = self._related(name)
            yield from (f"{name}_{attribute}" for attribute in sorted((related and related.filterable) or ()))

    def has(self, path: str) -> bool:
        """True if there is such an attribute or relationship, whether or not it can be filtered by."""
        if path in self._attributes or path in self._declared:
            return True
        for name in self._declared:
            if path.startswith(f"{name}_"):
                related = self._related(name)
                return name not in self._through or (related is not None and related.has(path[len(name) + 1 :]))
        return False

    def _related(self, name: str) -> "QueryCapabilities | None":
        """The capabilities of the class behind a relationship; None where the class is not known."""
        cls = _related_class(self._declared.get(name), self._registry, self.service)
        return QueryCapabilities(cls, self._registry, self.service) if cls is not None else None


def filter_parameters(filter: Mapping[str, Any], capabilities: QueryCapabilities) -> tuple[str, ...]:
    """Make the query parameters of a filter, percent-encoded, in its order.

    Args:
        filter: By `{attribute}_{predicate}`, where attributes may be joined by `_or_` and prefixed by a relationship.
            A value is text, a number, a boolean, a date or an aware datetime, or an enum of these. It is a list, tuple
            or set of them where the predicate takes several; true or false where the predicate asks a question; and a
            mapping for `_jcont`.
        capabilities: What lists of the class can be filtered by.

    Raises:
        ConfigurationError: a name or a value will not do; values are not shown.
    """
    _require_mapping(filter)
    return tuple(_filter_parameter(name, value, capabilities) for name, value in filter.items())


def filter_name_of(parameter_name: str, filtering: Filtering) -> str:
    """The name of the filter that a query parameter is for: its `{attribute}_{predicate}`."""
    before, _, after = filtering.template.partition("{}")
    return parameter_name.removeprefix(before).removesuffix(after)


def sort_keys(sort: str | Iterable[str], capabilities: QueryCapabilities) -> tuple[str, ...]:
    """Check a `sort` argument, names or one comma-separated string, and return its keys; `-` stands for descending.

    Raises:
        ConfigurationError: a key is malformed, is there twice, or cannot be sorted by.
    """
    keys = tuple(map(str, sort.split(",") if isinstance(sort, str) and sort else sort))
    names = [key.removeprefix("-") for key in keys]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"sort: {printable(repr(name), 80)} is not an attribute's name")
        if capabilities.sortable is not None and name not in capabilities.sortable:
            raise ConfigurationError(
                f"sort: the API does not sort {capabilities.name} by {name!r}"
                f"{did_you_mean(name, capabilities.sortable)}"
            )
        if names.count(name) > 1:
            raise ConfigurationError(f"sort: {name!r} is there more than once")
    return keys


def related_class(owner: str, name: str, registry: Registry, service: Service) -> type[Resource] | None:
    """The class behind the relationship `name` of resources of the type `owner`; None where it is not known."""
    return _related_class(declared_relationships(registry.get(owner)).get(name), registry, service)


def _require_mapping(filter: object) -> None:
    if not isinstance(filter, Mapping):
        raise ConfigurationError(f"filter must be a mapping such as {{'created_at_gt': …}}, not {_type_name(filter)}")


def _filter_parameter(name: object, value: object, capabilities: QueryCapabilities) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"filter: {printable(repr(name), 80)} is not a name such as 'created_at_gt'")
    filtering = capabilities.service.filtering
    predicate = next((one for one in _longest_first(filtering.predicates) if name.endswith(f"_{one}")), None)
    if predicate is None:
        hint = _hint(name, capabilities, sorted(filtering.predicates.all))
        raise ConfigurationError(f"filter: {name!r} does not end in a predicate such as '_eq'{hint}")
    _require_attributes(name, predicate, capabilities)
    return parameter(filtering.template.format(name), _text_for(predicate, value, name, filtering.predicates))


@cache
def _longest_first(predicates: Predicates) -> Sequence[str]:
    """The predicates in the order in which a name is tried for them: `not_eq` before `eq`, which it ends in too."""
    return sorted(predicates.all, key=lambda predicate: (-len(predicate), predicate))


def _require_attributes(name: str, predicate: str, capabilities: QueryCapabilities) -> None:
    """Refuse a filter by what the class does not have, or the API does not filter by."""
    whole = name.removesuffix(f"_{predicate}")
    # The whole of it first: an attribute's own name may hold `_or_`.
    if capabilities.can_filter_by(whole):
        return
    for path in whole.split("_or_"):
        if capabilities.can_filter_by(path):
            continue
        if capabilities.has(path):
            raise ConfigurationError(
                f"filter: the API does not filter {capabilities.name} by {path!r}; to ask all the same, use"
                " session.request()"
            )
        hint = _hint(name, capabilities, (predicate,))
        raise ConfigurationError(f"filter: {capabilities.name} has no {path!r} to filter by{hint}")


def _hint(name: str, capabilities: QueryCapabilities, predicates: Iterable[str]) -> str:
    """Guess the filter that was meant: its predicate where the attribute is known, else the whole name."""
    attributes = list(capabilities.filterable_names())
    known = max((one for one in attributes if name.startswith(f"{one}_")), key=len, default=None)
    if known is None and attributes:
        return did_you_mean(name, (f"{attribute}_{predicate}" for attribute in attributes for predicate in predicates))
    attribute = known or name.rpartition("_")[0]
    rest = name[len(attribute) + 1 :]
    predicate = _predicate_like(rest, capabilities.service.filtering.predicates) if attribute else None
    return f"; did you mean {f'{attribute}_{predicate}'!r}?" if predicate else ""


def _predicate_like(word: str, predicates: Predicates) -> str | None:
    """Find the predicate that `word` misspells (`gtt`) or spells out (`contains`)."""
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415 - as said above

    close = get_close_matches(word, sorted(predicates.all), n=1, cutoff=0.8)
    candidates = (*close, *_longest_first(predicates))
    return next((one for one in candidates if one in close or word.startswith(one)), None)


def _text_for(predicate: str, value: object, name: str, predicates: Predicates) -> str:
    """Write what a filter compares with as one text."""
    entries: Any = value
    if predicate in predicates.truth:
        if isinstance(value, bool):
            return _plain(value, name)
        raise ConfigurationError(f"filter: {name!r} takes True or False, not {_type_name(value)}")
    if predicate in predicates.json:
        if isinstance(value, Mapping):
            return _json(entries, name)
        raise ConfigurationError(f"filter: {name!r} takes a mapping, not {_type_name(value)}")
    several = isinstance(value, list | tuple | AbstractSet)
    if predicate in predicates.many:
        if several:
            return _list(entries, name)
        raise ConfigurationError(f"filter: {name!r} takes a list, tuple or set, not {_type_name(value)}")
    if several:
        raise ConfigurationError(f"filter: {name!r} takes one value; for several, use '_in' or '_any'")
    return _plain(value, name)


def _list(entries: Iterable[object], name: str) -> str:
    texts = [_plain(entry, name) for entry in entries]
    if not texts:
        raise ConfigurationError(f"filter: {name!r} has no values, and would filter nothing")
    if any("," in text for text in texts):
        # No way is documented to write a comma that does not part two values.
        raise ConfigurationError(f"filter: {name!r} has a value with a comma, which the API would take for two values")
    # A set has no order of its own, and the same list is to have the same URL.
    return ",".join(sorted(texts) if isinstance(entries, AbstractSet) else texts)


def _plain(value: object, name: str) -> str:
    """Write one value as text."""
    match value:
        case Enum():
            text = _plain(value.value, name)
        case bool():
            text = "true" if value else "false"
        case str():
            text = _string(value, name)
        case datetime():
            text = _timestamp(value, name)
        case date():
            text = value.isoformat()
        case int() | float() | Decimal():
            text = _number(value, name)
        case None:
            raise ConfigurationError(f"filter: {name!r} is compared with None; use '_null' with True or False")
        case _:
            raise ConfigurationError(f"filter: {name!r} cannot be compared with {_type_name(value)}")
    return text


def _string(text: str, name: str) -> str:
    if not text.strip():
        raise ConfigurationError(f"filter: {name!r} is compared with an empty text; use '_blank' with True or False")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"filter: {name!r} has a value with half a character (a lone surrogate)") from None
    return str.__str__(text)


def _number(value: float | Decimal, name: str) -> str:
    # Not by isfinite, which does not take integers of this size; NaN is never smaller.
    if not (isinstance(value, Decimal) and value.is_nan()) and -_BEYOND < value < _BEYOND:
        return f"{value:f}" if isinstance(value, Decimal) else repr(value)
    raise ConfigurationError(f"filter: {name!r} has a number that no record can have")


def _timestamp(moment: datetime, name: str) -> str:
    """Write a point in time as the API does: in UTC, with milliseconds, or microseconds where there are any."""
    if moment.utcoffset() is None:
        raise ConfigurationError(f"filter: {name!r} has a datetime without time zone; give it one, such as UTC")
    utc = moment.astimezone(UTC)
    exact = "milliseconds" if utc.microsecond % 1000 == 0 else "microseconds"
    return f"{utc.replace(tzinfo=None).isoformat(timespec=exact)}Z"


def _json(members: Mapping[str, Any], name: str) -> str:
    try:
        text = json.dumps(dict(members), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not text:
        raise ConfigurationError(f"filter: {name!r} has a mapping that is not JSON")
    return text


def _type_name(value: object) -> str:
    return json_type_name(value) if value is None or isinstance(value, str | bool) else f"a {type(value).__name__}"


@cache
def _package_classes() -> Mapping[str, type[Resource]]:
    # Imported here: a list of `GenericResource`s needs none of them.
    from ..resources import RESOURCES  # noqa: PLC0415 - as said above

    return {cls.type: cls for cls in RESOURCES}


def _published_class(type: str, service: Service) -> type[Resource]:
    """The package's own class for a type of a service; `Resource` where there is none."""
    return _package_classes().get(type, Resource) if type in service.filtering.types else Resource


def _related_class(
    declared: ToOne[Any] | ToMany[Any] | None, registry: Registry, service: Service
) -> type[Resource] | None:
    """The class that a relationship is declared with; None where there is none, or more than one."""
    arguments = get_args(getattr(declared, "__orig_class__", None))
    given: Any = next((one for argument in arguments for one in get_args(argument) or (argument,)), None)
    if isinstance(given, type) and issubclass(given, Resource):
        return None if given is GenericResource else given
    # `ToOne["Customer | None"]`: the class may be defined further down, so it is found by its name.
    name = given.__forward_arg__.partition("|")[0].strip(" '\"") if isinstance(given, ForwardRef) else ""
    published = (cls for cls in _package_classes().values() if cls.type in service.filtering.types)
    return next((cls for cls in chain(registry.classes, published) if cls.__name__ == name), None)
