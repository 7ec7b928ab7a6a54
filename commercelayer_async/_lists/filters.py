"""Filters and sort keys: checked against the class, and written as the API takes them.

A filter is `filter[q][{attribute}_{predicate}]` (docs.commercelayer.io, "Filtering data"). What the server makes of one
that it does not know is not published; filters of this kind are apt to be dropped in silence, and then a list holds
everything. So a slip is refused here, with the nearest name that would do: predicates by the documented list,
attributes by the class, and by what the API's schema says can be filtered and sorted by.
"""

import json
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from collections.abc import Set as AbstractSet
from datetime import UTC, date, datetime
from decimal import Decimal
from enum import Enum
from functools import cache
from typing import Any, Final, ForwardRef, get_args
from urllib.parse import quote

import attrs

from .._text import did_you_mean, json_type_name, printable
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Registry, Resource, ToMany, ToOne
from ..jsonapi._schema import member_names
from ..jsonapi.resource import declared_relationships


def _words(text: str) -> frozenset[str]:
    return frozenset(text.split())


_OF_ONE: Final = _words(
    "eq not_eq eq_or_null not_eq_or_null matches does_not_match lt lteq gt gteq"
    " start not_start end not_end cont not_cont"
)
_OF_MANY: Final = _words(
    "in not_in in_or_null not_in_or_null not_eq_all"
    " matches_any matches_all does_not_match_any does_not_match_all"
    " lt_any lteq_any gt_any gteq_any lt_all lteq_all gt_all gteq_all"
    " start_any start_all not_start_any not_start_all end_any end_all not_end_any not_end_all"
    " cont_any cont_all not_cont_all"
)
_OF_TRUTH: Final = frozenset({"present", "blank", "null", "not_null", "true", "false"})
_OF_JSON: Final = frozenset({"jcont"})
PREDICATES: Final = _OF_ONE | _OF_MANY | _OF_TRUTH | _OF_JSON
"""Every documented predicate."""

# `not_eq` before `eq`: the longest that fits is the one meant.
_LONGEST_FIRST: Final = sorted(PREDICATES, key=lambda predicate: (-len(predicate), predicate))
_NAME: Final = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,254}")
_BEYOND: Final = 2**63
"""What no number of the API reaches."""
_COMMON: Final = _words("created_at updated_at reference reference_origin metadata")
"""Attributes that every type has, and that can be filtered by; all but `metadata` can be sorted by."""


@attrs.frozen
class _Facts:
    """What can be filtered and sorted by beside the common attributes, as the API's schema of 2026 flags it."""

    filterable: frozenset[str] = attrs.field(converter=_words)
    sortable: frozenset[str] = attrs.field(converter=_words)
    through: frozenset[str] = attrs.field(converter=_words)
    """The relationships whose attributes can be filtered by."""
    common: bool = True
    """False for a type that does not even let the common attributes."""


_CUSTOMER: Final = "email status total_orders_count anonymization_status"
_METHOD: Final = "name payment_source_type currency_code price_amount_cents disabled_at"
_FACTS: Final[Mapping[str, _Facts]] = {
    "customer_payment_sources": _Facts("name payment_source_token", "", "customer payment_method"),
    "customers": _Facts(
        _CUSTOMER,
        _CUSTOMER,
        "customer_group customer_addresses customer_payment_sources customer_subscriptions order_subscriptions returns"
        " sku_lists attachments events tags",
    ),
    "payment_methods": _Facts(_METHOD, _METHOD, "market payment_gateway store attachments"),
    "adyen_payments": _Facts("", "", "order"),
    "axerve_payments": _Facts("", "", "order"),
    "braintree_payments": _Facts("", "", "order"),
    "checkout_com_payments": _Facts("", "", "order"),
    "external_payments": _Facts("payment_source_token", "", "order"),
    "klarna_payments": _Facts("mismatched_amounts", "", "order"),
    "paypal_payments": _Facts("", "", "order payment_gateway"),
    "satispay_payments": _Facts("payment_id flow status", "payment_id flow status", "order payment_gateway"),
    "stripe_payments": _Facts("", "", ""),
    "wire_transfers": _Facts("", "", ""),
    # Neither filtered nor sorted, says the documentation; a client of the vendor's own sorts them by id.
    "event_stores": _Facts("", "", "", common=False),
}


