"""Limiters that keep budgets apart by service, mode and class of routes, for all sessions that are given one."""

from abc import abstractmethod
from collections.abc import Callable
from typing import Protocol, runtime_checkable

from .._clock import Clock
from .._markers import public
from ..service import Rates
from .limiter import Limiter
from .windows import RateLimits


class BoundLimiter(Limiter, Protocol):
    """The budgets of one origin and mode."""

    async def close(self) -> None:
        """Finish what is to be told; the session that was bound ends. Twice is fine."""
        ...


class SharedBudgets(BoundLimiter):
    """Budgets that are kept in a store which other processes use too: one by inheriting."""

    @abstractmethod
    def watch(self, on_store: Callable[[bool], None]) -> None:
        """Call with True when the store is lost, with False when it is back; between the steps of calls."""

    @abstractmethod
    def waiting_elsewhere(self) -> int:
        """Calls of all other members that wait, as the last step said."""


@public("commercelayer_async")
@runtime_checkable
class BindingLimiter(Limiter, Protocol):
    """A limiter that wants to know for whom it counts: a session binds it, and uses what that gives.

    So one object serves sessions of several organizations and modes, and each has the documented limits of its own.
    """

    def bind(
        self,
        url: str,
        *,
        mode: str | None,
        limits: RateLimits | None,
        documented: RateLimits | None,
        facts: Rates,
        clock: Clock | None = None,
    ) -> BoundLimiter:
        """The budgets of one origin and mode.

        Args:
            url: The origin of the API, or the URL of the token endpoint, whose requests are of the type `token`.
            mode: Of the token: `test` or `live`, which are counted apart; None where it is not known.
            limits: As the session was given them: never more, whatever headers say; None for as many as there may be.
            documented: Those of the service and mode, to begin with; None where headers are waited for.
            facts: What the service does its own way: which types are cacheable, and what its headers are.
            clock: The session's.
        """
        ...
