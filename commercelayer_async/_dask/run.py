"""`export`: the steps of an export over the workers of a cluster, from the caller's side, which sends nothing itself.

    1. what stands in the folder is looked at: is there a plan, is it finished
    2. a worker makes the plan, and it is written; or a worker checks that the plan that stands is for these arguments
    3. a task for each partition
    4. a look at each file: where it is not what its manifest says, step 3 again
    5. a worker counts again, and the manifest of the whole is written

What fails between two steps leaves a folder from which the next run goes on.
"""

import time
from collections.abc import Callable, Iterable, Mapping
from typing import Any, Final

from distributed import Client

from .._checks import require_whole_number
from .._hooks import call_hook
from .._http.user_agent import default_user_agent
from .._plain import plain_text
from .._text import printable
from ..errors import ConfigurationError, ExportExists, ExportMismatch
from ..jsonapi import Resource
from ..jsonapi.query import names_in
from .folder import DATA, MANIFEST, PARTS, PLAN, Folder, url_of
from .job import Job
from .partition import Done, Task, partition_is_whole, require_plan, write_partition
from .plan import DatasetPlan, is_damaged
from .planning import check_plan, count, count_around, make_plan, now
from .report import Progress, Report, WrittenPartition, bound_by, created_later, differences_of
from .submission import RESUME, Submission
from .worker import SessionPlugin, factory_name

_MOST_ROWS: Final = 1_000_000
_MOST_ROUNDS: Final = 3
"""How many times files are looked at, and read or written again where they are not what was written."""


def export(
    client: Any,
    cls_or_type: type[Resource] | str,
    to: object,
    *,
    include: str | Iterable[str],
    filter: Mapping[str, Any] | None,
    ids: Iterable[str] | None,
    resume: bool,
    rows_per_partition: int,
    session: str | None,
    format: str,
    on_progress: Callable[[Progress], None] | None,
) -> Report:
    """See `commercelayer_async.dask.export`."""
    began = time.monotonic()
    rows = require_whole_number("rows_per_partition", rows_per_partition, 1, _MOST_ROWS)
    wanted = None if ids is None else _ids_of(ids)
    job = Job(
        cls_or_type=cls_or_type,
        include=tuple(names_in(include, "include")),
        filter=filter,
        format=str(plain_text(format)),
        session=factory_name(session),
        folder=url_of(to),
    )
    run = Run(require_client(client, job.session), job, str(to), on_progress)
    try:
        plan, report = run.plan(rows, wanted, resume=resume)
        return report if report is not None else run.write(plan, began)
    except KeyboardInterrupt as interrupted:
        interrupted.add_note(f"the workers stop; what is written to {printable(str(to))} is kept: {RESUME}")
        raise


def require_client(client: Any, session: str | None) -> Any:
    """Return a client whose workers have the plugin that makes sessions.

    Raises:
        ConfigurationError: it is not a client that blocks.
    """
    if not isinstance(client, Client) or client.asynchronous:
        raise ConfigurationError("client must be a distributed.Client(…) without asynchronous=True")
    client.register_plugin(SessionPlugin(session))
    return client


def _ids_of(ids: Iterable[str]) -> tuple[str, ...]:
    given: Iterable[str] = () if isinstance(ids, str) else ids
    found = tuple(plain_text(one) or "" for one in given)
    if not found or "" in found:
        raise ConfigurationError("ids must be the ids of records, one at least")
    return tuple(dict.fromkeys(found))


