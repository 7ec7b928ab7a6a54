"""Filters of services that name attribute and predicate in one, and sort keys: checked against the class, and written.

A filter's name is an attribute and a predicate, `{attribute}_{predicate}` (docs.commercelayer.io, "Filtering data").
What the server does with a filter that it does not know is not published. Servers of this kind are apt to drop it in
silence, and the list then holds everything. So a slip is refused here, with the nearest name that would do: predicates
by the documented list, attributes by the class, and by what the API's schema says can be filtered and sorted by.
"""

import json
import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from functools import cache
from itertools import chain
from typing import Any, Final, ForwardRef, get_args
from urllib.parse import quote

from .._plain import plain, plain_json, plain_text
from .._reading.parameters import WRITABLE, parameter, text_of, texts_of
from .._text import did_you_mean, json_type_name, printable
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Registry, Resource, ToMany, ToOne
from ..jsonapi._schema import member_names
from ..jsonapi.query import attribute_names, names_in, relationship_names
from ..jsonapi.resource import declared_relationships
from ..service import Predicates, Ransack, Service

_NAME: Final = re.compile(r"[^\W_][\w.-]{0,254}")
"""A name as members have them: with hyphens, dots and letters of any script (JSON:API 1.1, "Member Names")."""


class QueryCapabilities:
    """What lists of one class can be filtered and sorted by.

    Of a type in the service's table, that is what the API's schema says, and what a class of the caller's declares
    beyond the package's. Of any other, it is what the class declares, and what all types have in common. Of a
    `GenericResource` nothing is known, and only the predicates are checked.
    """

    def __init__(self, cls: type[Resource], registry: Registry, service: Service) -> None:
        self.name = cls.__name__
        self.service = service
        self.grammar: Final = ransack_of(service)
        self.filterable: frozenset[str] | None = None
        """Attributes that can be filtered by; None where it is not known."""
        self.sortable: frozenset[str] | None = None
        """Attributes that can be sorted by; None where it is not known."""
        self._registry = registry
        self._attributes: Mapping[str, str] = {}
        """Attributes, by their names as members and as fields of the class."""
        self._declared: dict[str, ToOne[Any] | ToMany[Any]] = {}
        self._through: Sequence[str] = ()
        """Relationships whose attributes can be filtered by."""
        self._prefixes: Sequence[tuple[str, str]] = ()
        """What a path to these may begin with: their names as members and as fields of the class, and the member's."""
        if cls is not GenericResource and cls is not Resource:
            self._learn(cls)

    def _learn(self, cls: type[Resource]) -> None:
        if not isinstance(self.service.filters, Ransack):
            # Nothing says what such a service filters and sorts by; the class says how members are called.
            self._attributes = attribute_names(cls)
            return
        facts = self.grammar.types.get(cls.type)
        published = _published_class(cls.type, self.service)
        # Both, as a class of the caller's may be a smaller one, or know more than this package.
        self._attributes = {**attribute_names(published), **attribute_names(cls)}
        self._declared = declared_relationships(published) | declared_relationships(cls)
        own = frozenset(member_names(cls)) - frozenset(member_names(published))
        id, common = _id_attributes(self.service), self.grammar.common
        shared = common | id if facts is None or facts.common else frozenset[str]()
        self.filterable = own | shared | (facts.filterable if facts is not None else frozenset())
        sortable = own | shared | id
        self.sortable = (sortable | facts.sortable if facts is not None else sortable) - self.grammar.unsortable
        self._through = sorted(self._declared if facts is None else facts.through)
        names = {name: name for name in self._through}
        names.update(relationship_names(published))
        names.update(relationship_names(cls))
        self._prefixes = sorted((name, member) for name, member in names.items() if member in self._through)

    def member_of(self, name: str) -> str:
        """The member that a name stands for, which may be that of a field; the name itself where it is neither."""
        return self._attributes.get(name, name)

    def filter_path(self, path: str) -> str | None:
        """Find what a path stands for in member names: an attribute, also of a related resource (`customer_email`).

        None if it cannot be filtered by.
        """
        member = self.member_of(path)
        if self.filterable is None or member in self.filterable:
            return member
        for name, relationship in self._prefixes:
            rest = path[len(name) + 1 :]
            if rest and path.startswith(f"{name}_"):
                related = self._related(relationship)
                found = rest if related is None else related.filter_path(rest)
                if found is not None:
                    return f"{relationship}_{found}"
        return None

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
    require_mapping(filter)
    return tuple(_filter_parameter(name, value, capabilities) for name, value in filter.items())


def filter_name_of(parameter_name: str, filtering: Ransack) -> str:
    """The name of the filter that a query parameter is for: its `{attribute}_{predicate}`."""
    before, _, after = filtering.template.partition("{}")
    return parameter_name.removeprefix(before).removesuffix(after)


