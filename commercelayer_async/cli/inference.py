"""What a sample of resource objects shows of their type: attributes and relationships. No input or output.

Only what every record of the sample allows is inferred, and without a guess: a class with these types reads all of the
sample, and loses nothing. One thing is guessed where no record shows it, and marked so: whether a relationship leads to
one resource or to many.
"""

import re
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from datetime import date, datetime
from itertools import chain
from typing import Any, Final, TypeVar

import attrs
import msgspec

from ..jsonapi import ResourceObject
from ..jsonapi._json import as_array, as_object
from .masking import MASKED, Mask
from .naming import is_plural

T = TypeVar("T")

ANYTHING: Final = "Any"
_MOST_EXACT: Final = 2**53
"""Up to here, a float holds every integer."""
_LEVELS: Final = 3
"""Arrays inside arrays whose entries are looked at."""

# Up to microseconds, since a datetime holds no more. Without an offset, nobody can say which moment it is.
_MOMENT: Final = re.compile(
    r"[0-9]{4}-[0-9]{2}-[0-9]{2}[Tt ][0-9]{2}:[0-9]{2}:[0-9]{2}(\.[0-9]{1,6})?([Zz]|[+-][0-9]{2}:[0-9]{2})"
)
_DAY: Final = re.compile("[0-9]{4}-[0-9]{2}-[0-9]{2}")


@attrs.frozen
class InferredAttribute:
    """What is known of an attribute."""

    member: str
    annotation: str
    """The type of its values, as it is written in Python; without null."""
    nullable: bool
    """True if it is null in a record."""
    absent: int
    """How many records do not have it."""
    secret: bool
    """True if the commands would mask it, by its name or by what it holds."""
    note: str = ""
    """What a reader of the class may wonder about."""


@attrs.frozen
class InferredRelationship:
    """What is known of a relationship."""

    member: str
    to_many: bool | None
    """None if it leads to one resource in some records, and to many in others."""
    nullable: bool
    """False if every record names its target."""
    types: tuple[str, ...]
    """The types of the targets, in the order of the alphabet; empty if no record names one."""
    guessed: bool = False
    """True if `to_many` is a guess by the name, since no record shows it."""


@attrs.frozen
class Sample:
    """What is known of a type."""

    type: str
    records: int
    attributes: tuple[InferredAttribute, ...]
    relationships: tuple[InferredRelationship, ...]


def infer(type: str, records: Sequence[ResourceObject]) -> Sample:
    """Return what resource objects of one type show of it. Names are in the order in which they come up."""
    attributes = _by_name(record.attributes for record in records)
    relationships = _by_name(record.relationships for record in records)
    return Sample(
        type=type,
        records=len(records),
        attributes=tuple(_attribute(name, values, len(records)) for name, values in attributes.items()),
        relationships=tuple(_relationship(name, values, len(records)) for name, values in relationships.items()),
    )


def _by_name(objects: Iterable[Mapping[str, Any]]) -> dict[str, list[Any]]:
    found: dict[str, list[Any]] = {}
    for members in objects:
        for name, value in members.items():
            found.setdefault(name, []).append(value)
    return found


def _attribute(name: str, values: list[Any], records: int) -> InferredAttribute:
    present = [value for value in values if value is not None]
    return InferredAttribute(
        member=name,
        annotation=_annotation(present),
        nullable=len(present) < len(values),
        absent=records - len(values),
        secret=_is_secret(name, present),
        note=_note(present),
    )


def _note(present: list[Any]) -> str:
    if not present:
        return "null wherever it is there"
    if MASKED in present:
        return "masked in the sample"
    return "with numbers that a float would round" if _annotation(present) == ANYTHING else ""


def _is_secret(name: str, values: list[Any]) -> bool:
    """True if the commands would mask a value of that name. Of null and its like there may be others that they mask."""
    mask = Mask(reveal=False)
    try:
        for value in values or ["?"]:
            mask.value({name: value if value or isinstance(value, bool) else "?"}, "")
    except RecursionError:
        # Nested too deep to be looked through: nobody knows what is there.
        return True
    return bool(mask.pointers) or MASKED in values


def _annotation(values: list[Any], levels: int = _LEVELS) -> str:
    """Return the type of values other than null: a union where they differ, `Any` if there are none."""
    options = list(_options(values, levels))
    return " | ".join(options) if options and ANYTHING not in options else ANYTHING


def _options(values: list[Any], levels: int) -> Iterable[str]:
    by_class: dict[type, list[Any]] = {}
    for value in values:
        by_class.setdefault(value.__class__, []).append(value)
    if MASKED in by_class.get(str, ()):
        yield ANYTHING
    for cls, found in sorted(by_class.items(), key=lambda item: _ORDER.get(item[0], -1)):
        if cls is str:
            yield _of_texts(found)
        elif cls is int and float in by_class:
            # A float stands for both, unless it would round.
            yield from () if all(abs(number) <= _MOST_EXACT for number in found) else ("int",)
        elif cls is list:
            yield f"list[{_of_entries(found, levels)}]"
        else:
            # A Decimal is a number that no float holds: as `Any`, it keeps its digits.
            yield _NAMES.get(cls, ANYTHING)


_NAMES: Final[Mapping[type, str]] = {int: "int", float: "float", bool: "bool", dict: "dict[str, Any]"}
_ORDER: Final = {cls: n for n, cls in enumerate((str, int, float, bool, dict, list))}


def _of_texts(texts: list[str]) -> str:
    for pattern, cls in ((_MOMENT, datetime), (_DAY, date)):
        if all(pattern.fullmatch(text) and _fits(text, cls) for text in texts):
            return cls.__name__
    return "str"


def _fits(text: str, cls: type) -> bool:
    with suppress(msgspec.ValidationError):
        msgspec.convert(text, cls)
        return True
    return False


def _of_entries(arrays: list[list[Any]], levels: int) -> str:
    entries = list(chain.from_iterable(arrays))
    present = [entry for entry in entries if entry is not None]
    annotation = _annotation(present, levels - 1) if levels else ANYTHING
    return annotation if annotation == ANYTHING or len(present) == len(entries) else f"{annotation} | None"


def _relationship(name: str, values: list[Any], records: int) -> InferredRelationship:
    objects = _each(values, as_object)
    linkage = [one["data"] for one in objects if "data" in one]
    single, arrays = _each(linkage, as_object), _each(linkage, as_array)
    targets = [*single, *_each(chain(*arrays), as_object)]
    shown = _cardinalities(single, arrays, linkage)
    return InferredRelationship(
        member=name,
        to_many=is_plural(name) if not shown else None if len(shown) > 1 else True in shown,
        nullable=len(single) < records,
        types=tuple(sorted({str(target["type"]) for target in targets if "type" in target})),
        guessed=not shown,
    )


def _each(values: Iterable[Any], kind: Callable[[object], T | None]) -> list[T]:
    """Return the values that are of a kind of JSON."""
    return [found for value in values if (found := kind(value)) is not None]


def _cardinalities(single: Sequence[Any], arrays: Sequence[list[Any]], linkage: Sequence[Any]) -> set[bool]:
    """Return what linkage shows: True for many, False for one, nothing where it does not show either."""
    shown = {False for _ in single} | {True for array in arrays if array}
    if shown:
        return shown
    # In reading, null and an empty array stand for each other: one of them is a hint, and both are none.
    hints = {data is not None for data in linkage}
    return hints if len(hints) == 1 else set()
