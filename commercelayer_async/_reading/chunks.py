"""Reading many resources by id in few requests: what fits into one, and what its answer says of each id.

The API answers `filter[q][id_in]` with a page of at most 25, so 25 ids are the natural chunk
(docs.commercelayer.io, "Filtering data" and "Pagination").
"""

from collections.abc import Iterable, Iterator, Mapping, Sequence
from itertools import islice
from typing import Final, TypeVar

from ..errors import ApiError, CommerceLayerError, ConfigurationError, DecodeError, NotFound
from ..jsonapi.query import segment

Id = TypeVar("Id")

CHUNK: Final = 25
"""Ids that one request asks for: the API's largest page."""
_CHARACTERS: Final = 1500
"""Characters that the ids of one request take at most; no documented length, but what every server accepts."""
_SPLIT: Final = frozenset({400, 404, 406, 413, 414, 422, 431})
"""Statuses that one id may have caused for all of a chunk."""


def chunked(ids: Iterable[str], *, size: int = CHUNK) -> Iterator[tuple[str, ...]]:
    """The ids in their order, as many at a time as fit into one request."""
    rest = iter(ids)
    chunk = tuple(islice(rest, size))
    while chunk:
        fitting = chunk
        # What is no string is for `invalid_ids` to refuse; one id alone always fits.
        while len(fitting) > 1 and sum(map(len, map(str, fitting))) + len(fitting) > _CHARACTERS:
            fitting = fitting[:-1]
        yield fitting
        left = chunk[len(fitting) :]
        chunk = (*left, *islice(rest, size - len(left)))


def query_of_ids(ids: Sequence[str], *, rest: str = "") -> str:
    """The query of a list request for these ids; `rest` is a query to be joined to it."""
    own = f"filter%5Bq%5D%5Bid_in%5D={','.join(ids)}&page%5Bnumber%5D=1&page%5Bsize%5D={len(ids)}"
    return f"?{own}&{rest.removeprefix('?')}" if rest else f"?{own}"


def invalid_ids(ids: Iterable[Id]) -> Mapping[Id, ConfigurationError]:
    """The ids that cannot be asked for, with what is wrong with them; they may be anything."""
    wrong: dict[Id, ConfigurationError] = {}
    for id_ in ids:
        try:
            segment(id_, "id")
        except ConfigurationError as error:
            wrong[id_] = error
    return wrong


def missing(url: str) -> NotFound:
    """What a resource that a list does not hold is: not found, as if it had been asked for by itself."""
    return NotFound(status=404, method="GET", url=url)


def may_be_one_id(error: CommerceLayerError) -> bool:
    """Whether one id of a chunk may be to blame for what happened to all of it."""
    return isinstance(error, DecodeError) or (isinstance(error, ApiError) and error.status in _SPLIT)
