"""What a bulk read gives: an outcome for each id, and how far it has come."""

from typing import Generic, TypeVar

import attrs

from .._markers import public
from ..errors import CommerceLayerError
from ..jsonapi import Resource

R_co = TypeVar("R_co", bound=Resource, covariant=True)


@public("commercelayer_async")
@attrs.frozen
class Fetched(Generic[R_co]):
    """The outcome of an id that was read: its resource."""

    id: str
    resource: R_co


@public("commercelayer_async")
@attrs.frozen
class Failed:
    """The outcome of an id that could not be read: its error."""

    id: str
    error: CommerceLayerError


@public("commercelayer_async")
@attrs.define(eq=False)
class Progress:
    """How far a bulk read has come; it changes while the read goes on."""

    done: int = 0
    """Ids with a resource."""
    failed: int = 0
    """Ids with an error."""
    total: int | None = None
    """Ids in all; None where they come from an iterator, whose length is not known."""
    requests: int = 0
    """Requests sent, with all tries, for chunks and for single ids."""
    waited: float = 0.0
    """Seconds spent waiting for rate limits, summed over the workers."""
    elapsed: float = 0.0
    """Seconds since the read began, as of the last chunk delivered."""

    @property
    def rate(self) -> float:
        """Ids a second."""
        return (self.done + self.failed) / self.elapsed if self.elapsed else 0.0

    @property
    def left(self) -> float | None:
        """Seconds that the rest will take at this rate; None where the total or the rate is not known."""
        if self.total is None or not self.rate:
            return None
        return (self.total - self.done - self.failed) / self.rate
