"""How a service's lists are filtered and sorted, how it takes many ids at once, and how a list is walked exactly.

JSON:API reserves `filter` and `sort` and leaves the strategy to the service (1.1, "Filtering", "Sorting"). A grammar
is a value that says how a filter is written; `_lists` writes it. What a caller gives is the same for all grammars but
`Ransack`: attributes with what they are to equal, several of which are all to be met, or with operators of the
service's own:

    {"status": "open", "created": {"greater-than": moment}, "id": {"any": ["a", "b"]}}
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any

import attrs

from .._checks import require_whole_number
from .._markers import public
from ..errors import ConfigurationError
from .by_type import ByType, of_type, values_of

PairsOf = Callable[[Mapping[str, Any]], Iterable[tuple[str, str]]]
"""From a caller's filter to query parameters, names and values, not encoded: a grammar that no class here is."""


def words(text: str) -> frozenset[str]:
    """The words of a text."""
    return frozenset(text.split())


def _check_text(_: object, attribute: "attrs.Attribute[Any]", given: object) -> None:
    if given is not None and (not isinstance(given, str) or not given):
        raise ConfigurationError(f"{attribute.name} must be a text")


def require_holes(what: str, template: str, *names: str) -> None:
    """Refuse a template that does not have these fields, each once and nothing else in braces.

    Raises:
        ConfigurationError: naming what is wrong with it.
    """
    holes = re.findall(r"\{([^{}]*)\}", template)
    if sorted(holes) != sorted(names) or re.sub(r"\{[^{}]*\}", "", template).strip("{}") != re.sub(
        r"\{[^{}]*\}", "", template
    ):
        wanted = " and ".join(f"{{{name}}}" for name in names)
        raise ConfigurationError(f"{what} must have {wanted} once, and no other braces, not {template!r}")


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class ByAttribute:
    """A parameter for each attribute: `filter[status]=open`, `filter[created][gte]=2026-01-01`."""

    equal: str = "filter[{attribute}]"
    """The parameter for what an attribute is to equal."""
    compare: str | None = "filter[{attribute}][{operator}]"
    """The parameter for an operator; None for a service that has none."""
    join: str | None = ","
    """What stands between several values; None to repeat the parameter for each."""
    quote: str = ""
    """What begins a value that holds `join`, such as `{{`, and reversed ends it; "" if there is no way to write one."""

    def __attrs_post_init__(self) -> None:
        require_holes("equal", self.equal, "attribute")
        if self.compare is not None:
            require_holes("compare", self.compare, "attribute", "operator")


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class Calls:
    """One parameter with calls in it: `filter=and(equals(status,"open"),less-than(rank,5))`."""

    parameter: str = attrs.field(default="filter", validator=_check_text)
    quote: str = '"'
    """What stands around texts; "" for nothing, and then a text may hold no `,`, `(` or `)`."""
    escape: str = "\\"
    """What stands before a quote inside a text, such as the quote itself; "" where none can stand there."""
    equals: str = "equals"
    """The call for what an attribute is to equal."""
    any: str = "any"
    """The call for several values, one of which an attribute is to equal."""
    lists: str = "[{}]"
    """How several values are written."""
    both: str = "and({})"
    """How several calls are joined that are all to be met."""
    between: str = ","
    """What stands between them."""

    def __attrs_post_init__(self) -> None:
        require_holes("lists", self.lists, "")
        require_holes("both", self.both, "")


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class Conditions:
    """Named conditions, as Drupal has them: `filter[a][condition][path]=status&filter[a][condition][operator]=…`."""

    parameter: str = attrs.field(default="filter", validator=_check_text)
    equals: str = "="
    """The operator for what an attribute is to equal."""
    any: str = "IN"
    """The operator for several values."""


@attrs.frozen(kw_only=True)
class Predicates:
    """What a filter may compare by, as the ending of its name."""

    one: frozenset[str]
    """Takes one value."""
    many: frozenset[str]
    """Takes several values."""
    truth: frozenset[str]
    """Asks a question, and takes true or false."""
    json: frozenset[str]
    """Takes a JSON object."""

    @property
    def all(self) -> frozenset[str]:
        """Every predicate."""
        return self.one | self.many | self.truth | self.json


@attrs.frozen
class TypeCapabilities:
    """What lists of one type can be filtered and sorted by, beside the attributes that all types have."""

    filterable: frozenset[str] = attrs.field(converter=words)
    sortable: frozenset[str] = attrs.field(converter=words)
    through: frozenset[str] = attrs.field(converter=words)
    """The relationships whose attributes can be filtered by."""
    common: bool = True
    """False for a type that cannot even be filtered by what all types have."""


