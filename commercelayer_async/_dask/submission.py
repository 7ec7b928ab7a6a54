"""Tasks handed to a cluster, and their results; again where workers died.

Dask runs a task again when its worker dies. When this happened too often to a task, by default at the fourth death, it
gives up with `KilledWorker`, whoever was to blame: each death is counted against all tasks that the worker had been
given. Then the task is submitted again here, under a new key. One that this happens to again and again is put off until
all others are done, and then runs alone, so that what kills its workers is known to be that task, and harms no other.
"""

import asyncio
import secrets
import time
from collections import deque
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from contextlib import suppress
from typing import Any, Final

from distributed import CancelledError, KilledWorker
from distributed.comm.core import CommClosedError

from .._text import printable
from ..errors import ExportError
from .extra import load
from .worker import stoppable

MOST_SUBMISSIONS: Final = 10
"""How many times a task is submitted, before it is given up."""
_TOGETHER: Final = 5
"""Of these, so many beside others."""
WITHOUT_WORKERS = 300.0
"""Seconds after which no worker is expected any more; clusters take minutes to start some."""
LOOK_FOR_WORKERS = 10.0
"""Seconds between two looks for workers."""
_LOOK: Final = 0.05
"""Seconds between two looks at what has ended."""
_PATIENCE: Final = 5.0
"""Seconds after which it is looked whether the client that is to give a result was closed."""
RESUME: Final = "export again with resume=True to go on"


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
        (result,) = self.all(function, {function.__name__: arguments})
        return result

    def all(
        self,
        function: Callable[..., Any],
        calls: Mapping[str, tuple[Any, ...]],
        on_result: Callable[[Any], None] = lambda _: None,
    ) -> list[Any]:
        """Run a task for each call, many at once, and give their results in the order of the calls, which have names.

        After the first failure nothing further begins, and what runs is stopped; see `stoppable`.

        Raises:
            ExportError: the scheduler ended, the client was closed, or there was no worker for five minutes; or workers
                died of some tasks again and again, and all others are done. A later run goes on.
            Exception: what the first task raised that failed.
        """
        batch = _Batch(calls)
        completed = load("distributed").as_completed()

        def submit(name: str) -> None:
            future = self._submit(function, calls[name])
            batch.pending[future] = name
            completed.add(future)

        for name in calls:
            submit(name)
        try:
            for future in self._ended(completed, batch.pending):
                name = batch.pending.pop(future)
                try:
                    # Also raises where the worker died that held the result, and the task failed when it ran again.
                    result = self._result(future)
                except KilledWorker:
                    if batch.may_go_on_beside_others(name):
                        self.resubmitted += 1
                        submit(name)
                except (CancelledError, asyncio.CancelledError, CommClosedError) as error:
                    raise self._cancelled() from error
                else:
                    batch.results[name] = result
                    on_result(result)
                if not batch.pending and batch.put_off:
                    self.resubmitted += 1
                    submit(batch.put_off.popleft())
        finally:
            self._cancel(batch.pending)
        if batch.given_up:
            raise self._given_up(batch.given_up)
        return [batch.results[name] for name in calls]

    def _cancel(self, futures: Iterable[Any]) -> None:
        # Where the scheduler is gone there is nothing to cancel, and saying so would hide why.
        if self._is_open:
            with suppress(OSError):
                self._client.cancel(list(futures))

    @property
    def _is_open(self) -> bool:
        """False once the client was closed: it then leaves waiting for ever who waits for a task."""
        return self._client.status not in ("closing", "closed")

    def _ended(self, completed: Any, pending: Mapping[Any, str]) -> Iterator[Any]:
        """Give futures as their tasks end, until none is pending.

        Raises:
            ExportError: the client was closed, or the cluster has had no worker for a long time.
        """
        workers = _Workers(self._client)
        while pending:
            ended = completed.next_batch(block=False)
            yield from ended
            if not ended:
                if not self._is_open:
                    raise self._cancelled()
                if workers.are_gone():
                    raise self._without_workers()
                time.sleep(_LOOK)

    def _result(self, future: Any) -> Any:
        """What the task of a future gave, which has ended; raises as `all` does."""
        while True:
            try:
                return future.result(timeout=_PATIENCE)
            except Exception as error:
                if future.status == "error":
                    # The task's own.
                    raise
                if not self._is_open:
                    raise self._cancelled() from error
                if not isinstance(error, TimeoutError):
                    raise

    def _submit(self, function: Callable[..., Any], call: tuple[Any, ...]) -> Any:
        self._submitted += 1
        prefix, rest = f"commercelayer-{function.__name__}", f"{self._run}{self._submitted:06x}"
        # Without its key as a whole, which some releases of Dask would take for what the task depends on.
        return self._client.submit(stoppable, prefix, rest, function, *call, key=f"{prefix}-{rest}", pure=False)

    def _given_up(self, names: Sequence[str]) -> ExportError:
        others = f" and {len(names) - 1} more" if len(names) > 1 else ""
        return ExportError(
            f"{names[0]}{others} of {printable(self._folder)} was given up: submitted {MOST_SUBMISSIONS} times, the"
            " last ones alone, and each time its workers died; all else is written; what they died of is in their logs,"
            f" often memory: fewer rows_per_partition, in another folder, take less; {RESUME}",
            path=f"{self._folder}/{names[0]}",
        )

    def _cancelled(self) -> ExportError:
        return ExportError(
            f"the scheduler or the client ended, or the tasks were cancelled, while {printable(self._folder)} was"
            f" written; {RESUME}",
            path=self._folder,
        )

    def _without_workers(self) -> ExportError:
        return ExportError(
            f"the cluster has had no worker for {WITHOUT_WORKERS / 60:g} minutes, while {printable(self._folder)} was"
            f" written: look into their logs, and start some; {RESUME}",
            path=self._folder,
        )


class _Workers:
    """Looks now and then whether a cluster has any worker: tasks wait for ever where none comes."""

    def __init__(self, client: Any) -> None:
        self._client = client
        self._seen = self._looked = time.monotonic()

    def are_gone(self) -> bool:
        """True if there was none for a long time."""
        now = time.monotonic()
        if now - self._looked >= LOOK_FOR_WORKERS:
            self._looked = now
            try:
                found = bool(self._client.nthreads(callback_timeout=_PATIENCE))
            except Exception:  # noqa: BLE001 - whatever it is, tasks tell what became of the scheduler
                found = True
            if found:
                self._seen = now
        return now - self._seen >= WITHOUT_WORKERS


class _Batch:
    """Where each of some calls is at, by name."""

    def __init__(self, calls: Mapping[str, tuple[Any, ...]]) -> None:
        self.pending: dict[Any, str] = {}
        """By future."""
        self.results: dict[str, Any] = {}
        self.put_off: deque[str] = deque()
        """What runs alone when nothing else is pending."""
        self.given_up: list[str] = []
        self._deaths = dict.fromkeys(calls, 0)

    def may_go_on_beside_others(self, name: str) -> bool:
        """Count that its workers died; False if it is put off or given up."""
        self._deaths[name] += 1
        if self._deaths[name] == MOST_SUBMISSIONS:
            self.given_up.append(name)
        elif self._deaths[name] >= _TOGETHER:
            self.put_off.append(name)
        else:
            return True
        return False
