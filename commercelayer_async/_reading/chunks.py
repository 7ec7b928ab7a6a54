"""Reading many resources by id in few requests: which ids fit into one request, and what its failure means for each.

A service answers a filter by ids with one page at most, so a chunk holds as many ids as a page holds resources
(`Keys.max_ids`), or fewer where they are long.
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

from ..errors import ApiError, CommerceLayerError, ConfigurationError, DecodeError, NotFound
from ..jsonapi.query import segment
from ..service import Service
from .parameters import page_parameters, parameter

Id = TypeVar("Id")

_MAX_CHARACTERS: Final = 1500
"""Characters that the ids of one request take at most. No length is documented; every server accepts this one."""
_MAY_BE_ONE_ID: Final = frozenset({400, 404, 406, 413, 414, 422, 431})
"""Statuses that one id may have caused for all of a chunk."""


def chunked(ids: Iterable[str], *, size: int) -> Iterator[tuple[str, ...]]:
    """Cut ids, in their order, into chunks of at most `size` that fit into one request each."""
    rest = iter(ids)
    chunk = tuple(islice(rest, size))
    while chunk:
        fitting = chunk
        # What is not a string is left for `invalid_ids` to refuse; one id alone always fits.
        while len(fitting) > 1 and sum(map(len, map(str, fitting))) + len(fitting) > _MAX_CHARACTERS:
            fitting = fitting[:-1]
        yield fitting
        left = chunk[len(fitting) :]
        chunk = (*left, *islice(rest, size - len(left)))


def query_of_ids(service: Service, ids: Sequence[str], *, rest: str = "") -> str:
    """Make the query of a list request for these ids; `rest` is a query to be joined to it."""
    own = (
        # Commas part the ids and need no encoding in a query (RFC 3986, 3.4).
        parameter(service.keys.in_filter, ",".join(ids), safe=","),
        *page_parameters(service.paging, number=1, size=len(ids)),
    )
    return f"?{'&'.join((*own, rest.removeprefix('?')) if rest else own)}"


def invalid_ids(ids: Iterable[Id]) -> Mapping[Id, ConfigurationError]:
    """Find the ids that cannot be asked for, which may be anything, each with its error."""
    invalid: dict[Id, ConfigurationError] = {}
    for id in ids:
        try:
            segment(id, "id")
        except ConfigurationError as error:
            invalid[id] = error
    return invalid


def missing(url: str) -> NotFound:
    """Make the error for a resource that a list does not hold: not found, as if it had been asked for by itself."""
    return NotFound(status=404, method="GET", url=url)


def may_be_one_id(error: CommerceLayerError) -> bool:
    """True if one id of a chunk may have caused the failure of all of it, so that a smaller chunk may succeed."""
    return isinstance(error, DecodeError) or (isinstance(error, ApiError) and error.status in _MAY_BE_ONE_ID)