@attrs.frozen(kw_only=True)
class Ransack:
    """A parameter for each attribute and predicate: `filter[q][created_at_gt]=…`.

    A caller's filter has the names that the service has, `{"created_at_gt": moment}`. What a service of this kind does
    not know it is apt to drop in silence, so names are checked against all that is known of its types.
    """

    template: str
    """The query parameter of a filter; `{}` stands for its name."""
    predicates: Predicates
    common: frozenset[str] = frozenset()
    """Attributes that every type has, and that can be filtered by."""
    unsortable: frozenset[str] = frozenset()
    """Those of them that cannot be sorted by."""
    types: Mapping[str, TypeCapabilities] = attrs.field(factory=dict[str, TypeCapabilities])
    """By type; of others nothing is published."""

    def __attrs_post_init__(self) -> None:
        require_holes("template", self.template, "")

    def usual_predicate(self, attribute: str) -> str:
        """The predicate that filters by an attribute mostly have, by its name; for hints alone."""
        endings = {"_at": "gt", "metadata": "jcont"}
        return next((predicate for ending, predicate in endings.items() if attribute.endswith(ending)), "eq")


Grammar = ByAttribute | Calls | Conditions | Ransack | PairsOf
"""How a filter is written."""


@public("commercelayer_async.service")
@attrs.frozen
class Sort:
    """How lists are sorted: `Sort("order")`, `Sort(keys=1)`."""

    parameter: str = attrs.field(default="sort", validator=_check_text)
    tie_break: str | None = attrs.field(default=None, kw_only=True, validator=_check_text)
    """The attribute that each list is sorted by last, which makes the order total; None to sort by what is asked alone.

    Without an order that is total, a record may be on two pages, and another on none.
    """
    keys: int | None = attrs.field(default=None, kw_only=True)
    """Keys at once at most; None for any number."""

    def __attrs_post_init__(self) -> None:
        if self.keys is not None:
            require_whole_number("keys", self.keys, 1, 64)


IdsWriter = Callable[[Sequence[str]], Iterable[tuple[str, str]]]
"""From ids to query parameters, names and values, not encoded: a way that no template is."""


def _check_template(_: object, attribute: "attrs.Attribute[Any]", given: object) -> None:
    if not callable(given):
        _check_text(_, attribute, given)


def _optional_types(types: Iterable[str] | None) -> frozenset[str] | None:
    return None if types is None else frozenset(types)


@public("commercelayer_async.service")
@attrs.frozen
class Ids:
    """How many resources are asked for by their ids: `Ids("filter[id]")`, or in calls `Ids("any(id,[{}])")`."""

    template: str | IdsWriter = attrs.field(validator=_check_template)
    """The query parameter that takes the ids, joined by commas; or, with `{}` for them, a call of `Calls`; or a
    function from ids to query parameters."""
    most: ByType[int] = attrs.field(default=25, kw_only=True)
    """Ids of a request at most; never more are sent than a page holds, nor than fit into a URL."""
    types: frozenset[str] | None = attrs.field(default=None, kw_only=True, converter=_optional_types)
    """The types whose lists take ids; None for all."""

    def __attrs_post_init__(self) -> None:
        if isinstance(self.template, str) and {"{", "}"} & set(self.template):
            require_holes("template", self.template, "")
        for value in values_of(self.most):
            require_whole_number("most", value, 1, 10_000)

    @property
    def is_call(self) -> bool:
        """True if it is a call of the grammar, and not a parameter."""
        return isinstance(self.template, str) and "{}" in self.template

    def most_of(self, type: str) -> int:
        """The ids of a request for a type at most; 0 if its lists take none."""
        if self.types is not None and type not in self.types:
            return 0
        found: int | None = of_type(self.most, type)
        return found or 0


@public("commercelayer_async.service")
@attrs.frozen
class Keyset:
    """How a list is walked with no record twice or missed: what comes after the last one, `Keyset("id", "gt")`.

    It is asked for in the service's grammar, sorted by the attribute, which has to be unique and in the order of which
    records are created, such as ids that grow.
    """

    attribute: str = attrs.field(validator=_check_text)
    operator: str = attrs.field(validator=_check_text)
    """What compares, in the service's grammar: only what comes after a value is greater."""
    through: str | None = attrs.field(default=None, kw_only=True, validator=_check_text)
    """What compares up to and with a value; None where nothing does, and then a walk cannot end at a record."""


@public("commercelayer_async.service")
@attrs.frozen
class Created:
    """How lists are filtered by the moment of creation: `Created("created_at", since="gteq", before="lt")`.

    What reads one list at several places at once cuts it so where it cannot be cut by ids. Every record has to have
    that moment, which has to stay as it is.
    """

    attribute: str = attrs.field(validator=_check_text)
    since: str = attrs.field(kw_only=True, validator=_check_text)
    """What compares, in the service's grammar: a moment itself, and what comes after it."""
    before: str = attrs.field(kw_only=True, validator=_check_text)
    """What comes before a moment, without the moment itself."""
