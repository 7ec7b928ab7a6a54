"""What a store does, and how it fails."""

from typing import Protocol

from ..errors import SharedBudgetError
from .state import Answer, Request


class Store(Protocol):
    """Where the states of budgets are kept, each by its key, in a way that one step at a time changes one."""

    name: str
    """What `RateState.store` says."""

    async def step(self, key: str, request: Request) -> Answer:
        """Make one step; never blocks the event loop for longer than a millisecond or two.

        Raises:
            StoreLost: it is not known whether the step was made; asked again, the same step is made once.
        """
        ...

    async def close(self) -> None:
        """Let go of files and connections; twice is fine."""
        ...


class StoreLost(Exception):
    """The store did not answer, or not as it should; says why in words without secrets."""

    def __init__(self, reason: str) -> None:
        super().__init__(reason)
        self.reason = reason

    def explain(self, store: str, *, consequence: str) -> SharedBudgetError:
        """The error for those who waited."""
        return SharedBudgetError(
            f"the shared rate budget ({store}) cannot be reached: {self.reason}; {consequence}", store=store
        )
