"""The arguments of `Session.list` and `Session.scan`: checked, and made a list or a scan."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from .._reading.parameters import parameter
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Resource
from ..jsonapi.query import include_paths, parameters_of, segment
from .collection import ListOptions, ResourceCollection, Scan
from .filters import QueryCapabilities, filter_name_of, filter_parameters, sort_keys
from .list_query import require_sendable
from .list_reader import ListReader

R = TypeVar("R", bound=Resource)

_LONGEST_ID: Final = "x" * 64


def collection_of(
    reader: ListReader[R],
    *,
    filter: Mapping[str, Any] | None,
    sort: str | Iterable[str],
    include: str | Iterable[str],
    options: ListOptions,
) -> ResourceCollection[R]:
    """Make the list that the arguments of `Session.list` describe.

    Raises:
        ConfigurationError: one of them will not do.
    """
    capabilities = _capabilities_of(reader)
    id = reader.service.keys.id_attribute
    keys = sort_keys(sort, capabilities)
    if reader.numbered and not any(key in (id, f"-{id}") for key in keys):
        # Without an order that is total, a record may be on two pages, and another on none.
        keys = (*keys, id)
    other = [*_parameters(reader, include), *([f"sort={','.join(keys)}"] if keys else [])]
    filters = filter_parameters({} if filter is None else filter, capabilities)
    return ResourceCollection(reader, filters=filters, other=tuple(other), options=options)


def scan_of(
    reader: ListReader[R],
    *,
    filter: Mapping[str, Any] | None,
    include: str | Iterable[str],
    after: str | None,
    options: ListOptions,
) -> Scan[R]:
    """Make the scan that the arguments of `Session.scan` describe.

    Raises:
        ConfigurationError: one of them will not do.
    """
    if not reader.numbered:
        type = reader.resource_type
        raise ConfigurationError(
            f"{type} cannot be scanned: the API neither sorts nor filters them; read them by session.list()"
        )
    keys = reader.service.keys
    filters = filter_parameters({} if filter is None else filter, _capabilities_of(reader))
    if any(one.startswith(parameter(keys.after_filter, "")) for one in filters):
        name = filter_name_of(keys.after_filter, reader.service.filtering)
        raise ConfigurationError(f"filter: a scan asks for {name!r} itself; say where it starts by after=")
    after = None if after is None else segment(after, "after")
    query = reader.query(*_parameters(reader, include), *filters, f"sort={keys.id_attribute}", size=options.page_size)
    # Each page but the first is asked for by the id before it, however long that will be.
    require_sendable(query.with_parameters(parameter(keys.after_filter, _LONGEST_ID)).target, "filter")
    return Scan(reader, query, after, read_ahead=options.read_ahead)


def _capabilities_of(reader: ListReader[Any]) -> QueryCapabilities:
    return QueryCapabilities(_described(reader), reader.context.registry, reader.service)


def _described(reader: ListReader[Any]) -> type[Resource]:
    """The class that says what can be asked of a list: the session's own for its type where the caller named none."""
    unnamed = reader.cls is Resource or reader.cls is GenericResource
    return reader.context.registry.get(reader.resource_type) if unnamed and reader.resource_type else reader.cls


def _parameters(reader: ListReader[Any], include: str | Iterable[str]) -> list[str]:
    """The parameters for what is included, and for the fields of sparse classes."""
    cls = _described(reader)
    paths = include_paths(include, cls if reader.cls is not GenericResource else GenericResource, reader.registry)
    return [*parameters_of(None if cls is Resource else (cls,), paths, reader.registry)]
