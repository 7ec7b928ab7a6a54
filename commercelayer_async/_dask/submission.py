"""Tasks handed to a cluster, and their results; again where workers died.

Dask runs a task again when its worker dies. When this happened too often to a task, by default at the fourth death, it
gives up with `KilledWorker`, whoever was to blame: each death is counted against all tasks that the worker had been
given. Then the task is submitted again here, under a new key.
"""

import asyncio
import secrets
from collections.abc import Callable, Iterable
from contextlib import suppress
from typing import Any, Final

from distributed import CancelledError, KilledWorker
from distributed.comm.core import CommClosedError

from .._text import printable
from ..errors import ExportError
from .extra import load

MOST_DEATHS: Final = 10
"""How many times a task is submitted again, after which it is given up."""


class Submission:
    """The tasks of one export on one cluster."""

    def __init__(self, client: Any, folder: str) -> None:
        self.resubmitted = 0
        self._client = client
        self._folder = folder
        self._run = secrets.token_hex(4)
        self._submitted = 0

    def one(self, function: Callable[..., Any], *arguments: Any) -> Any:
        """Run one task and give its result; raises as `all` does."""
        (result,) = self.all(function, [arguments])
        return result

    def all(
        self,
        function: Callable[..., Any],
        calls: Iterable[tuple[Any, ...]],
        on_result: Callable[[Any], None] = lambda _: None,
    ) -> list[Any]:
        """Run a task for each call, many at once, and give their results in the order of the calls.

        After the first failure nothing further begins; what runs already goes on to its end, as Dask cannot stop it.

        Raises:
            ExportError: the scheduler ended, or workers died again and again; a later run goes on.
            Exception: what the first task raised that failed.
        """
        arguments = list(calls)
        pending = {self._submit(function, call): index for index, call in enumerate(arguments)}
        deaths = [0] * len(arguments)
        results: list[Any] = [None] * len(arguments)
        completed = load("distributed").as_completed(list(pending))
        try:
            for future in completed:
                index = pending.pop(future)
                try:
                    # Also raises where the worker died that held the result, and the task failed when it ran again.
                    results[index] = future.result()
                except KilledWorker as error:
                    if deaths[index] == MOST_DEATHS:
                        raise self._given_up(index) from error
                    deaths[index] += 1
                    self.resubmitted += 1
                    again = self._submit(function, arguments[index])
                    pending[again] = index
                    completed.add(again)
                except (CancelledError, asyncio.CancelledError, CommClosedError) as error:
                    raise self._cancelled() from error
                else:
                    on_result(results[index])
        finally:
            # Where the scheduler is gone there is nothing to cancel, and saying so would hide why.
            with suppress(OSError):
                self._client.cancel(list(pending))
        return results

    def _submit(self, function: Callable[..., Any], call: tuple[Any, ...]) -> Any:
        self._submitted += 1
        key = f"commercelayer-{function.__name__}-{self._run}{self._submitted:06x}"
        return self._client.submit(function, *call, key=key, pure=False)

    def _given_up(self, index: int) -> ExportError:
        return ExportError(
            f"partition {index} was given up: {MOST_DEATHS + 1} times so many workers died that had been given it; what"
            f" they died of is in their logs (often memory); {_RESUME}",
            path=self._folder,
        )

    def _cancelled(self) -> ExportError:
        return ExportError(
            f"the scheduler ended, or the tasks were cancelled, while {printable(self._folder)} was written; {_RESUME}",
            path=self._folder,
        )


_RESUME: Final = "export again with resume=True to go on"
