"""An export that goes into a stream instead of a file: nothing is kept of it, and it cannot be resumed."""

from collections.abc import Callable, Iterable, Mapping
from contextlib import aclosing
from functools import partial
from typing import TYPE_CHECKING, Any

import attrs

from .._access import BulkAccess
from .._hooks import call_hook
from ..errors import ConfigurationError
from ..jsonapi import Resource
from .formats import FileType, Format
from .manifest import ExportProgress
from .pages import PageReader
from .plan import plan_of
from .provenance import Provenance
from .run import in_thread

if TYPE_CHECKING:
    from .. import Session


@attrs.frozen
class Streamed:
    """What was written to a stream."""

    records: int
    size: int
    """Bytes."""
    invalid_records: int


async def stream_export(
    session: "Session",
    cls_or_type: type[Resource] | str,
    write: Callable[[bytes], None],
    *,
    name: str,
    stop: Callable[[], None],
    include: str | Iterable[str] = (),
    filter: Mapping[str, Any] | None = None,
    format: str = Format.JSONL,
    on_progress: Callable[[ExportProgress], None] | None = None,
) -> Streamed:
    """Hand every record of a type to `write`, page by page, as `export` writes them.

    `write` is called in a thread and may block; `stop` has it end soon. `name` is what errors call the stream.

    Raises:
        ConfigurationError: an argument is wrong; nothing was sent.
        ExportMismatch, ApiError, AuthError, DecodeError, SessionError, TransportError: as for `export`.
    """
    if format == Format.PARQUET:
        raise ConfigurationError(
            f"Parquet cannot be written to {name}, as its end says where its columns are; name a file, such as"
            f" wallets.{Format.PARQUET}, or write {Format.JSONL} or {Format.CSV}"
        )
    access = BulkAccess(session)
    plan = plan_of(
        cls_or_type,
        include=include,
        filter=filter,
        chosen=FileType(Format(format)),
        origin=access.origin,
        registry=access.registry,
        service=access.service,
    )
    reader = PageReader(access, plan, filter, path=name)
    await reader.identify()
    header = plan.writer.header
    await in_thread(partial(write, header), stop)
    written, provenance = Streamed(0, len(header), 0), _NOWHERE
    async with aclosing(reader.pages(None)) as pages:
        async for page in pages:
            lines = await in_thread(partial(reader.lines, page, provenance))
            provenance = lines.provenance
            await in_thread(partial(write, lines.data), stop)
            total = reader.total(page, written.records)
            written = Streamed(
                written.records + len(page.items),
                written.size + len(lines.data),
                written.invalid_records + lines.invalid_records,
            )
            progress = ExportProgress(written.records, total, written.size, 0)
            call_hook(on_progress, progress, what="a progress callback")
    return written


_NOWHERE: Provenance = {}
