"""The plan: the arguments of an export, checked before any request, and the description that identifies the export."""

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any, cast
from urllib.parse import parse_qsl

import attrs

from .._auth.principal import Principal
from .._http.origin import Origin
from .._lists.filters import QueryCapabilities, filter_name_of, ransack_of, related_class
from .._lists.written_filter import write_filter
from .._plain import plain_text
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Registry, Resource
from ..jsonapi.query import fieldset, fieldsets, include_paths, segment
from ..jsonapi.registry import type_of
from ..service import Service
from . import parquet
from .columns import RowLayout, class_for, layout_for
from .encoding import Encoding, Gzip, Identity
from .fitting import FittingCheck
from .formats import Csv, FileType, Format, JsonLines, Rows, Writer
from .storage import os_errors_as


@attrs.frozen
class Plan:
    """The checked arguments of an export."""

    resource_type: str
    writer: Writer
    gzip: bool
    scanned: type[Resource] | str
    check: FittingCheck
    include: tuple[str, ...]
    description: Mapping[str, Any]
    """What the export holds, of plain JSON types. An interrupted export is resumed only by one of equal description.

    Whose token it is read with is a part of it, once `read_for` has said so.
    """

    def read_for(self, principal: Principal) -> "Plan":
        """This plan, to be read with a token of that principal's."""
        return attrs.evolve(self, description={**self.description, **attrs.asdict(principal)})

    @property
    def encoding(self) -> Encoding:
        """A new encoding for the file."""
        return Gzip() if self.gzip else Identity()


def plan_of(
    cls_or_type: type[Resource] | str,
    *,
    include: str | Iterable[str],
    filter: Mapping[str, Any] | None,
    chosen: FileType,
    origin: Origin,
    registry: Registry,
    service: Service,
    spread: bool = False,
) -> Plan:
    """Check the arguments of an export, and make its plan.

    With `spread`, what is included has columns of its own in Parquet too, which has types: else it stays nested there.

    Raises:
        ConfigurationError: an argument is wrong, or pyarrow is missing.
    """
    name, given = plain_text(cls_or_type), cast("type[Resource]", cls_or_type)
    by_name = name is not None
    type = segment(name if name is not None else type_of(given), "type")
    cls = GenericResource if by_name else given
    paths = include_paths(include, cls, registry)
    capabilities = QueryCapabilities(registry.get(type) if by_name else cls, registry, service)
    parameters = write_filter(filter, capabilities).parameters
    if chosen.format is Format.PARQUET:
        parquet.require()
    flat = chosen.format is Format.CSV or spread
    targets = targets_of(type, paths, registry, service) if flat else {}
    layout = layout_for(class_for(cls), compound=bool(paths), targets=targets)
    columns = None if chosen.format is Format.JSONL else layout.columns
    return Plan(
        resource_type=type,
        writer=_writer(chosen.format, layout),
        gzip=chosen.gzip,
        scanned=type if by_name else cls,
        check=FittingCheck(registry.without(type) if by_name else registry.preferring(cls)),
        include=paths,
        description={
            "type": type,
            "organization": f"{origin.url}{origin.api}",
            "api_version": _api_version(origin, service),
            "filter": _plain_filter(parameters, service),
            "include": list(paths),
            "fields": list(fieldset(cls) or ()) or None,
            **_included_fields(cls, type, paths, registry),
            "format": str(chosen.format),
            "compression": "gzip" if chosen.gzip else None,
            "columns": None if columns is None else [column.name for column in columns],
            "column_types": None if columns is None else [column.type.value for column in columns],
        },
    )


def targets_of(type: str, include: tuple[str, ...], registry: Registry, service: Service) -> dict[str, type[Resource]]:
    """The classes of what is included first, by the relationship, where there is one class alone."""
    found = {
        name: related_class(type, name, registry, service) for name in (path.partition(".")[0] for path in include)
    }
    return {name: cls for name, cls in found.items() if cls is not None and class_for(cls) is not None}


def _included_fields(
    cls: type[Resource], type: str, include: tuple[str, ...], registry: Registry
) -> dict[str, dict[str, list[str]]]:
    """Describe the fields of what is included, by type, where a class of that type is sparse."""
    by_name = cls is GenericResource
    decoding = registry.without(type) if by_name else registry.preferring(cls)
    fields = fieldsets((registry.get(type) if by_name else cls,), include, decoding)
    included = {name: list(names) for name, names in fields.items() if name != type}
    return {"included_fields": included} if included else {}


def path_of(to: object) -> Path:
    """The absolute path of the file to write: the program may change its folder while the export runs.

    Raises:
        ConfigurationError: it is not the path of a file.
    """
    if not isinstance(to, str | Path) or not str(to) or "\0" in str(to) or not Path(to).name:
        raise ConfigurationError("to must be the path of a file")
    with os_errors_as("cannot find the folder of", Path(to)):
        return Path(to).absolute()


def _writer(format: Format, layout: RowLayout) -> Writer:
    match format:
        case Format.JSONL:
            return JsonLines()
        case Format.CSV:
            return Csv(layout)
        case Format.PARQUET:
            return Rows(layout)


def _api_version(origin: Origin, service: Service) -> str | None:
    """The version at the end of the API's path, `/api/2017-08`; None for the default, and for a service without."""
    parent, _, last = origin.api.rpartition("/")
    return last if service.versions is not None and parent.endswith(service.root) else None


def _plain_filter(parameters: Iterable[str], service: Service) -> dict[str, str | list[str]]:
    """The filter as it is sent, in the order of names: of Ransack by `{attribute}_{predicate}`, else by parameter.

    A parameter that is sent several times has a list, in the order that it is sent in.
    """
    sent: dict[str, list[str]] = {}
    for name, value in parse_qsl("&".join(parameters), keep_blank_values=True):
        sent.setdefault(filter_name_of(name, ransack_of(service)), []).append(value)
    return {name: values[0] if len(values) == 1 else values for name, values in sorted(sent.items())}