class Asked:
    """What may be asked of lists of one class: which attributes can be filtered and sorted by.

    Of a type that the table above holds, that is what the API's schema says, and what a class of the caller's declares
    beyond the package's. Of any other, it is what the class declares, and what all types have in common. Of a
    `GenericResource` nothing is known, and only the predicates are checked.
    """

    def __init__(self, cls: type[Resource], registry: Registry) -> None:
        self.name = cls.__name__
        self.filterable: frozenset[str] | None = None
        """Attributes that can be filtered by; None where nobody knows."""
        self.sortable: frozenset[str] | None = None
        """Attributes that can be sorted by; None where nobody knows."""
        self._registry = registry
        self._attributes = frozenset[str]()
        self._declared: dict[str, ToOne[Any] | ToMany[Any]] = {}
        self._through: Sequence[str] = ()
        if cls is not GenericResource and cls is not Resource:
            self._learn(cls)

    def _learn(self, cls: type[Resource]) -> None:
        facts, published = _FACTS.get(cls.type), _published().get(cls.type, Resource)
        # Both, as a class of the caller's may be a smaller one, or know more than this package.
        self._attributes = frozenset(member_names(published)) | frozenset(member_names(cls))
        self._declared = declared_relationships(published) | declared_relationships(cls)
        own = frozenset(member_names(cls)) - frozenset(member_names(published))
        shared = _COMMON | {"id"} if facts is None or facts.common else frozenset[str]()
        self.filterable = own | shared | (facts.filterable if facts is not None else frozenset())
        self.sortable = (own | shared | {"id"} | (facts.sortable if facts is not None else frozenset())) - {"metadata"}
        self._through = sorted(self._declared if facts is None else facts.through)

    def lets(self, path: str) -> bool:
        """Whether an attribute, possibly of a related resource, can be filtered by."""
        if self.filterable is None or path in self.filterable:
            return True
        return any(
            (target := self._behind(name)) is None or target.lets(path[len(name) + 1 :])
            for name in self._through
            if path.startswith(f"{name}_") and len(path) > len(name) + 1
        )

    def candidates(self) -> Iterator[str]:
        """The attributes that can be filtered by, and those of resources one relationship away."""
        yield from sorted(self.filterable or ())
        for name in self._through:
            target = self._behind(name)
            yield from (f"{name}_{attribute}" for attribute in sorted((target and target.filterable) or ()))

    def has(self, path: str) -> bool:
        """Whether there is such an attribute, or relationship, whether or not it can be filtered by."""
        if path in self._attributes or path in self._declared:
            return True
        for name in self._declared:
            if path.startswith(f"{name}_"):
                target = self._behind(name)
                return name not in self._through or (target is not None and target.has(path[len(name) + 1 :]))
        return False

    def _behind(self, name: str) -> "Asked | None":
        """What the target of a relationship lets; None where nobody knows."""
        target = _target(self._declared.get(name), self._registry)
        return Asked(target, self._registry) if target is not None else None


def filter_parameters(filter: Mapping[str, Any], asked: Asked) -> tuple[str, ...]:
    """The query parameters of a filter, percent-encoded, in its order.

    Args:
        filter: By `{attribute}_{predicate}`, where attributes may be joined by `_or_` and prefixed by a relationship.
            A value is text, a number, a boolean, a date or an aware datetime, an enum of these; a list, tuple or set
            of them where the predicate takes several; true or false where it asks a question; a mapping for `_jcont`.
        asked: What may be asked.

    Raises:
        ConfigurationError: a name or a value will not do; values are not shown.
    """
    _require_mapping(filter)
    return tuple(_parameter(name, value, asked) for name, value in filter.items())


