"""`export`: the scan, page by page, into the file."""

import asyncio
import logging
import time
from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, Final, TypeVar, cast

from .. import presets
from .._http.transport import default_user_agent
from .._text import printable
from ..errors import CommerceLayerError
from ..jsonapi import Resource
from .manifest import Exported, ExportProgress
from .plan import Plan, path_of, plan_of
from .records import records_of
from .target import Target

if TYPE_CHECKING:
    from .._lists.walks import Page
    from .._session import Session
    from ..jsonapi._compound import Compound

T = TypeVar("T")

_log: Final = logging.getLogger("commercelayer_async")

_SECONDS: Final = 0.5
"""Between two checkpoints; what came since the last one is read again after a crash."""


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
    """Every record of a type in one file, exactly once, also while others are created and deleted.

        done = await export(session, CustomerPaymentSource, "wallets.jsonl", include=["customer"], resume=True)

    The file appears under its name when it is whole, readable by its owner alone, with a manifest beside it; it holds
    what the API sent, payment tokens included. A run that ends early, however it ends, leaves `FILE.part` and
    `FILE.part.json`, with which the next one goes on. It is read as `session.scan` reads, behind interactive calls.

    Args:
        session: What it is read through.
        cls_or_type: A resource class, which gives the columns of tables; or a JSON:API type.
        to: The file to write; its folder has to be there.
        include: Relationships to bring along.
        filter: As for `session.scan`.
        format: `"jsonl"`, `"csv"` or `"parquet"`; by default what the file's name ends in, else JSON lines.
        resume: Go on with an interrupted export; where there is none, begin; where it is finished, give that.
        overwrite: Replace a file that is there, and drop an interrupted export that is not resumed.
        on_progress: Called after each page; one that raises is logged and passed over.

    Raises:
        ConfigurationError: an argument will not do, or an extra is missing; nothing was sent.
        ExportExists, ExportLocked, ExportMismatch: what is there forbids it; nothing was sent or changed.
        DiskFull: there is no room for more; what is whole is kept.
        ExportError: another trouble with the file.
        ApiError, AuthError, DecodeError, SessionError, TransportError: as for `session.scan`; what is whole is kept.
            Where records are, the error's `kept` tells how many.
    """
    core = session._context  # noqa: SLF001 - where the organization is  # pyright: ignore[reportPrivateUsage]
    plan = plan_of(
        cls_or_type,
        path_of(to),
        include=include,
        filter=filter,
        format=format,
        origin=core.origin,
        registry=core.registry,
    )
    pages = _Pages(session, plan, filter, on_progress)
    target = Target(plan.path, plan.writer, plan.description, client=default_user_agent(None))
    try:
        done = await _in_thread(partial(target.open, resume=resume, overwrite=overwrite))
        if done is not None:
            return done
        if target.state.whole is None:
            await pages.read_into(target)
        return await _in_thread(target.finish, target.stop.set)
    except BaseException as error:
        await _in_thread(target.leave)
        kept = target.kept
        if isinstance(error, CommerceLayerError) and kept:
            vars(error)["kept"] = kept
            error.add_note(f"{kept} records are kept in {printable(target.part.name)}; resume the export to go on")
        raise
    finally:
        target.close()


class _Pages:
    """The pages of an export, and telling about them."""

    def __init__(
        self,
        session: "Session",
        plan: Plan,
        filter: Mapping[str, Any] | None,
        on_progress: Callable[[ExportProgress], None] | None,
    ) -> None:
        self._plan = plan
        self._on_progress = on_progress
        worker = session.with_options(**presets.WORKER)
        # A type's name does as well as a class here; only the signature promises less.
        self._scan = partial(
            worker.scan, cast("type[Resource]", plan.what), filter=filter, include=plan.include, page_size=25
        )
        self._scan()  # refuses what cannot be scanned, before anything is written

    async def read_into(self, target: Target) -> None:
        """Read what comes after the target's cursor, to the end."""
        scan = self._scan(after=target.state.cursor)
        kept_at = time.monotonic() - _SECONDS
        async with aclosing(scan.pages()) as pages:
            async for page in pages:
                if not page.items:
                    break
                before = target.state.records
                await _in_thread(partial(self._write, target, page))
                if time.monotonic() - kept_at >= _SECONDS:
                    await _in_thread(target.keep)
                    kept_at = time.monotonic()
                self._tell(target, page, before)

    def _write(self, target: Target, page: "Page[Resource]") -> None:
        document = cast("Compound", getattr(page.items[0], "_document"))  # noqa: B009 - the bytes that it came in
        records = records_of(document.body, compound=bool(self._plan.include))
        target.append(self._plan.writer.lines(records), cursor=page.cursor, records=len(page.items))

    def _tell(self, target: Target, page: "Page[Resource]", before: int) -> None:
        if self._on_progress is None:
            return
        left = page.meta.get("record_count")
        total = before + left if isinstance(left, int) and left >= len(page.items) else None
        try:
            self._on_progress(ExportProgress(target.state.records, total, target.state.offset, target.resumed))
        except Exception as error:  # noqa: BLE001 - the callback is the caller's, and may raise anything
            _log.warning("a progress callback raised %s: it is passed over", type(error).__name__)


async def _in_thread(work: Callable[[], T], stop: Callable[[], None] | None = None) -> T:
    """What `work` gives, done in a thread; whoever is cancelled waits until the thread is through with it."""
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
            task.exception()
        raise
