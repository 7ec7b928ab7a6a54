"""The arguments of `Session.list` and `Session.scan`: checked, and made a list or a scan."""

from collections.abc import Iterable, Mapping
from typing import Any, Final, TypeVar

from .._plain import plain_text
from .._reading.parameters import parameter
from ..errors import ConfigurationError
from ..jsonapi import GenericResource, Resource
from ..jsonapi.query import include_paths, parameters_of
from ..service import Cursor, Keyset
from .collection import CursorScan, KeysetScan, ListOptions, ResourceCollection, Scan
from .filters import QueryCapabilities, sort_keys
from .list_query import ListQuery, require_sendable
from .list_reader import ListReader
from .written_filter import write_filter

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
    capabilities = capabilities_of(reader)
    other = [*_parameters(reader, include), *_sort_parameters(reader, sort_keys(sort, capabilities))]
    filters = write_filter(filter, capabilities).parameters
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
        ConfigurationError: one of them will not do, or lists of this type cannot be walked with no record missed.
    """
    paging, keyset, service = reader.paging, reader.service.keyset, reader.service
    if isinstance(paging, Cursor) and paging.is_exact:
        capabilities = capabilities_of(reader)
        filters = write_filter(filter, capabilities).parameters
        query = reader.query(*_parameters(reader, include), *filters, size=options.page_size)
        require_sendable(query.target, "filter")
        return CursorScan(reader, query, plain_text(after), read_ahead=options.read_ahead)
    if isinstance(paging, Cursor) and keyset is not None:
        raise ConfigurationError(
            f"{reader.type} cannot be scanned: the API neither sorts nor filters them; read them by session.list()"
        )
    if keyset is None or isinstance(paging, Cursor):
        raise ConfigurationError(
            f"{reader.type} cannot be scanned: {service.name} declares no keyset and no exact cursor; session.list()"
            " walks its pages"
        )
    return _keyset_scan(reader, keyset, filter=filter, include=include, after=after, options=options)


def _keyset_scan(
    reader: ListReader[R],
    keyset: Keyset,
    *,
    filter: Mapping[str, Any] | None,
    include: str | Iterable[str],
    after: str | None,
    options: ListOptions,
) -> Scan[R]:
    written = write_filter(filter, capabilities_of(reader))
    if written.has(keyset):
        raise ConfigurationError(
            f"filter: a scan asks for {written.name_of(keyset)!r} itself; say where it starts by after="
        )
    after = None if after is None else reader.context.paths.id(reader.type, after, "after")
    others, order = _parameters(reader, include), sort_parameter(reader, (keyset.attribute,))
    size = options.page_size

    def query_after(last: str) -> ListQuery:
        filters, further = written.beyond(keyset, last)
        return reader.query(*others, *filters, *order, *further, size=size)

    query = reader.query(*others, *written.parameters, *order, size=size)
    # Each page but the first is asked for by the id before it, however long that will be.
    require_sendable(query_after(_LONGEST_ID).target, "filter")
    return KeysetScan(
        reader, query, after, target_after=lambda last: query_after(last).target, read_ahead=options.read_ahead
    )


def _sort_parameters(reader: ListReader[Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    """The parameter for what a list is sorted by: the caller's keys, and what makes the order total.

    Raises:
        ConfigurationError: the service does not sort, or takes fewer keys.
    """
    service, sort = reader.service, reader.service.sort
    if sort is None:
        if keys:
            raise ConfigurationError(f"sort: {service.name} does not sort lists of {reader.type!r}")
        return ()
    if sort.keys is not None and len(keys) > sort.keys:
        raise ConfigurationError(f"sort: {service.name} sorts by {sort.keys} at once, and {len(keys)} are asked for")
    tie = sort.tie_break
    if tie is not None and reader.paging.is_numbered and tie not in {key.removeprefix("-") for key in keys}:
        # Without an order that is total, a record may be on two pages, and another on none.
        keys = (*keys, tie)
    return sort_parameter(reader, keys)


def sort_parameter(reader: ListReader[Any], keys: tuple[str, ...]) -> tuple[str, ...]:
    sort = reader.service.sort
    return (f"{parameter(sort.parameter, '')}{','.join(keys)}",) if keys and sort is not None else ()


def capabilities_of(reader: ListReader[Any]) -> QueryCapabilities:
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
