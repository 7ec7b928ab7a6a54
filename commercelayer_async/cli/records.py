"""Records as `list` shows them: which of their members become columns, a table of them, and lines of TSV."""

import re
from collections.abc import AsyncGenerator, Iterable, Iterator, Mapping, Sequence
from contextlib import aclosing
from datetime import UTC, datetime
from typing import TYPE_CHECKING, Any, Final

import attrs
import click

from .._lists.filters import related_class
from .._text import did_you_mean, printable
from ..jsonapi import GenericResource, Resource, ToMany
from ..jsonapi._schema import member_names
from ..jsonapi.resource import declared_relationships
from ..service import COMMERCE_LAYER
from .layout import Column
from .masking import MASKED, Mask
from .output import Output, text_of
from .services import registry, service_in_use
from .views import ResourceView, included_in, view_of

if TYPE_CHECKING:
    from .. import ResourceCollection

PAGE_SIZE: Final = COMMERCE_LAYER.paging_of(None).most_of(None) or 1
"""How many of a list are shown, unless more are asked for."""
_ID: Final = "id"
_CREATED: Final = "created_at"
_LEAST_IMPORTANT: Final = ("reference", "updated_at", "reference_origin", "metadata")
"""What every record has, and what says least of it."""
_LAST: Final = (_CREATED, "updated_at")
"""Attributes that come last in a table, as every resource has them."""
_MOMENT: Final = re.compile(r"\d{4}-\d\d-\d\d[Tt ]\d\d:\d\d(:\d\d(\.\d+)?)?([Zz]|[+-]\d\d:\d\d)")
_UNSAFE: Final = str.maketrans({"\\": r"\\", "\t": r"\t", "\n": r"\n", "\r": r"\r"})


@attrs.define
class Listed:
    """The part of a list that was read."""

    resources: list[tuple[Resource, tuple[Resource, ...]]] = attrs.field(factory=list)
    """Each with the resources included for it."""
    count: int | None = None
    """The number of all resources that match; None if the server does not count them."""

    def document(self, mask: Mask) -> dict[str, object]:
        """The JSON document of it."""
        by_key = {(one.type, one.id): one.raw for _, included in self.resources for one in included}
        raw = {"data": [resource.raw for resource, _ in self.resources], "included": list(by_key.values())}
        return {**mask.document(raw), "count": self.count, "masked": mask.pointers}


async def read_pages(
    collection: "ResourceCollection[Any]", listed: Listed, limit: int, type: str | None = None
) -> AsyncGenerator[tuple[Resource, tuple[Resource, ...]]]:
    """Read up to `limit` resources, each with those included for it; `listed` learns how many there are.

    `type` is that of the list, None for what a relationship leads to.
    """
    left = limit
    async with aclosing(collection.pages()) as pages:
        async for page in pages:
            total = service_in_use().total_of(type)
            count = total.count(page.meta, {}) if total is not None else None
            listed.count = count if isinstance(count, int) else None
            for resource in page.items[:left]:
                yield resource, await included_in(resource)
            left -= len(page.items)
            if left <= 0:
                return


@attrs.frozen
class Record:
    """A resource as a row shows it: its view, and the views of what its included to-one relationships lead to."""

    view: ResourceView
    targets: Mapping[str, ResourceView]

    def value(self, name: str) -> object:
        """The value of a column: an attribute, a linkage, or an attribute of an included target; None if it is none."""
        first, dot, rest = name.partition(".")
        if name in self.view.attributes:
            return self.view.attributes[name]
        if dot and first in self.targets:
            target = self.targets[first]
            return {_ID: target.id, "type": target.type}.get(rest, target.attributes.get(rest))
        if dot and rest in (_ID, "type"):
            found = next((one.identifiers for one in self.view.relationships if one.name == first), ())
            return found[0].partition("/")[2 if rest == _ID else 0] if found else None
        if name in (_ID, "type"):
            return self.view.id if name == _ID else self.view.type
        return next(
            (one.leads_to if one.identifiers else one.state for one in self.view.relationships if one.name == name),
            None,
        )


