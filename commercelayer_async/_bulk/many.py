"""Bulk reads of a session's resources: a stream of outcomes, all of them at once, relationships of many."""

import asyncio
from collections.abc import AsyncIterable, Callable, Iterable, Mapping, Sequence
from contextlib import suppress
from itertools import islice
from typing import Any, Final, Generic, TypeVar

from .._calls.deadline import CallScope
from .._clock import Clock
from .._markers import override
from .._plain import plain
from .._reading.reader import Chunk, Reader
from .._text import did_you_mean, printable
from ..errors import BulkError, CommerceLayerError, ConfigurationError, DecodeError
from ..jsonapi import Resource
from ..jsonapi.query import first_name, include_paths
from ..jsonapi.registry import type_of
from .chunk_reading import FATAL, ChunkReader
from .outcomes import Failed, Progress
from .stream import Stream

R = TypeVar("R", bound=Resource)
T = TypeVar("T")

_CONCURRENCY: Final = 8
"""Requests under way at most, of a read for which the caller names no number."""


def ids_at_once(reader: Reader, type: str, *, per_id: bool = False) -> int:
    """Count the ids that `collect` reads in one round: a chunk for each request under way."""
    return _CONCURRENCY if per_id else _CONCURRENCY * max(1, reader.max_ids(type))


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
    due: float | None = None,
) -> Stream[R]:
    """Make the stream that the arguments of `Session.stream` describe.

    `due` is when the time of all of it is up; None to give each chunk the time of a call.
    """
    chunks = _ClassReader(reader, cls, type_of(cls), include, due)
    return Stream(
        require_several(ids),
        chunks,
        workers=workers,
        ordered=ordered,
        per_id=per_id,
        clock=clock,
        on_progress=on_progress,
    )


def require_several(several: T, *, or_async: bool = True) -> T:
    """Return what was given, unless it is a single id, or nothing that can be iterated over.

    Raises:
        ConfigurationError: it is a string, which would be read letter by letter, or not an iterable.
    """
    ids: object = several
    if isinstance(ids, str | bytes):
        raise ConfigurationError("ids is a single string, not an iterable of them; put it into a list")
    if isinstance(ids, AsyncIterable) and not or_async:
        raise ConfigurationError("ids is an async iterable; read it by session.stream(), or collect it into a list")
    if not isinstance(ids, AsyncIterable | Iterable) and not hasattr(type(ids), "__getitem__"):
        raise ConfigurationError(f"ids is a {type(ids).__name__}, not an iterable of ids; put them into a list")
    return several


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
    due = reader.due()
    stream = stream_of(
        reader,
        cls,
        _distinct(ids),
        include,
        workers=_CONCURRENCY,
        ordered=True,
        per_id=per_id,
        clock=clock,
        on_progress=on_progress,
        due=due if len(ids) <= ids_at_once(reader, type_of(cls), per_id=per_id) else None,
    )
    fetched, failed = await _gather(stream)
    if failed:
        raise BulkError.of(failed, fetched)
    return tuple(fetched[id] for id in ids)


def _distinct(ids: Sequence[Any]) -> list[Any]:
    """Leave ids out that came before; what cannot be compared so is left, to be refused."""
    try:
        return list(dict.fromkeys(ids))
    except Exception:  # noqa: BLE001 - what is no id may do anything when it is hashed
        strings = dict.fromkeys(id for id in ids if type(id) is str)
        return [*strings, *(id for id in ids if type(id) is not str)]


async def prefetch_into(
    reader: Reader, resources: Iterable[Resource], relationships: Sequence[str], *, clock: Clock
) -> None:
    """Load relationships of many resources: read each anew with `relationships` included, and keep what was included.

    What a service leaves out all the same is followed by its own link.

    Raises:
        BulkError: some could not be read or filled; it holds the others.
        ConfigurationError: a resource has no such relationship; nothing was sent.
    """
    by_class, paths_of = _lacking(reader, resources, relationships)
    count = sum(len(same) for by_id in by_class.values() for same in by_id.values())
    at_once = min((ids_at_once(reader, type) for _, type in by_class), default=0)
    due = reader.due() if count <= at_once else None
    fetched: dict[str, Resource] = {}
    failed: dict[str, CommerceLayerError] = {}
    for (cls, resource_type), by_id in by_class.items():
        names = dict.fromkeys(first_name(path, cls) for path in paths_of[cls])
        chunks: _ClassReader[Any] = _ClassReader(reader, cls, resource_type, paths_of[cls], due)
        stream: Stream[Any] = Stream(
            by_id, chunks, workers=_CONCURRENCY, ordered=False, per_id=False, clock=clock, on_progress=None
        )
        found, missing = await _gather(stream)
        for id, error in missing.items():
            failed[id if id not in failed else f"{resource_type}/{id}"] = error
        left_out = await _follow_left_out(found, paths_of[cls])
        for id, error in left_out.items():
            failed[id if id not in failed else f"{resource_type}/{id}"] = error
        for id, parent in found.items():
            if id not in left_out:
                fetched[id if id not in fetched else f"{resource_type}/{id}"] = parent
            for resource in by_id[id]:
                _fill(resource, parent, names)
    if failed:
        raise BulkError.of(failed, fetched)


def _lacking(
    reader: Reader, resources: Iterable[Resource], relationships: Sequence[str]
) -> tuple[dict[tuple[type[Resource], str], dict[str, list[Resource]]], dict[type[Resource], tuple[str, ...]]]:
    """Return the resources that lack something, by class, type and id; and for each class the paths to include.

    Several types may share a class: a GenericResource may be of any.
    """
    by_class: dict[tuple[type[Resource], str], dict[str, list[Resource]]] = {}
    paths_of: dict[type[Resource], tuple[str, ...]] = {}
    for resource in resources:
        cls = type(resource)
        if cls not in paths_of:
            paths_of[cls] = include_paths(relationships, cls, reader.registry_for(cls, resource.type))
        if _lacks(resource, paths_of[cls]):
            by_class.setdefault((cls, resource.type), {}).setdefault(plain(resource.id), []).append(resource)
    return by_class, paths_of


