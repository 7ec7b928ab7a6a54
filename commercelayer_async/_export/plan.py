"""What is asked for, checked before anything happens, and what makes two exports the same."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any
from urllib.parse import parse_qsl

import attrs

from .._http.origin import Origin
from .._lists.filters import Asked, filter_parameters
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Registry, Resource
from ..jsonapi.query import fieldset, include_paths, segment
from ..jsonapi.registry import type_of
from . import parquet
from .columns import class_for, table_of
from .formats import Csv, Format, JsonLines, Rows, Writer, format_of


@attrs.frozen
class Plan:
    """An export that makes sense."""

    path: Path
    format: Format
    writer: Writer
    what: type[Resource] | str
    """What the scan reads. A type by its name where that asks for the same: then no record can fail to fit a class."""
    include: tuple[str, ...]
    description: Mapping[str, Any]
    """What makes two exports the same, of plain JSON types."""


def plan_of(
    cls_or_type: type[Resource] | str,
    to: Path,
    *,
    include: str | Iterable[str],
    filter: Mapping[str, Any] | None,
    format: str | None,
    origin: Origin,
    registry: Registry,
) -> Plan:
    """The plan for what was asked for.

    Raises:
        ConfigurationError: it does not make sense, or pyarrow is missing.
    """
    named = isinstance(cls_or_type, str)
    type_ = segment(cls_or_type if isinstance(cls_or_type, str) else type_of(cls_or_type), "type")
    cls = GenericResource if isinstance(cls_or_type, str) else cls_or_type
    paths = include_paths(include, cls)
    asked = Asked(registry.get(type_) if named else cls, registry)
    parameters = parse_qsl("&".join(filter_parameters({} if filter is None else filter, asked)))
    chosen = format_of(format, to)
    if chosen is Format.PARQUET:
        parquet.require()
    table = table_of(class_for(cls), compound=bool(paths))
    writer: Writer = JsonLines() if chosen is Format.JSONL else Csv(table) if chosen is Format.CSV else Rows(table)
    api = origin.api.rpartition("/")
    return Plan(
        path=to,
        format=chosen,
        writer=writer,
        what=type_ if named or (registry.get(type_) is cls and not cls.sparse) else cls,
        include=paths,
        description={
            "type": type_,
            "organization": f"{origin.url}{origin.api}",
            "api_version": api[2] if api[0].endswith("/api") else None,
            "filter": {name.removeprefix("filter[q][").removesuffix("]"): value for name, value in sorted(parameters)},
            "include": list(paths),
            "fields": list(fieldset(cls) or ()) or None,
            "format": str(chosen),
            "columns": None if chosen is Format.JSONL else [column.name for column in table.columns],
        },
    )


def path_of(to: object) -> Path:
    """The path of the file to write.

    Raises:
        ConfigurationError: it is none.
    """
    if not isinstance(to, str | Path) or not str(to) or "\0" in str(to) or not Path(to).name:
        raise ConfigurationError("to must be the path of a file")
    return Path(to)
