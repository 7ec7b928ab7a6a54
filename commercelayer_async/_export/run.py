"""`export`: scan the records page by page, and write each page to the file."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .. import presets
from .._hooks import call_hook
from .._http.user_agent import default_user_agent
from .._markers import public
from .._text import printable
from ..errors import CommerceLayerError
from ..jsonapi import Resource
from .manifest import Exported, ExportProgress
from .plan import Plan, path_of, plan_of
from .records import records_of
from .target import Target

if TYPE_CHECKING:
    from .. import Page, Session
    from ..jsonapi._compound import Compound

T = TypeVar("T")

_CHECKPOINT_INTERVAL: Final = 0.5
"""Seconds between two checkpoints. After a crash, what was read since the last one is read again."""


@public("commercelayer_async")
async def export(
    session: "Session",
    cls_or_type: type[Resource] | str,
    to: str | Path,
    *,
    include: str | Iterable[str] = (),
    filter: Mapping[str, Any] | None = None,
    format: str | None = None,
    resume: bool = False,
    overwrite: bool = False,
    on_progress: Callable[[ExportProgress], None] | None = None,
) -> Exported:
    """Write every record of a type to one file, each exactly once, also while others are created and deleted.

        done = await export(session, CustomerPaymentSource, "wallets.jsonl", include=["customer"], resume=True)

    The file appears under its name when it is complete, with a manifest beside it. Its owner alone can read it: it
    holds what the API sent, payment tokens included. A run that ends early, for whatever reason, leaves `FILE.part` and
    `FILE.part.json`, from which the next run can resume. Records are read as `session.scan` reads them, with the
    options of `presets.WORKER`: behind interactive calls.

    Args:
        session: The session that reads.
        cls_or_type: A resource class, which gives the columns of tables; or a JSON:API type.
        to: The file to write. Its folder must exist.
        include: Relationships to include, such as `["customer"]`.
        filter: As for `session.scan`.
        format: `"jsonl"`, `"csv"` or `"parquet"`; by default what the file's name ends in, else JSON lines.
        resume: Resume an interrupted export. If there is none, begin; if it is finished, return it as it is.
        overwrite: Replace a file that exists, and drop an interrupted export that is not resumed.
        on_progress: Called after each page. An exception that it raises is logged and suppressed.

    Raises:
        ConfigurationError: an argument is wrong, or an extra is missing; nothing was sent.
        ExportExists, ExportLocked, ExportMismatch: the files that exist do not allow it; nothing was sent or changed.
        DiskFull: there is no room for more; what was written is kept.
        ExportError: the file cannot be written for another reason.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`; what was written is kept.
            The error's attribute `kept` is the number of records that are kept, where there are any.
    """
    context = session._context  # noqa: SLF001 - no public name tells the API's URL  # pyright: ignore[reportPrivateUsage]
    plan = plan_of(
        cls_or_type,
        path_of(to),
        include=include,
        filter=filter,
        format=format,
        origin=context.origin,
        registry=context.registry,
        service=context.service,
    )
    pages = _PageWriter(session, plan, filter, on_progress)
    target = Target(plan.path, plan.writer, plan.description, client=default_user_agent(None))
    try:
        done = await _in_thread(partial(target.open, resume=resume, overwrite=overwrite))
        if done is not None:
            return done
        if target.state.whole is None:
            await pages.write_to(target)
        return await _in_thread(target.finish, target.stop.set)
    except BaseException as error:
        await _in_thread(target.abort)
        kept = target.saved_records
        if isinstance(error, CommerceLayerError) and kept:
            vars(error)["kept"] = kept
            error.add_note(f"{kept} records are kept in {printable(target.part.name)}; resume the export to go on")
        raise
    finally:
        target.close()


class _PageWriter:
    """Reads the pages of an export, writes them to the target, and reports the progress."""

    def __init__(
        self,
        session: "Session",
        plan: Plan,
        filter: Mapping[str, Any] | None,
        on_progress: Callable[[ExportProgress], None] | None,
    ) -> None:
        self._plan = plan
        self._on_progress = on_progress
        service = session._context.service  # noqa: SLF001 - what it knows of it  # pyright: ignore[reportPrivateUsage]
        self._count_member = service.paging.count_member
        worker = session.with_options(**presets.WORKER)
        # At run time `scan` takes the name of a type too; only its signature does not say so.
        self._scan = partial(
            worker.scan, cast("type[Resource]", plan.scanned), filter=filter, include=plan.include, page_size=25
        )
        self._scan()  # raises for what cannot be scanned, before any file is made

    async def write_to(self, target: Target) -> None:
        """Write all records after the target's cursor."""
        scan = self._scan(after=target.state.cursor)
        # In the past, so that the first page gets a checkpoint at once.
        saved_at = time.monotonic() - _CHECKPOINT_INTERVAL
        async with aclosing(scan.pages()) as pages:
            async for page in pages:
                if not page.items:
                    break
                before = target.state.records
                await _in_thread(partial(self._write, target, page))
                if time.monotonic() - saved_at >= _CHECKPOINT_INTERVAL:
                    await _in_thread(target.save)
                    saved_at = time.monotonic()
                self._report(target, page, before)

    def _write(self, target: Target, page: "Page[Resource]") -> None:
        # The bytes of the whole page, which every resource of it refers to. Nothing public gives them without loss:
        # `resource.raw` is decoded, and writing it again changes the spelling of numbers.
        document = cast("Compound", getattr(page.items[0], "_document"))  # noqa: B009 - private to the type checkers
        records = records_of(document.body, compound=bool(self._plan.include))
        target.append(self._plan.writer.lines(records), cursor=page.cursor, records=len(page.items))

    def _report(self, target: Target, page: "Page[Resource]", before: int) -> None:
        # The count of a page is that of all records after the last cursor, so of what was left before this page.
        left = page.meta.get(self._count_member)
        total = before + left if isinstance(left, int) and left >= len(page.items) else None
        progress = ExportProgress(target.state.records, total, target.state.offset, target.resumed)
        call_hook(self._on_progress, progress, what="a progress callback")


async def _in_thread(work: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
    """Run `work` in a thread and give its result. If cancelled, call `stop` and still wait until the thread is done.

    A thread cannot be cancelled, and the target must not be closed while a thread writes to it.
    """
    task = asyncio.ensure_future(asyncio.to_thread(work))
    try:
        return await asyncio.shield(task)
    except asyncio.CancelledError:
        if stop is not None:
            stop()
        while not task.done():
            try:
                await asyncio.wait([task])
            except asyncio.CancelledError:
                continue
        if not task.cancelled():
            task.exception()  # marks it as seen; the cancellation is what the caller gets
        raise
