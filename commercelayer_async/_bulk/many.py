"""Bulk reads of a session's resources: a stream of outcomes, all of them at once, relationships of many."""

from collections.abc import AsyncIterable, Callable, Iterable, Sequence
from typing import Any, Final, Generic, TypeVar

from .._clock import Clock
from .._markers import override
from .._reading.reader import Reader
from ..errors import BulkError, CommerceLayerError, ConfigurationError
from ..jsonapi import Resource
from ..jsonapi.query import include_paths
from ..jsonapi.registry import type_of
from .stream import ChunkReader, Failed, Progress, Stream

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

_CONCURRENCY: Final = 8
"""Requests under way at most, of a read for which the caller names no number."""


def ids_at_once(reader: Reader) -> int:
    """Count the ids that `collect` reads in one round: a chunk for each request under way."""
    return _CONCURRENCY * reader.max_ids


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
    """Make the stream that the arguments of `Session.stream` describe."""
    chunks = _ClassReader(reader, cls, type_of(cls), include)
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
    """Return `ids`, unless it is a single one.

    Raises:
        ConfigurationError: it is a string, which would be read letter by letter.
    """
    if isinstance(ids, str | bytes):
        raise ConfigurationError("ids is a single string, not an iterable of them; put it into a list")
    return ids


async def collect(
    reader: Reader,
    cls: type[R],
    ids: Sequence[str],
    include: Sequence[str],
    *,
    per_id: bool,
    clock: Clock,
    on_progress: Callable[[Progress], None] | None,
) -> tuple[R, ...]:
    """Read resources by id, and return them in the order of `ids`.

    Raises:
        BulkError: some failed; it holds the others.
    """
    stream = stream_of(
        reader,
        cls,
        list(dict.fromkeys(ids)),
        include,
        workers=_CONCURRENCY,
        ordered=True,
        per_id=per_id,
        clock=clock,
        on_progress=on_progress,
    )
    fetched, failed = await _gather(stream)
    if failed:
        raise BulkError.of(failed, fetched)
    return tuple(fetched[id] for id in ids)


async def prefetch_into(reader: Reader, resources: Iterable[Resource], paths: Sequence[str], *, clock: Clock) -> None:
    """Load relationships of many resources: read each resource anew with `paths` included, and keep what was included.

    Raises:
        BulkError: some could not be read; it holds the others.
        ConfigurationError: a resource has no such relationship; nothing was sent.
    """
    by_class: dict[type[Resource], dict[str, list[Resource]]] = {}
    for resource in resources:
        include_paths(paths, type(resource))
        # What lies behind a dotted path may be missing even where its first step is loaded.
        if any("." in path or not resource.relationships[path].loaded for path in paths):
            by_class.setdefault(type(resource), {}).setdefault(resource.id, []).append(resource)
    names = dict.fromkeys(path.partition(".")[0] for path in paths)
    fetched: dict[str, Resource] = {}
    failed: dict[str, CommerceLayerError] = {}
    for cls, by_id in by_class.items():
        resource_type = next(iter(by_id.values()))[0].type
        chunks: _ClassReader[Any] = _ClassReader(reader, cls, resource_type, tuple(paths))
        stream: Stream[Any] = Stream(
            by_id, chunks, workers=_CONCURRENCY, ordered=False, per_id=False, clock=clock, on_progress=None
        )
        found, missing = await _gather(stream)
        fetched |= found
        failed |= missing
        for id, parent in found.items():
            for resource in by_id[id]:
                for name in names:
                    resource.relationships[name].take_over(parent.relationships[name])
    if failed:
        raise BulkError.of(failed, fetched)


async def _gather(stream: Stream[R]) -> tuple[dict[str, R], dict[str, CommerceLayerError]]:
    """Run a stream to its end, and return its resources and its errors by id."""
    fetched: dict[str, R] = {}
    failed: dict[str, CommerceLayerError] = {}
    async with stream as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Failed):
                failed[outcome.id] = outcome.error
            else:
                fetched[outcome.id] = outcome.resource
    return fetched, failed


class _ClassReader(ChunkReader[R], Generic[R]):
    """Reads resources of one class for a bulk read, and counts its requests and waits."""

    def __init__(self, reader: Reader, cls: type[R], resource_type: str, include: Sequence[str]) -> None:
        self._reader = reader
        self._cls = cls
        self._type = resource_type
        self._include = include

    @property
    @override
    def max_ids(self) -> int:
        return self._reader.max_ids

    @override
    async def chunk(self, ids: Sequence[str], progress: Progress) -> dict[str, R]:
        try:
            found, info = await self._reader.many(self._cls, self._type, ids, self._include)
        except CommerceLayerError as error:
            progress.requests += error.tries
            raise
        progress.requests += info.tries
        progress.waited += info.waited
        return found

    @override
    async def one(self, id: str, progress: Progress) -> R:
        try:
            found = await self._reader.one(self._cls, self._type, id, self._include)
        except CommerceLayerError as error:
            progress.requests += error.tries
            raise
        progress.requests += 1
        return found

    @override
    def absent(self, id: str) -> CommerceLayerError:
        return self._reader.absent(self._type, id)