def sort_keys(sort: str | Iterable[str], asked: Asked) -> tuple[str, ...]:
    """The sort keys of a `sort` argument, a leading `-` for descending: names, or one comma-separated string.

    Raises:
        ConfigurationError: one is malformed, comes twice, or cannot be sorted by.
    """
    keys = tuple(map(str, sort.split(",") if isinstance(sort, str) and sort else sort))
    names = [key.removeprefix("-") for key in keys]
    for name in names:
        if not _NAME.fullmatch(name):
            raise ConfigurationError(f"sort: {printable(repr(name), 80)} is no attribute's name")
        if asked.sortable is not None and name not in asked.sortable:
            raise ConfigurationError(
                f"sort: the API does not sort {asked.name} by {name!r}{did_you_mean(name, asked.sortable)}"
            )
        if names.count(name) > 1:
            raise ConfigurationError(f"sort: {name!r} is there more than once")
    return keys


def _require_mapping(filter: object) -> None:
    if not isinstance(filter, Mapping):
        raise ConfigurationError(f"filter must be a mapping such as {{'created_at_gt': …}}, not {_kind(filter)}")


def _parameter(name: object, value: object, asked: Asked) -> str:
    if not isinstance(name, str) or not _NAME.fullmatch(name):
        raise ConfigurationError(f"filter: {printable(repr(name), 80)} is no name such as 'created_at_gt'")
    predicate = next((one for one in _LONGEST_FIRST if name.endswith(f"_{one}")), None)
    if predicate is None:
        raise ConfigurationError(f"filter: {name!r} ends in no predicate such as '_eq'{_nearest(name, asked)}")
    _require_attributes(name, predicate, asked)
    return f"filter%5Bq%5D%5B{name}%5D={quote(_text_for(predicate, value, name), safe='')}"


def _require_attributes(name: str, predicate: str, asked: Asked) -> None:
    """Refuse a filter by what the class does not have, or the API does not filter by."""
    whole = name.removesuffix(f"_{predicate}")
    if asked.lets(whole):
        return
    for path in whole.split("_or_"):
        if asked.lets(path):
            continue
        if asked.has(path):
            raise ConfigurationError(
                f"filter: the API does not filter {asked.name} by {path!r}; to ask all the same, use session.request()"
            )
        raise ConfigurationError(
            f"filter: {asked.name} has no {path!r} to filter by{_nearest(name, asked, (predicate,))}"
        )


def _nearest(name: str, asked: Asked, predicates: Iterable[str] = sorted(PREDICATES)) -> str:
    """A hint at the filter that was meant: the predicate of an attribute that there is, else the whole of it."""
    attributes = list(asked.candidates())
    known = max((one for one in attributes if name.startswith(f"{one}_")), key=len, default=None)
    if known is None and attributes:
        return did_you_mean(name, (f"{attribute}_{predicate}" for attribute in attributes for predicate in predicates))
    head = known or name.rpartition("_")[0]
    predicate = _predicate_like(name[len(head) + 1 :]) if head else None
    return f"; did you mean {f'{head}_{predicate}'!r}?" if predicate else ""


def _predicate_like(word: str) -> str | None:
    """The predicate that `word` misspells (`gtt`) or spells out (`contains`)."""
    # Imported here: only a mistake needs it.
    from difflib import get_close_matches  # noqa: PLC0415

    close = get_close_matches(word, sorted(PREDICATES), n=1, cutoff=0.8)
    return next((one for one in (*close, *_LONGEST_FIRST) if one in close or word.startswith(one)), None)