def _lacks(resource: Resource, paths: Sequence[str]) -> bool:
    """True if anything of `paths` is not loaded.

    Raises:
        ConfigurationError: the resource has no such relationship.
    """
    names = [first_name(path, type(resource)) for path in paths]
    for name in names:
        if resource.relationships.get(name) is None:
            what = printable(f"{resource.type}/{plain(resource.id)}")
            hint = printable(did_you_mean(name, resource.relationships))
            raise ConfigurationError(f"{what} has no relationship {printable(repr(name), 80)}{hint}")
    # What lies behind a dotted path may be missing even where its first step is loaded.
    steps = zip(names, paths, strict=True)
    return any(name != path or not resource.relationships[name].loaded for name, path in steps)


async def _follow_left_out(parents: Mapping[str, Resource], paths: Sequence[str]) -> dict[str, CommerceLayerError]:
    """Follow what the documents of `parents` do not include: a service may ignore `include`, or a part of it.

    Returns the first error of each parent, by its key. Where all is included there is no request.
    """

    async def follow(parent: Resource) -> CommerceLayerError | None:
        first: CommerceLayerError | None = None
        for path in paths:
            try:
                await _follow(parent, path)
            except CommerceLayerError as error:
                first = first or error
        return first

    failed: dict[str, CommerceLayerError] = {}
    left = iter(parents)
    while some := tuple(islice(left, _CONCURRENCY)):
        for key, error in zip(some, await asyncio.gather(*(follow(parents[key]) for key in some)), strict=True):
            if isinstance(error, FATAL):
                raise error
            if error is not None:
                failed[key] = error
    return failed


async def _follow(resource: Resource, path: str) -> None:
    """Load each step of a path.

    Raises:
        DecodeError: a to-many relationship is not included. Awaiting it would give a first page for the whole.
    """
    name = first_name(path, type(resource))
    rest = path[len(name) + 1 :]
    relationship = resource.relationships.get(name)
    # What the step before leads to may be of several classes, and another one has it. And documents of old records
    # leave relationships out: there is nothing to follow.
    if relationship is None or relationship.is_absent:
        return
    if relationship.to_many is not False and not relationship.loaded:
        raise DecodeError(
            expected="all related resources, included; iterate over the relationship instead",
            got=relationship.state.value,
            pointer=f"/data/relationships/{name}",
            resource=f"{resource.type}/{resource.id}",
        )
    found: Resource | tuple[Resource, ...] | None = await relationship
    if rest:
        for target in found if isinstance(found, tuple) else (found,):
            if target is not None:
                await _follow(target, rest)


def _fill(resource: Resource, parent: Resource, names: Iterable[str]) -> None:
    """Keep what was loaded with the same resource in another document."""
    for name in names:
        filled = parent.relationships.get(name)
        if filled is not None:
            # One that is malformed is among the failures.
            with suppress(DecodeError):
                resource.relationships[name].take_over(filled)


async def _gather(stream: Stream[R]) -> tuple[dict[str, R], dict[str, CommerceLayerError]]:
    """Run a stream to its end, and return its resources and its errors by id."""
    fetched: dict[str, R] = {}
    failed: dict[str, CommerceLayerError] = {}
    async with stream as outcomes:
        async for outcome in outcomes:
            if isinstance(outcome, Failed):
                failed[_key_of(outcome.id, failed)] = outcome.error
            else:
                fetched[outcome.id] = outcome.resource
    return fetched, failed


def _key_of(id: object, taken: Mapping[str, object]) -> str:
    """What an error is named by: its id, or what stands for one that cannot be a key or a text."""
    return id if isinstance(id, str) else f"{type(id).__name__}, not an id ({len(taken) + 1})"


class _ClassReader(ChunkReader[R], Generic[R]):
    """Reads resources of one class for a bulk read, and counts its requests and waits."""

    def __init__(
        self, reader: Reader, cls: type[R], resource_type: str, include: Sequence[str], due: float | None
    ) -> None:
        self._reader = reader
        self._cls = cls
        self._type = resource_type
        self._include = include
        self._due = due

    @property
    @override
    def type(self) -> str:
        return self._type

    @property
    @override
    def max_ids(self) -> int:
        return max(1, self._reader.max_ids(self._type))

    @override
    def can_be_joined(self, id: str) -> bool:
        return self._reader.can_be_joined(id)

    @override
    def reason_against(self, id: object) -> CommerceLayerError | None:
        return self._reader.reason_against(self._type, id)

    @override
    def due(self) -> float:
        return self._due if self._due is not None else self._reader.due()

    @override
    def filters_by_id(self) -> bool:
        return self._reader.memory.filters_by_id(self._type)

    @override
    async def chunk(self, ids: Sequence[str], due: float, progress: Progress) -> Chunk[R]:
        scope = CallScope(due)
        try:
            return await self._reader.many(self._cls, self._type, ids, self._include, scope)
        finally:
            _count(scope, progress)

    @override
    async def one(self, id: str, due: float, progress: Progress) -> R:
        scope = CallScope(due)
        try:
            return await self._reader.one(self._cls, self._type, id, self._include, scope)
        finally:
            _count(scope, progress)


def _count(scope: CallScope, progress: Progress) -> None:
    progress.requests += scope.requests
    progress.waited += scope.waited
