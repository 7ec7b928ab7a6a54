"""`export`: scan the records page by page, and write each page to the file."""

import asyncio
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar

from .._access import BulkAccess
from .._hooks import call_hook
from .._http.user_agent import default_user_agent
from .._markers import public
from .._plain import plain
from .._text import printable
from ..errors import CommerceLayerError
from ..jsonapi import Resource
from .formats import file_type_of
from .manifest import Exported, ExportProgress
from .pages import PageReader
from .plan import path_of, plan_of
from .target import Target

if TYPE_CHECKING:
    from .. import Page, Session

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

    The file appears under its name when it is complete, with a manifest beside it, `_FILE.manifest.json`. Its owner
    alone can read it: it holds what the API sent, payment tokens included. A run that ends early, for whatever reason,
    leaves `.FILE.part` and `.FILE.part.json`, from which the next run can resume. Records are read as `session.scan`
    reads them, so of a service that declares how a list is walked exactly, with the options of `presets.WORKER`: behind
    interactive calls. They are written as received, also where they do not fit their class. All are read for one
    principal: a token of another mode, organization, application, owner or scope is not sent.

    Args:
        session: The session that reads.
        cls_or_type: A resource class, which gives the columns of tables; or a JSON:API type.
        to: The file to write. Its folder must exist. A relative path is made absolute at once.
        include: Relationships to include, such as `["customer"]`.
        filter: As for `session.scan`.
        format: `"jsonl"`, `"csv"` or `"parquet"`; by default what the file's name ends in, JSON lines if that has no
            ending. With `.gz` behind, it is compressed by gzip.
        resume: Resume an interrupted export. If there is none, begin; if it is finished, return it as it is.
        overwrite: Replace a file that exists, and drop an interrupted export that is not resumed.
        on_progress: Called after each page. An exception that it raises is logged and suppressed.

    Raises:
        ConfigurationError: an argument is wrong, or an extra is missing; nothing was sent.
        ExportExists, ExportLocked, ExportMismatch: the files that exist do not allow it; nothing was changed, and
            nothing read but a token.
        ExportMismatch: also if the token or the records are of another world than before, or if something else changed
            what was written.
        DiskFull: there is no room for more; what was written is kept.
        ExportError: the file cannot be written for another reason.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`; what was written is kept.
            The error's attribute `kept` is the number of records that are kept, where there are any.
    """
    to = plain(to)
    path = path_of(to)
    access = BulkAccess(session)
    plan = plan_of(
        cls_or_type,
        include=include,
        filter=filter,
        chosen=file_type_of(format, path),
        origin=access.origin,
        registry=access.registry,
        service=access.service,
    )
    reader = PageReader(access, plan, filter, path=str(path))
    target = Target(
        path,
        plan.writer,
        plan.description,
        client=default_user_agent(None),
        shown=str(to),
        encoding=plan.encoding,
    )
    try:
        # Before a token is asked for, and again by `open`.
        await in_thread(partial(target.require_possible, resume=resume, overwrite=overwrite))
        target.describe(plan.read_for(await reader.identify()).description)
        done = await in_thread(partial(target.open, resume=resume, overwrite=overwrite))
        if done is not None:
            return done
        if target.state.whole is None:
            await _write_pages(reader, target, on_progress)
        return await in_thread(target.finish, target.stop.set)
    except BaseException as error:
        await in_thread(target.abort)
        _note_kept(error, target)
        raise
    finally:
        target.close()


def _note_kept(error: BaseException, target: Target) -> None:
    kept = target.saved_records
    if kept:
        vars(error)["kept"] = kept
        if isinstance(error, CommerceLayerError):
            error.add_note(f"{kept} records are kept in {printable(target.part.path.name)}; resume the export to go on")


async def _write_pages(
    reader: PageReader, target: Target, on_progress: Callable[[ExportProgress], None] | None
) -> None:
    """Write all records after the target's cursor."""
    # In the past, so that the first page gets a checkpoint at once.
    saved_at = time.monotonic() - _CHECKPOINT_INTERVAL
    async with aclosing(reader.pages(target.state.cursor)) as pages:
        async for page in pages:
            before = target.state.records
            await in_thread(partial(_write, reader, target, page))
            if time.monotonic() - saved_at >= _CHECKPOINT_INTERVAL:
                await in_thread(target.save)
                saved_at = time.monotonic()
            total = reader.total(page, before)
            progress = ExportProgress(target.state.records, total, target.state.offset, target.resumed)
            call_hook(on_progress, progress, what="a progress callback")


def _write(reader: PageReader, target: Target, page: "Page[Any]") -> None:
    lines = reader.lines(page, target.state.provenance)
    target.append(
        lines.data,
        cursor=page.cursor,
        records=len(page.items),
        invalid_records=lines.invalid_records,
        provenance=lines.provenance,
    )


async def in_thread(work: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
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