def _text_for(predicate: str, value: object, name: str) -> str:
    """What a filter compares with, as one text."""
    entries: Any = value
    if predicate in _OF_TRUTH:
        if isinstance(value, bool):
            return _plain(value, name)
        raise ConfigurationError(f"filter: {name!r} takes True or False, not {_kind(value)}")
    if predicate in _OF_JSON:
        if isinstance(value, Mapping):
            return _json(entries, name)
        raise ConfigurationError(f"filter: {name!r} takes a mapping, not {_kind(value)}")
    several = isinstance(value, list | tuple | AbstractSet)
    if predicate in _OF_MANY:
        if several:
            return _list(entries, name)
        raise ConfigurationError(f"filter: {name!r} takes a list, tuple or set, not {_kind(value)}")
    if several:
        raise ConfigurationError(f"filter: {name!r} takes one value; of several, '_in' and '_any' are for lists")
    return _plain(value, name)


def _list(entries: Iterable[object], name: str) -> str:
    texts = [_plain(entry, name) for entry in entries]
    if not texts:
        raise ConfigurationError(f"filter: {name!r} has no values, and would filter nothing")
    if any("," in text for text in texts):
        # Nobody documents a way to write a comma that does not part two values.
        raise ConfigurationError(f"filter: {name!r} has a value with a comma, which the API would take for two values")
    # A set has no order of its own; one question is to be one URL.
    return ",".join(sorted(texts) if isinstance(entries, AbstractSet) else texts)


def _plain(value: object, name: str) -> str:
    """One value as text."""
    match value:
        case Enum():
            text = _plain(value.value, name)
        case bool():
            text = "true" if value else "false"
        case str():
            text = _spelled(value, name)
        case datetime():
            text = _moment(value, name)
        case date():
            text = value.isoformat()
        case int() | float() | Decimal():
            text = _number(value, name)
        case None:
            raise ConfigurationError(f"filter: {name!r} is compared with None; ask with '_null': True or False")
        case _:
            raise ConfigurationError(f"filter: {name!r} has a value that cannot be compared with, {_kind(value)}")
    return text


def _spelled(text: str, name: str) -> str:
    if not text.strip():
        raise ConfigurationError(f"filter: {name!r} is compared with nothing; ask with '_blank': True or False")
    try:
        text.encode()
    except UnicodeEncodeError:
        raise ConfigurationError(f"filter: {name!r} has a value with half a character (a lone surrogate)") from None
    return str.__str__(text)


def _number(value: float | Decimal, name: str) -> str:
    # Not by isfinite, which knows no integers of this size; NaN is never smaller.
    if not (isinstance(value, Decimal) and value.is_nan()) and -_BEYOND < value < _BEYOND:
        return f"{value:f}" if isinstance(value, Decimal) else repr(value)
    raise ConfigurationError(f"filter: {name!r} has a number that no record can have")


def _moment(moment: datetime, name: str) -> str:
    """A point in time as the API writes it: UTC, milliseconds, microseconds where there are any."""
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


def _kind(value: object) -> str:
    return json_type_name(value) if value is None or isinstance(value, str | bool) else f"a {type(value).__name__}"


@cache
def _published() -> Mapping[str, type[Resource]]:
    # Imported here: only what is asked of a class needs it.
    from ..resources import RESOURCES  # noqa: PLC0415

    return {cls.type: cls for cls in RESOURCES}


def _target(declared: ToOne[Any] | ToMany[Any] | None, registry: Registry) -> type[Resource] | None:
    """The class that a relationship is declared to lead to; None if that is none, or more than one."""
    arguments = get_args(getattr(declared, "__orig_class__", None))
    given: Any = next((one for argument in arguments for one in get_args(argument) or (argument,)), None)
    if isinstance(given, type) and issubclass(given, Resource):
        return None if given is GenericResource else given
    name = given.__forward_arg__.partition("|")[0].strip(" '\"") if isinstance(given, ForwardRef) else ""
    known = (*registry.classes, *_published().values())
    return next((cls for cls in known if cls.__name__ == name), None)


def target_class(owner: str, name: str, registry: Registry) -> type[Resource] | None:
    """The class that the relationship `name` of resources of the type `owner` leads to; None if nobody says."""
    cls = registry.get(owner)
    return _target(declared_relationships(cls).get(name), registry)