def records_of(listed: Listed, mask: Mask) -> list[Record]:
    """The rows of what was read, with secrets masked."""
    return [_record(resource, included, mask) for resource, included in listed.resources]


def check_columns(chosen: Sequence[str], cls: type[Resource] | None, include: str) -> None:
    """Refuse names of columns that resources of a class do not have; of a type without one nothing is known.

    Raises:
        UsageError: naming the nearest one.
    """
    known = [*column_names(cls, _names_in(include))]
    for name in chosen:
        if chosen.count(name) > 1:
            raise click.UsageError(f"--columns: {printable(name, 60)!r} is there more than once")
        if cls is not None and name not in known and not _may_be_of_target(name, cls, include):
            raise click.UsageError(
                f"--columns: {cls.__name__} has no {printable(name, 60)!r}{did_you_mean(name, known)}"
            )


def column_names(cls: type[Resource] | None, include: Iterable[str] = ()) -> Iterator[str]:
    """The names of columns that resources of a class can have, those of included to-one targets too."""
    if cls is None:
        return
    yield from (_ID, "type", *member_names(cls), *declared_relationships(cls))
    for name in include:
        yield from _target_columns(cls, name)


def show_list(output: Output, listed: Listed, mask: Mask, type: str, *, include: str, chosen: Sequence[str]) -> None:
    """Show what was read of a list, and say what there is beside."""
    records = records_of(listed, mask)
    notes = _show_records(output, records, type, include=include, chosen=chosen)
    shown = len(records)
    if shown:
        output.prose("")
    more = f" of {listed.count}" if listed.count is not None and listed.count > shown else ""
    output.prose(f"{shown}{more} {type}")
    if more:
        output.prose("--limit shows more, `commercelayer-async export` writes all to a file.")
    for note in notes:
        output.prose(note)
    if mask.pointers and not any("masked" in note for note in notes):
        output.prose("Secrets and personal data are masked; --reveal shows what is there.")


def _show_records(
    output: Output, records: Sequence[Record], type: str, *, include: str, chosen: Sequence[str]
) -> Sequence[str]:
    """Write records as a table, or as blocks where it is narrow; gives the sentences that explain it."""
    names, masked = _names(records, _names_in(include), chosen)
    columns = [_column(name, rank, records) for name, rank in names.items()]
    notes: list[str] = []
    if records:
        left_out = output.records(type, columns)
        if left_out:
            notes.append(f"Not shown for want of room: {', '.join(left_out)}. --columns chooses.")
        if any(_is_moment(text_of(record.value(name))) for record in records for name in names.keys() - left_out):
            notes.append("Times are in UTC.")
    if masked:
        columns_are = "1 column is" if len(masked) == 1 else f"{len(masked)} columns are"
        notes.append(f"{columns_are} masked: {', '.join(masked)}. --reveal shows what is there.")
    return notes


def tsv_lines(
    records: Sequence[Record], cls: type[Resource] | None, *, include: str, chosen: Sequence[str]
) -> Iterator[str]:
    r"""Records as tab-separated values: a line of names, and one for each record.

    Tabs, line breaks and backslashes are written as \t, \n, \r and \\. Times are ISO 8601, null is empty.
    """
    names = [*chosen] or [*_tsv_names(records, cls, _names_in(include))]
    yield "\t".join(names)
    for record in records:
        values = (record.value(name) for name in names)
        yield "\t".join("" if value is None else text_of(value).translate(_UNSAFE) for value in values)


def _record(resource: Resource, included: Sequence[Resource], mask: Mask) -> Record:
    by_key = {(one.type, one.id): one for one in included}
    targets: dict[str, ResourceView] = {}
    for name, relationship in list(resource.relationships.items()):
        identifiers = () if isinstance(relationship.linkage, tuple) else relationship.identifiers
        target = by_key.get((identifiers[0].type, identifiers[0].id or "")) if identifiers else None
        if target is not None:
            targets[name] = view_of(target, mask, "")
    return Record(view_of(resource, mask, ""), targets)