def sort_keys(sort: str | Iterable[str], capabilities: QueryCapabilities) -> tuple[str, ...]:
    """Check a `sort` argument, names or one comma-separated string, and return its keys; `-` stands for descending.

    A name may be the member's or the field's; a key has the member's, percent-encoded.

    Raises:
        ConfigurationError: a key is malformed, is there twice, or cannot be sorted by.
    """
    keys: dict[str, str] = {}
    for given in names_in(sort, "sort"):
        name = given.removeprefix("-")
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"sort: {printable(repr(name), 80)} is not an attribute's name")
        member = capabilities.member_of(name)
        if capabilities.sortable is not None and member not in capabilities.sortable:
            raise ConfigurationError(
                f"sort: the API does not sort {capabilities.name} by {name!r}"
                f"{did_you_mean(name, capabilities.sortable)}"
            )
        if member in keys:
            raise ConfigurationError(f"sort: {name!r} is there more than once")
        keys[member] = f"{'-' if given.startswith('-') else ''}{quote(member, safe='')}"
    return tuple(keys.values())


def related_class(owner: str, name: str, registry: Registry, service: Service) -> type[Resource] | None:
    """The class behind the relationship `name` of resources of the type `owner`; None where it is not known."""
    return _related_class(declared_relationships(registry.get(owner)).get(name), registry, service)


def require_mapping(filter: object) -> None:
    """Refuse a filter that is not a mapping.

    Raises:
        ConfigurationError: it is not one.
    """
    if not isinstance(filter, Mapping):
        raise ConfigurationError(f"filter must be a mapping such as {{'created_at_gt': …}}, not {_type_name(filter)}")


def _filter_parameter(given: object, value: object, capabilities: QueryCapabilities) -> str:
    name = plain_text(given)
    if name is None or not _NAME.fullmatch(name):
        shown = f"a {type(given).__name__}" if name is None else printable(repr(name), 80)
        raise ConfigurationError(f"filter: {shown} is not a name such as 'created_at_gt'")
    path, predicate = _split(name, capabilities)
    filtering = capabilities.grammar
    text = _text_for(predicate, plain(value), name, filtering.predicates)
    return parameter(filtering.template.format(f"{path}_{predicate}"), text)


@cache
def _longest_first(predicates: Predicates) -> Sequence[str]:
    """The predicates in the order in which a name is tried for them: `not_eq` before `eq`, which it ends in too."""
    return sorted(predicates.all, key=lambda predicate: (-len(predicate), predicate))


def _split(name: str, capabilities: QueryCapabilities) -> tuple[str, str]:
    """Part a filter's name into what it compares, in member names, and the predicate.

    An attribute's own name may end as a predicate begins, so of the predicates that the name ends in, it is the longest
    before which something can be filtered by.

    Raises:
        ConfigurationError: it does not end in a predicate, the class has no such attribute, or the API does not filter
            by it.
    """
    predicates = [one for one in _longest_first(capabilities.grammar.predicates) if name.endswith(f"_{one}")]
    for predicate in predicates:
        path = _whole_path(name.removesuffix(f"_{predicate}"), capabilities)
        if path is not None:
            return path, predicate
    if not predicates:
        hint = _hint(name, capabilities, sorted(capabilities.grammar.predicates.all))
        raise ConfigurationError(f"filter: {name!r} does not end in a predicate such as '_eq'{hint}")
    raise _refusal_of(name, predicates[0], capabilities)


def _whole_path(whole: str, capabilities: QueryCapabilities) -> str | None:
    """What a filter compares, in member names: an attribute, or several joined by `_or_`; None if it is neither."""
    paths, rest = _known_paths(whole, capabilities)
    return "_or_".join(paths) if not rest else None


def _known_paths(whole: str, capabilities: QueryCapabilities) -> tuple[list[str], list[str]]:
    """Part what is joined by `_or_` into paths in member names, as far as they can be filtered by, and what is left."""
    parts, paths = whole.split("_or_"), list[str]()
    while parts:
        # The longest first: an attribute's own name may hold `_or_`.
        for count in range(len(parts), 0, -1):
            path = capabilities.filter_path("_or_".join(parts[:count]))
            if path is not None:
                paths.append(path)
                del parts[:count]
                break
        else:
            break
    return paths, parts


def _refusal_of(name: str, predicate: str, capabilities: QueryCapabilities) -> ConfigurationError:
    """Make the error for a filter by what the class does not have, or the API does not filter by."""
    _, rest = _known_paths(name.removesuffix(f"_{predicate}"), capabilities)
    path = rest[0]
    if capabilities.has(path):
        return ConfigurationError(
            f"filter: the API does not filter {capabilities.name} by {path!r}; to ask all the same, use"
            " session.request()"
        )
    hint = _hint(name, capabilities, (predicate,))
    return ConfigurationError(f"filter: {capabilities.name} has no {path!r} to filter by{hint}")


