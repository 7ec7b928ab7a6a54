"""Reading many resources by id in few requests: which ids fit into one request, and what its failure means for each.

A service answers a filter by ids with one page at most, so a chunk holds as many ids as a page holds resources
(`Service.ids_at_once_of`), or fewer where they are long.
"""

from collections.abc import Iterable, Iterator, Sequence
from itertools import islice
from typing import Final

from .._text import printable
from ..errors import ApiError, CommerceLayerError, ConfigurationError, DecodeError, NotFound
from ..service import Calls, Service
from ..service.paths import Paths
from .grammars import pairs_of, text_in_call
from .parameters import encoded, parameter

_MAX_CHARACTERS: Final = 1500
"""Characters that the ids of one request take at most. No length is documented; every server accepts this one."""
_MAY_BE_ONE_ID: Final = frozenset({400, 404, 406, 413, 414, 422, 431})
"""Statuses that one id may have caused for all of a chunk."""


def fitting(ids: Sequence[object], *, size: int) -> int:
    """Count the ids, from the first on, that fit into one request: at most `size`, fewer where they are long."""
    count, characters = 0, 0
    for id in ids[:size]:
        # What is not a string is refused later and not sent. One id alone always fits.
        characters += len(id) + 1 if type(id) is str else 0
        if count and characters > _MAX_CHARACTERS:
            break
        count += 1
    return count


def chunked(ids: Iterable[str], *, size: int) -> Iterator[tuple[str, ...]]:
    """Cut ids, in their order, into chunks of at most `size` that fit into one request each."""
    rest = iter(ids)
    chunk = tuple(islice(rest, size))
    while chunk:
        count = fitting(chunk, size=size)
        yield chunk[:count]
        chunk = (*chunk[count:], *islice(rest, count))


def halves(ids: Sequence[str]) -> tuple[Sequence[str], Sequence[str]]:
    """Cut ids in two."""
    middle = len(ids) // 2
    return ids[:middle], ids[middle:]


def query_of_ids(service: Service, type: str, ids: Sequence[str], *, rest: str = "") -> str:
    """Make the query of a list request for these ids of a type; `rest` is a query to be joined to it."""
    own = (*_ids_parameters(service, ids), *encoded(service.paging_of(type).first_page(len(ids))))
    return f"?{'&'.join((*own, rest.removeprefix('?')) if rest else own)}"


def _ids_parameters(service: Service, ids: Sequence[str]) -> tuple[str, ...]:
    asked, grammar = service.ids_at_once, service.filters
    if asked is None:
        raise AssertionError("a service that takes no ids is not asked by them")
    template = asked.template
    if not isinstance(template, str):
        return pairs_of(template, ids, "ids_at_once")
    if isinstance(grammar, Calls) and asked.is_call:
        texts = ",".join(text_in_call(id, grammar, "ids") for id in ids)
        return (parameter(grammar.parameter, template.format(texts)),)
    # Commas part the ids and need no encoding in a query (RFC 3986, 3.4).
    return (parameter(template, ",".join(ids), safe=","),)


def can_be_joined(service: Service, id: str) -> bool:
    """True if an id can be asked for together with others: not where it holds what parts them."""
    asked = service.ids_at_once
    return asked is None or asked.is_call or not isinstance(asked.template, str) or "," not in id


def reason_against(paths: Paths, type: str, id: object) -> ConfigurationError | None:
    """The error for an id that cannot be asked for, which may be anything; None if it can."""
    try:
        paths.id(type, id)
    except ConfigurationError as error:
        return error
    return None


def missing(type: str, id: str, *, url: str) -> NotFound:
    """Make the error for a resource that a list does not hold, which was asked for at `url` and is whole.

    Its status is that of the resource, had it been asked for by itself.
    """
    error = NotFound(status=404, method="GET", url=url)
    what = f"there is no {printable(type, 80)}/{printable(id, 80)} in the whole response of GET {printable(url)}"
    error.args = (f"404 NotFound, {what}, {error.advice}",)
    return error


def may_be_one_id(error: CommerceLayerError) -> bool:
    """True if one id of a chunk may have caused the failure of all of it, so that a smaller chunk may succeed."""
    return isinstance(error, DecodeError) or (isinstance(error, ApiError) and error.status in _MAY_BE_ONE_ID)