def _names(
    records: Sequence[Record], relationships: Sequence[str], chosen: Sequence[str]
) -> tuple[Mapping[str, int], Sequence[str]]:
    """The names of columns with their importance, in order; and the names of those that would be masked in each row."""
    if chosen:
        return {name: rank for rank, name in enumerate(chosen, start=_ID not in chosen)}, ()
    values: dict[str, list[object]] = {}
    for record in records:
        for name, value in record.view.attributes.items():
            if value is not None and value != "" and not isinstance(value, dict | list | tuple):
                values.setdefault(name, []).append(value)
    masked = [name for name, found in values.items() if all(value == MASKED for value in found)]
    shown = [name for name in values if name not in masked]
    ordered = [_ID, *relationships, *_by_importance(shown)]
    displayed = [_ID, *(name for name in shown if name not in _LAST), *relationships]
    displayed += [name for name in _LAST if name in shown]
    return {name: ordered.index(name) for name in dict.fromkeys(displayed)}, masked


def _by_importance(names: Sequence[str]) -> Sequence[str]:
    own = [name for name in names if name not in (*_LAST, *_LEAST_IMPORTANT)]
    created = [name for name in names if name == _CREATED]
    return [*own[:2], *created, *own[2:], *(name for name in _LEAST_IMPORTANT if name in names)]


def _column(name: str, rank: int, records: Sequence[Record]) -> Column:
    values = [record.value(name) for record in records]
    texts = ["" if value is None else text_of(value) for value in values]
    is_text = any(isinstance(value, str) and not _is_moment(value) for value in values)
    return Column(
        name,
        [_moment(text) for text in texts],
        is_whole=not is_text or _holds_ids(name, records),
        importance=rank,
    )


def _holds_ids(name: str, records: Sequence[Record]) -> bool:
    """True if what stands in a column are ids, or lead to some."""
    last = name.rpartition(".")[2]
    related = any(one.name == name for record in records for one in record.view.relationships)
    return last == _ID or last.endswith("_id") or related


def _is_moment(text: str) -> bool:
    return _MOMENT.fullmatch(text) is not None


def _moment(text: str) -> str:
    """A moment as people read it, in UTC and to the minute; any other text as it is."""
    if not _is_moment(text):
        return text
    try:
        return datetime.fromisoformat(text.upper()).astimezone(UTC).strftime("%Y-%m-%d %H:%M")
    except (ValueError, OverflowError):
        return text


def _tsv_names(records: Sequence[Record], cls: type[Resource] | None, include: Sequence[str]) -> Iterable[str]:
    if cls is not None:
        attributes = [*member_names(cls)]
    else:
        attributes = [*dict.fromkeys(name for record in records for name in record.view.attributes)]
    names = dict.fromkeys([_ID, *attributes])
    for name in include:
        targets = dict.fromkeys(
            f"{name}.{attribute}"
            for record in records
            if name in record.targets
            for attribute in record.targets[name].attributes
        )
        of_class = [*_target_columns(cls, name)] if cls is not None else []
        names |= dict.fromkeys(of_class or ([f"{name}.type", f"{name}.id", *targets] if targets else [name]))
    return names


def _target_columns(cls: type[Resource], name: str) -> Iterator[str]:
    """The columns for the target of a to-one relationship; none for others, nor where its class is not known."""
    declared = declared_relationships(cls).get(name)
    if declared is None or isinstance(declared, ToMany):
        return
    target = related_class(cls.type, name, registry(), service_in_use())
    yield from (f"{name}.{part}" for part in ("type", _ID))
    if target is not None and target is not GenericResource:
        yield from (f"{name}.{attribute}" for attribute in member_names(target))


def _may_be_of_target(name: str, cls: type[Resource], include: str) -> bool:
    """True for an attribute of an included target whose class is not known, as it may be one of several."""
    first, dot, _ = name.partition(".")
    unknown = related_class(cls.type, first, registry(), service_in_use()) in (None, GenericResource)
    return bool(dot) and first in _names_in(include) and unknown and first in declared_relationships(cls)


def _names_in(include: str) -> Sequence[str]:
    """The relationships that an `include` begins with."""
    return list(dict.fromkeys(path.strip().partition(".")[0] for path in include.split(",") if path.strip()))
