"""Reads a chunk of ids, by as many requests as it takes, and gives an outcome for each of them.

One request asks for all of a chunk. What it leaves open, because one id may have spoiled it or because the response
does not show that it is whole, is asked for again by halves, and at last one by one.
"""

from collections.abc import Mapping, Sequence
from typing import Final, Generic, Protocol, TypeVar

from .._reading.chunks import halves, may_be_one_id
from ..errors import AuthError, CommerceLayerError, SessionError, Unauthorized
from ..jsonapi import Resource
from .outcomes import Failed, Fetched, Progress

R = TypeVar("R", bound=Resource)
R_co = TypeVar("R_co", bound=Resource, covariant=True)

_Results = dict[str, R | CommerceLayerError]

FATAL: Final = (AuthError, SessionError, Unauthorized)
"""What would happen to every other id too."""


class ReadChunk(Protocol[R_co]):
    """What a request for a chunk gave."""

    @property
    def found(self) -> Mapping[str, R_co]:
        """The resources that there are, by id."""
        ...

    @property
    def is_whole(self) -> bool:
        """True if an id that is not there has no resource; else it has to be asked for again."""
        ...

    @property
    def is_filtered(self) -> bool:
        """False if it was not about these ids alone, so that nothing of it counts."""
        ...

    def absent(self, type: str, id: str) -> CommerceLayerError:
        """Make the error for an id that a whole chunk does not hold."""
        ...


class ChunkReader(Protocol[R_co]):
    """What a stream needs of a session: one class of resources, read by id."""

    @property
    def type(self) -> str:
        """The type of the resources."""
        ...

    @property
    def max_ids(self) -> int:
        """Ids of a chunk at most."""
        ...

    def can_be_joined(self, id: str) -> bool:
        """True if an id can be asked for together with others."""
        ...

    def reason_against(self, id: object) -> CommerceLayerError | None:
        """The error for an id that cannot be asked for, which may be anything; None if it can."""
        ...

    def due(self) -> float:
        """When the time is up for a chunk that begins now, with all requests that it takes."""
        ...

    def filters_by_id(self) -> bool:
        """False where the service is known to ignore which ids a list is for."""
        ...

    async def chunk(self, ids: Sequence[str], due: float, progress: Progress) -> ReadChunk[R_co]:
        """Read a chunk in one request, which counts in `progress`."""
        ...

    async def one(self, id: str, due: float, progress: Progress) -> R_co:
        """Read one resource at its own URL; the request counts in `progress`."""
        ...


async def outcomes_of(
    ids: Sequence[str], reader: ChunkReader[R], progress: Progress, *, per_id: bool
) -> list[Fetched[R] | Failed]:
    """Read a chunk, and return the outcome of each id in its order; an id given twice is read once.

    Raises:
        AuthError, SessionError, Unauthorized: it would be the same for every id.
    """
    # Ids are the caller's and may be anything, also what cannot be a key.
    reasons = [reader.reason_against(id) for id in ids]
    wanted = tuple(dict.fromkeys(id for id, reason in zip(ids, reasons, strict=True) if reason is None))
    chunk = _ChunkOutcomes(reader, progress)
    if per_id:
        await chunk.read_each(wanted)
    elif wanted:
        joined = tuple(id for id in wanted if reader.can_be_joined(id))
        if joined:
            await chunk.read(joined)
        await chunk.read_each([id for id in wanted if id not in joined])
    return chunk.hand_over(ids, reasons)


class _ChunkOutcomes(Generic[R]):
    """Reads one chunk, by as many requests as it takes, within the time of one call."""

    def __init__(self, reader: ChunkReader[R], progress: Progress) -> None:
        self._reader = reader
        self._progress = progress
        self._due = reader.due()
        self.results: _Results[R] = {}

    def hand_over(self, ids: Sequence[str], reasons: Sequence[CommerceLayerError | None]) -> list[Fetched[R] | Failed]:
        """The outcome of each id, in order; `reasons` are why some were not even asked for.

        A traceback leads to the frames that an error went through, and their variables: this one is none of them, and
        nothing of the results is left behind, so that they are in no cycle.
        """
        results, self.results = self.results, {}
        outcomes: list[Fetched[R] | Failed] = []
        for id, reason in zip(ids, reasons, strict=True):
            result = reason if reason is not None else results[id]
            outcomes.append(Failed(id, result) if isinstance(result, CommerceLayerError) else Fetched(id, result))
        return outcomes

    async def read_each(self, ids: Sequence[str]) -> None:
        """Read ids one by one."""
        for id in ids:
            try:
                self.results[id] = await self._reader.one(id, self._due, self._progress)
            except FATAL:
                raise
            except CommerceLayerError as error:
                self.results[id] = error

    async def read(self, ids: Sequence[str]) -> None:
        """Read ids in one request; what it leaves open is asked for again by halves, and at last one by one."""
        if len(ids) == 1 or not self._reader.filters_by_id():
            return await self.read_each(ids)
        try:
            chunk = await self._reader.chunk(ids, self._due, self._progress)
        except FATAL:
            raise
        except CommerceLayerError as error:
            if not may_be_one_id(error):
                self.results.update(dict.fromkeys(ids, error))
                return None
            # One id may be to blame, so it is searched for.
            left = ids
        else:
            if not chunk.is_filtered:
                return await self.read_each(ids)
            self.results.update(chunk.found)
            left = [id for id in ids if id not in chunk.found]
            if chunk.is_whole:
                self.results.update({id: chunk.absent(self._reader.type, id) for id in left})
                return None
        for half in halves(left):
            if half:
                await self.read(half)
        return None