def _hint(name: str, capabilities: QueryCapabilities, predicates: Iterable[str]) -> str:
    """Guess the filter that was meant: its predicate where the attribute is known, else the whole name."""
    attributes = list(capabilities.filterable_names())
    filtering = capabilities.grammar
    known = max((one for one in attributes if f"{name}_".startswith(f"{one}_")), key=len, default=None)
    if known is None and attributes:
        return _hint_at_all_of(name, attributes, predicates, filtering)
    attribute = known or name.rpartition("_")[0]
    predicate = _predicate_like(name[len(attribute) + 1 :], filtering.predicates) if attribute else None
    if known is not None and predicate is None:
        predicate = filtering.usual_predicate(known)
    return f"; did you mean {f'{attribute}_{predicate}'!r}?" if predicate else ""


def _hint_at_all_of(name: str, attributes: Sequence[str], predicates: Iterable[str], filtering: Ransack) -> str:
    """Guess a filter whose attribute is misspelt; the predicate may be missing."""
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415 - as said above

    whole = {
        f"{attribute}_{predicate}": f"{attribute}_{predicate}" for attribute in attributes for predicate in predicates
    }
    bare = {attribute: f"{attribute}_{filtering.usual_predicate(attribute)}" for attribute in attributes}
    close = get_close_matches(name, [*bare, *whole], n=1)
    return f"; did you mean {(bare | whole)[close[0]]!r}?" if close else ""


def _predicate_like(word: str, predicates: Predicates) -> str | None:
    """Find the predicate that `word` misspells (`gtt`) or spells out (`contains`)."""
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415 - as said above

    close = get_close_matches(word, sorted(predicates.all), n=1, cutoff=0.8)
    candidates = (*close, *_longest_first(predicates))
    return next((one for one in candidates if word and (one in close or word.startswith(one))), None)


def _text_for(predicate: str, value: object, name: str, predicates: Predicates) -> str:
    """Write what a filter compares with, a plain value, as one text."""
    where = f"filter: {name!r}"
    given: Any = value
    if predicate in predicates.truth:
        if isinstance(value, bool):
            return text_of(value, where)
        raise ConfigurationError(f"{where} takes True or False, not {_type_name(value)}")
    if predicate in predicates.json:
        if isinstance(value, Mapping):
            return _json(given, where)
        raise ConfigurationError(f"{where} takes a mapping, not {_type_name(value)}")
    several = isinstance(value, list | tuple | AbstractSet)
    if predicate not in predicates.many:
        if several:
            raise ConfigurationError(f"{where} takes one value; for several, use '_in' or '_any'")
        return _compared(value, where)
    if not several:
        raise ConfigurationError(f"{where} takes a list, tuple or set, not {_type_name(value)}")
    return texts_of(given, where, write=_compared)


def _compared(given: object, where: str) -> str:
    """Write a value that something can be equal to."""
    value = plain(given)
    if value is None:
        raise ConfigurationError(f"{where} is compared with None; use '_null' with True or False")
    if not isinstance(value, WRITABLE):
        raise ConfigurationError(f"{where} cannot be compared with {_type_name(value)}")
    text = text_of(value, where)
    if not text.strip():
        raise ConfigurationError(f"{where} is compared with an empty text; use '_blank' with True or False")
    return text


def _json(members: Mapping[Any, Any], where: str) -> str:
    try:
        text = json.dumps(plain_json(members), separators=(",", ":"), ensure_ascii=False, allow_nan=False)
        text.encode()
    except (TypeError, ValueError, RecursionError):
        text = ""
    if not text:
        raise ConfigurationError(f"{where} has a mapping that is not JSON")
    return text


def _type_name(value: object) -> str:
    return json_type_name(value) if value is None or isinstance(value, str | bool) else f"a {type(value).__name__}"


def ransack_of(service: Service) -> Ransack:
    """The grammar of a service that has one of this kind; one that knows nothing for any other."""
    return service.filters if isinstance(service.filters, Ransack) else _UNKNOWN


_UNKNOWN: Final = Ransack(
    template="{}",
    predicates=Predicates(one=frozenset(), many=frozenset(), truth=frozenset(), json=frozenset()),
)


def _id_attributes(service: Service) -> frozenset[str]:
    """What every resource can be found and sorted by."""
    return frozenset() if service.keyset is None else frozenset({service.keyset.attribute})


@cache
def _classes_of(resources: Callable[[], Iterable[type[Resource]]]) -> Mapping[str, type[Resource]]:
    """The classes that a service brings along, by type."""
    return {cls.type: cls for cls in resources()}


def _published_class(type: str, service: Service) -> type[Resource]:
    """The service's own class for a type of which it is known what can be asked; `Resource` where there is none."""
    # Looked up first: a list of `GenericResource`s needs none of the classes.
    return _classes_of(service.resources).get(type, Resource) if type in ransack_of(service).types else Resource


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
    published = (_published_class(type, service) for type in ransack_of(service).types)
    return next((cls for cls in chain(registry.classes, published) if cls.__name__ == name), None)