class Run:
    """One run of an export."""

    def __init__(self, client: Any, job: Job, shown: str, on_progress: Callable[[Progress], None] | None) -> None:
        self._job = job
        self._folder = Folder(job.folder)
        self._shown = shown
        self._data = f"{shown.rstrip('/')}/{DATA}"
        self._on_progress = on_progress
        self._submission = Submission(client, job.folder)

    def plan(self, rows: int, ids: tuple[str, ...] | None, *, resume: bool) -> tuple[DatasetPlan, Report | None]:
        """The plan that stands, or a new one; and the report if all of it is written.

        Raises:
            ExportExists: there is something, and it is not to be resumed.
            ExportMismatch: what is there is another data set, or not one.
        """
        text = self._text_of_plan()
        if text is None:
            if self._folder.names(DATA):
                raise ExportExists(
                    f"{printable(self._data)} is not empty, and no plan says what of; name another folder",
                    path=self._data,
                )
            plan: DatasetPlan = self._submission.one(make_plan, self._job, rows, ids)
            if self._folder.create(PLAN, plan.text().encode()):
                return plan, None
            # Another export into this folder was faster; its plan stands.
            text = self._folder.get(PLAN) or b""
        if not resume:
            raise ExportExists(
                f"{printable(self._shown)} has a data set already; name another folder, or resume it", path=self._shown
            )
        known = self._plan_that_stands(text, ids)
        self._submission.one(check_plan, self._job, known)
        report = Report.read(self._folder.get(MANIFEST), self._shown, self._data, known.description)
        if report is not None and any(one.plan != known.id for one in report.partitions):
            # It was left there when the rest of another data set was removed.
            return known, None
        return known, report

    def _text_of_plan(self) -> bytes | None:
        """The plan in the folder; None if there is none, or but a part of one for which nothing was written."""
        text = self._folder.get(PLAN)
        for _ in range(_MOST_ROUNDS):
            if text is None or DatasetPlan.read(text) is not None:
                return text
            # A store may have given a part of it.
            text = self._folder.get(PLAN)
        if text is None or not is_damaged(text) or self._folder.names(DATA) or self._folder.names(PARTS):
            return text
        self._folder.remove(PLAN)
        return None

    def _plan_that_stands(self, text: bytes, ids: tuple[str, ...] | None) -> DatasetPlan:
        known = DatasetPlan.read(text)
        if known is not None and known.ids == ids:
            return known
        if known is not None:
            reason = "is for other ids; name another folder"
        elif is_damaged(text):
            reason = "is damaged; name another folder"
        else:
            reason = "was made by another version of this package; go on with that one, or name another folder"
        raise ExportMismatch(f"the plan in {printable(self._shown)} {reason}", path=self._shown)

    def write(self, plan: DatasetPlan, began: float) -> Report:
        """Write what the plan lacks, and the manifest of the whole.

        Raises:
            ExportMismatch: the files are not what was written, or records of two worlds came.
        """
        tasks = [Task(self._job, plan.id, plan.description, partition) for partition in plan.partitions]
        progress = _Progress(plan, self._on_progress)
        done = self._written(tasks, progress.add)
        wrong = tasks
        for _ in range(_MOST_ROUNDS):
            # All of them each time: a run that was taken for dead may have gone on.
            wrong = self._not_whole(tasks)
            if not wrong:
                break
            done.update(self._written(wrong))
        self._require_whole(tasks, wrong)
        written = tuple(done[task.data].written for task in tasks)
        self._require_one_world(written)
        report = self._report(plan, written, began, resumed=sum(one.resumed for one in done.values()))
        require_plan(self._folder, plan.id)
        self._folder.put(MANIFEST, report.text().encode())
        return report

    def _written(self, tasks: list[Task], on_result: Callable[[Done], None] = lambda _: None) -> dict[str, Done]:
        """Write some partitions; by their files."""
        calls = _by_file(tasks)
        return dict(zip(calls, self._submission.all(write_partition, calls, on_result), strict=True))

    def _not_whole(self, tasks: list[Task]) -> list[Task]:
        whole = self._submission.all(partition_is_whole, _by_file(tasks))
        return [task for task, one in zip(tasks, whole, strict=True) if not one]

    def _require_whole(self, tasks: list[Task], wrong: list[Task]) -> None:
        strangers = sorted(self._folder.names(DATA) - {task.data.rpartition("/")[2] for task in tasks})
        if wrong or strangers:
            named = wrong[0].data if wrong else f"{DATA}/{strangers[0]}"
            reason = "is not what was written to it" if wrong else "is not of this data set"
            raise ExportMismatch(
                f"{printable(f'{self._shown}/{named}')} {reason}: something else writes there; remove it, and resume",
                path=f"{self._shown}/{named}",
            )

    def _require_one_world(self, written: Iterable[WrittenPartition]) -> None:
        known: dict[str, str] = {}
        for one in written:
            for name, said in one.provenance.items():
                if known.setdefault(name, said) != said:
                    raise ExportMismatch(
                        f"records of two worlds came: {name} is {printable(said, 60)!r} in {one.file} and"
                        f" {printable(known[name], 60)!r} before it; export into another folder",
                        path=self._shown,
                    )

    def _report(
        self, plan: DatasetPlan, written: tuple[WrittenPartition, ...], began: float, *, resumed: int
    ) -> Report:
        records = sum(one.records for one in written)
        asked = None if plan.ids is None else len(plan.ids)
        counted, later = self._counted_again(plan)
        return Report(
            path=self._shown,
            data=self._data,
            records=records,
            size=sum(one.size for one in written),
            partitions=written,
            description=plan.description,
            planned_at=plan.planned_at,
            finished_at=now(),
            planning_requests=plan.requests,
            requests=sum(one.requests for one in written),
            counted_at_start=plan.counted,
            counted_at_end=counted,
            differences=(
                *differences_of(records, start=plan.counted, end=counted, asked=asked),
                *created_later(later, plan.until),
            ),
            until=plan.until,
            invalid_records=sum(one.invalid_records for one in written),
            client=default_user_agent(None),
            bound_by=bound_by(written),
            seconds=time.monotonic() - began,
            resumed_partitions=resumed,
            resubmitted=self._submission.resubmitted,
        )

    def _counted_again(self, plan: DatasetPlan) -> tuple[int | None, int | None]:
        """How many records there are now of those that the plan is for, and how many that came after it."""
        if plan.until is not None:
            before, later = self._submission.one(count_around, self._job, plan.until)
            return before, later
        return (None if plan.counted is None else self._submission.one(count, self._job)), None


def _by_file(tasks: Iterable[Task]) -> dict[str, tuple[Task]]:
    return {task.data: (task,) for task in tasks}


class _Progress:
    """Tells the caller of each partition that is written."""

    def __init__(self, plan: DatasetPlan, tell: Callable[[Progress], None] | None) -> None:
        self._tell = tell
        self._total = plan.counted if plan.ids is None else len(plan.ids)
        self._last = Progress(0, self._total, 0, 0, 0, len(plan.partitions), 0, None)

    def add(self, done: Done) -> None:
        last, written = self._last, done.written
        records = last.records + written.records
        self._last = Progress(
            records=records,
            total=None if self._total is None else max(self._total, records),
            size=last.size + written.size,
            resumed=last.resumed + (written.records if done.resumed else 0),
            partitions=last.partitions + 1,
            planned=last.planned,
            requests=last.requests + written.requests,
            rate_limits=done.rate_limits,
        )
        call_hook(self._tell, self._last, what="a progress callback")
