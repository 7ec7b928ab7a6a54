"""Bulk reads of a session's resources: a stream of outcomes, all of them at once, relationships of many."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from .._clock import Clock
from .._reading.chunks import CHUNK
from .._reading.reader import Reader
from ..errors import BulkError, CommerceLayerError, ConfigurationError
from ..jsonapi import Resource
from ..jsonapi.query import include_paths
from ..jsonapi.registry import type_of
from .stream import Failed, Progress, Stream

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

_WORKERS: Final = 8
"""Requests under way at most, of a read that does not name a number."""
AT_ONCE: Final = _WORKERS * CHUNK
"""Resources that so many requests bring."""


def stream_of(
    reader: Reader,
    cls: type[R],
    ids: Iterable[str] | AsyncIterable[str],
    include: Sequence[str],
    *,
    workers: int,
    ordered: bool,
    per_id: bool,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None,
) -> Stream[R]:
    """See `Session.stream`."""
    chunks = _Chunks(reader, cls, type_of(cls), include)
    return Stream(
        require_several(ids),
        chunks,
        workers=workers,
        ordered=ordered,
        per_id=per_id,
        clock=clock,
        on_progress=on_progress,
    )


def require_several(ids: T) -> T:
    """`ids`, unless it is a single one.

    Raises:
        ConfigurationError: it is; it would be read letter by letter.
    """
    if isinstance(ids, str | bytes):
        raise ConfigurationError("ids must be an iterable of strings, not one of them")
    return ids


async def all_of(
    reader: Reader,
    cls: type[R],
    ids: Sequence[str],
    include: Sequence[str],
    *,
    per_id: bool,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[R, ...]:
    """See `Session.get_many`."""
    stream = stream_of(
        reader,
        cls,
        list(dict.fromkeys(ids)),
        include,
        workers=_WORKERS,
        ordered=True,
        per_id=per_id,
        clock=clock,
        on_progress=on_progress,
    )
    fetched, failed = await _gathered(stream)
    if failed:
        raise BulkError.of(failed, fetched)
    return tuple(fetched[id_] for id_ in ids)


async def fill(reader: Reader, resources: Iterable[Resource], paths: Sequence[str], *, clock: Clock) -> None:
    """See `Session.prefetch`."""
    by_type: dict[type[Resource], dict[str, list[Resource]]] = {}
    for resource in resources:
        include_paths(paths, type(resource))
        if any("." in path or not resource.relationships[path].loaded for path in paths):
            by_type.setdefault(type(resource), {}).setdefault(resource.id, []).append(resource)
    names = dict.fromkeys(path.partition(".")[0] for path in paths)
    failed: dict[str, CommerceLayerError] = {}
    filled: dict[str, Resource] = {}
    for cls, by_id in by_type.items():
        type_ = next(iter(by_id.values()))[0].type
        chunks: _Chunks[Any] = _Chunks(reader, cls, type_, tuple(paths))
        stream: Stream[Any] = Stream(
            by_id, chunks, workers=_WORKERS, ordered=False, per_id=False, clock=clock, on_progress=None
        )
        found, missing = await _gathered(stream)
        failed |= missing
        filled |= found
        for id_, parent in found.items():
            for resource in by_id[id_]:
                for name in names:
                    resource.relationships[name].take_over(parent.relationships[name])
    if failed:
        raise BulkError.of(failed, filled)


async def _gathered(stream: Stream[R]) -> tuple[dict[str, R], dict[str, CommerceLayerError]]:
    """What a stream gives, the resources and the errors apart, by id."""
    fetched: dict[str, R] = {}
    failed: dict[str, CommerceLayerError] = {}
    async with stream as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Failed):
                failed[outcome.id] = outcome.error
            else:
                fetched[outcome.id] = outcome.resource
    return fetched, failed


class _Chunks(Generic[R]):
    """Reads chunks of one class for a bulk read, and counts what that takes."""

    def __init__(self, reader: Reader, cls: type[R], type_: str, include: Sequence[str]) -> None:
        self._reader = reader
        self._cls = cls
        self._type = type_
        self._include = include

    async def chunk(self, ids: Sequence[str], progress: Progress) -> dict[str, R]:
        """See `ChunkReader.chunk`."""
        try:
            found, answer = await self._reader.many(self._cls, self._type, ids, self._include)
        except CommerceLayerError as error:
            progress.requests += error.tries
            raise
        progress.requests += answer.tries
        progress.waited += answer.waited
        return found

    async def one(self, id_: str, progress: Progress) -> R:
        """See `ChunkReader.one`."""
        try:
            found = await self._reader.one(self._cls, self._type, id_, self._include)
        except CommerceLayerError as error:
            progress.requests += error.tries
            raise
        progress.requests += 1
        return found

    def absent(self, id_: str) -> CommerceLayerError:
        """See `ChunkReader.absent`."""
        return self._reader.absent(self._type, id_)
