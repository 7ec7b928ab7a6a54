"""The target: the files of one export.

    FILE                   the complete data
    _FILE.manifest.json    what they are
    .FILE.part             the data so far, mode 0600, locked while a process writes it
    .FILE.part.json        the checkpoint: how many bytes of the part count
    .FILE.part.whole       a Parquet file while it is made from the part, which holds its rows

Programs that read a folder as one table (pyarrow, Spark, …) skip names that begin with a dot or an underscore.

Everything here blocks, and is called in a thread. The order in which things reach the disk is what makes an export
resumable:

    1. data, then the checkpoint that counts them
    2. all data, then a checkpoint that says so, then the file's name
    3. the manifest
    4. the checkpoint is removed, then the part

A crash may come between any two steps. The next run learns from the checkpoint which steps were done. What a manifest
vouches for is what was written, not what is found: before the file gets its name, it is read and compared.
"""

import os
from collections.abc import Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, cast

import attrs

from .._text import printable
from ..errors import ExportError, ExportExists, ExportMismatch
from . import checkpoint as checkpoints
from . import parquet
from .checkpoint import Checkpoint, FinishedFile
from .description import completed, difference
from .encoding import Encoding, Identity
from .formats import Rows, Writer
from .hashing import HashingFile, measure, sha256_of
from .manifest import Exported, manifest_path_of
from .part import Part
from .storage import (
    create,
    exists_error,
    file_type,
    is_empty_file,
    os_errors_as,
    publish,
    read_small,
    release_claim,
    replace_file,
    sync_folder,
)


class Target:
    """The files of one export: `open`, then `append` and `save` for each page, then `finish` or `abort`."""

    def __init__(
        self,
        path: Path,
        writer: Writer,
        description: Mapping[str, Any],
        *,
        client: str,
        shown: str | None = None,
        encoding: Encoding | None = None,
    ) -> None:
        self.path = path
        self.part = Part(path.with_name(f".{path.name}.part"), path)
        self.checkpoint_path = path.with_name(f".{path.name}.part.json")
        self.manifest_path = manifest_path_of(path)
        self._earlier_manifest = path.with_name(f"{path.name}.manifest.json")
        """Where earlier versions wrote the manifest; a new one replaces it."""
        self.whole_path = path.with_name(f".{path.name}.part.whole")
        self.state = Checkpoint(description=description, started_at=_now())
        """What was written; the checkpoint on disk is this one or an earlier one."""
        self.resumed = 0
        """Records that were there when it was opened."""
        self.stop = Event()
        """Set by another thread to end `finish` early."""
        self._shown = str(path) if shown is None else shown
        self._description = description
        self._writer = writer
        self._encoding = Identity() if encoding is None else encoding
        self._client = client
        self._overwrite = False
        self._saved = self.state
        """The checkpoint on disk."""
        self._damaged = False
        """True once a file was found to be another than was written."""

    # Opening

    def describe(self, description: Mapping[str, Any]) -> None:
        """Say more of what is exported, before it is opened."""
        self._description = description
        self._saved = self.state = attrs.evolve(self.state, description=description)

    def require_possible(self, *, resume: bool, overwrite: bool) -> None:
        """Look whether the file can be written, as far as that shows before anything is opened.

        Raises:
            ExportExists: there is a file that was not to be overwritten.
            ExportError: the operating system does not allow it.
        """
        self._overwrite = overwrite
        with os_errors_as("cannot export to", self.path):
            if not self.path.parent.is_dir():
                raise ExportError(
                    f"cannot export to {printable(str(self.path))}: there is no such folder; make it first",
                    path=str(self.path),
                )
            self._require_file_or_nothing(self.path)
            self._require_file_or_nothing(self.manifest_path)
            if not resume and not overwrite:
                self._require_free()

    def open(self, *, resume: bool, overwrite: bool) -> Exported | None:
        """Lock the part and prepare it to continue from `state`; or give the export that an earlier run has finished.

        Raises:
            ExportExists: there is a file, or an interrupted export, that was not to be overwritten.
            ExportLocked: another export to the same file is under way.
            ExportMismatch: what is there cannot be resumed.
            ExportError: the operating system does not allow it.
        """
        self.require_possible(resume=resume, overwrite=overwrite)
        self._use_earlier_names()
        created = self.part.lock()
        try:
            with os_errors_as("cannot open", self.part.path):
                return self._resume_or_begin(resume=resume)
        except BaseException:
            if created:
                with suppress(OSError):
                    self.part.path.unlink()
            self.close()
            raise

    def _use_earlier_names(self) -> None:
        """Go on with the files of an export that was begun when they had names without a dot."""
        part = self.path.with_name(f"{self.path.name}.part")
        checkpoint = self.path.with_name(f"{self.path.name}.part.json")
        with os_errors_as("cannot export to", self.path):
            if file_type(self.checkpoint_path) is None and file_type(self.part.path) is None and file_type(checkpoint):
                self.part, self.checkpoint_path = Part(part, self.path), checkpoint

    def _resume_or_begin(self, *, resume: bool) -> Exported | None:
        """Decide by the checkpoint: resume, begin anew, or give what an earlier run has finished."""
        text = read_small(self.checkpoint_path)
        if text is None:
            done = self._read_finished() if resume and not self._overwrite else None
            if done is not None:
                self._remove_part()
                return done
            if self.part.size and not self._overwrite:
                raise self._mismatch(f"{printable(str(self.part.path))} has no checkpoint beside it")
            self._require_free()
            self._begin()
        elif resume:
            self._restore(text)
        elif self._overwrite:
            self._begin()
        else:
            raise ExportExists(
                f"an interrupted export to {printable(str(self.path))} is there; resume it, or overwrite it",
                path=str(self.path),
            )
        return None

    def _begin(self) -> None:
        """Begin anew. The first checkpoint is saved before the first byte, so that no part is ever without one."""
        if file_type(self.checkpoint_path) is not None:
            self.checkpoint_path.unlink()
            # On disk before the part is emptied, whose bytes it counts.
            sync_folder(self.path.parent)
        self.part.begin()
        self._save_checkpoint()
        self._append_header()

    def _append_header(self) -> None:
        self.append(self._writer.header, cursor=None, records=0)

    def _restore(self, text: bytes) -> None:
        """Continue from a checkpoint. Nothing is changed before all of it is found to be right."""
        found = self._read_checkpoint(text)
        published = found.whole is not None and sha256_of(self.path) == found.whole.sha256
        if not published:
            # Without hard links, a run that was about to publish may have left an empty file: its claim to the name.
            claimed = found.whole is not None and is_empty_file(self.path)
            self._require_free(claimed=claimed)
            found = attrs.evolve(found, whole=None)
            if not self.part.hash_as(found.offset, found.sha256):
                raise self._mismatch(f"{printable(str(self.part.path))} is not what its checkpoint says")
            if claimed:
                release_claim(self.path)
            self.part.cut_to(found.offset)
        # If the file is published, only the manifest and the removal of the part are left: not counted as a resumption.
        self.state = attrs.evolve(found, resumptions=found.resumptions + (not published))
        self._saved = found
        self.resumed = found.records
        if not published and not found.offset:
            self._append_header()

    def _read_checkpoint(self, text: bytes) -> Checkpoint:
        found = checkpoints.read(text)
        if found is None:
            raise self._mismatch(f"{printable(str(self.checkpoint_path))} is damaged, or of another version")
        was = completed(found.description, self._description)
        if was != self._description:
            raise self._mismatch(f"the interrupted export was another one: {difference(was, self._description)}")
        return attrs.evolve(found, description=self._description)

    def _read_finished(self) -> Exported | None:
        """The same export as an earlier run finished it; None if the file is not what its manifest says."""
        text = read_small(self.manifest_path)
        found = None if text is None else Exported.read(text, self._shown, self._description)
        return found if found is not None and sha256_of(self.path) == found.sha256 else None

    def _require_file_or_nothing(self, path: Path) -> None:
        found = file_type(path)
        if found not in (None, "a file"):
            raise ExportError(f"cannot export to {printable(str(path))}: it is {found}; name a file", path=str(path))

    def _require_free(self, *, claimed: bool = False) -> None:
        """Refuse names that are taken, that of the file itself only if it is not a claim of ours."""
        names = (*(() if claimed else (self.path,)), self.manifest_path, self._earlier_manifest)
        taken = next((path for path in names if not self._overwrite and file_type(path) is not None), None)
        if taken is not None:
            raise exists_error(taken)

    def _mismatch(self, what: str) -> ExportMismatch:
        return ExportMismatch(f"{what}; overwrite it, which begins anew, or name another file", path=str(self.path))

    # Writing

    def append(
        self,
        data: bytes,
        *,
        cursor: str | None,
        records: int,
        invalid_records: int = 0,
        provenance: Mapping[str, str] | None = None,
    ) -> None:
        """Write the lines of `records` records, the last of which is at `cursor`.

        Raises:
            DiskFull: there is no room; none of these records count.
        """
        self._write(self._encoding.add(data))
        self.state = attrs.evolve(
            self.state,
            cursor=cursor,
            records=self.state.records + records,
            invalid_records=self.state.invalid_records + invalid_records,
            provenance=self.state.provenance if provenance is None else provenance,
        )

    def _write(self, data: bytes) -> None:
        """Write encoded bytes; if not all of them can be written, none of them count."""
        self.part.write(data, at=self.state.offset)
        self._encoding.commit()
        self.state = attrs.evolve(self.state, offset=self.state.offset + len(data), sha256=self.part.sha256)

    def save(self) -> None:
        """Sync all data to disk, then save a checkpoint that counts them.

        Raises:
            DiskFull: there is no room; the checkpoint before stays.
        """
        if self.state is not self._saved and self.part.can_be_synced:
            self._write(self._encoding.end())
            self.part.sync()
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        state = self.state
        with os_errors_as("cannot write", self.checkpoint_path):
            replace_file(self.checkpoint_path, state.text())
        self._saved = state

    # Finishing

    def finish(self) -> Exported:
        """Publish the file and its manifest, then remove the part and the checkpoint.

        Raises:
            ExportExists: the file was made by somebody else meanwhile.
            ExportMismatch: the part is not what was written; nothing was published.
            DiskFull: there is no room for a Parquet file beside its rows, or for the manifest.
        """
        if self.state.whole is None:
            self.save()
            self._publish(*self._complete_file())
        whole = self.state.whole
        if whole is None:  # pragma: no cover - _publish has set it, or raised
            raise AssertionError
        done = Exported(
            path=self._shown,
            records=self.state.records,
            size=whole.size,
            sha256=whole.sha256,
            description=self._description,
            started_at=self.state.started_at,
            finished_at=whole.finished_at,
            resumptions=self.state.resumptions,
            client=self._client,
            invalid_records=self.state.invalid_records,
        )
        with os_errors_as("cannot write", self.manifest_path):
            replace_file(self.manifest_path, done.text())
            if self._overwrite:
                self._earlier_manifest.unlink(missing_ok=True)
        with os_errors_as("cannot remove", self.part.path):
            self._remove_part()
        return done

    def _complete_file(self) -> tuple[Path, FinishedFile]:
        """The file to publish, and what was written to it: the part, or the Parquet file that is made from it."""
        with os_errors_as("cannot read", self.part.path):
            written = FinishedFile(self.state.offset, self.state.sha256, _now())
            self._require_written(self.part.path, written)
        if not isinstance(self._writer, Rows):
            return self.part.path, written
        with os_errors_as("cannot write", self.whole_path):
            self.whole_path.unlink(missing_ok=True)
            try:
                made = self._convert_rows(self._writer, written)
                self._require_written(self.whole_path, made)
            except BaseException:
                self.whole_path.unlink(missing_ok=True)
                raise
        return self.whole_path, made

    def _require_written(self, path: Path, written: FinishedFile) -> None:
        """Refuse a file that somebody else, or the disk, has changed since it was written."""
        replaced = path == self.part.path and not self.part.is_in_place
        if replaced or measure(path) != (written.size, written.sha256):
            self._damaged = True
            raise self._mismatch(f"{printable(str(path))} is not what was written to it: something else changed it")

    def _convert_rows(self, writer: Rows, rows: FinishedFile) -> FinishedFile:
        with self.part.reader() as part, os.fdopen(create(self.whole_path), "w+b") as file:
            read, written = HashingFile(part), HashingFile(cast("BinaryIO", file))
            parquet.convert(read, cast("BinaryIO", written), writer.columns, proceed=self._may_proceed)
            file.flush()
            os.fsync(file.fileno())
        if self.stop.is_set():
            raise InterruptedError
        if (read.size, read.sha256) != (rows.size, rows.sha256):
            self._require_written(self.part.path, rows)
        return FinishedFile(written.size, written.sha256, _now())

    def _may_proceed(self) -> bool:
        return not self.stop.is_set()

    def _publish(self, source: Path, whole: FinishedFile) -> None:
        # Saved before the file gets its name: so the next run knows that file for its own, should this one end here.
        self.state = attrs.evolve(self.state, whole=whole)
        self._save_checkpoint()
        with os_errors_as("cannot write", self.path):
            try:
                publish(source, self.path, overwrite=self._overwrite)
            except ExportExists:
                # What is there is somebody else's, be it empty: the next run must not take it for a claim of ours.
                self.state = attrs.evolve(self.state, whole=None)
                self._save_checkpoint()
                raise

    def _remove_part(self) -> None:
        # The part last, as it carries the lock.
        self.whole_path.unlink(missing_ok=True)
        self.checkpoint_path.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        self.part.remove()
        sync_folder(self.path.parent)

    # Ending early

    def abort(self) -> None:
        """Keep what was written for a later run, as far as the disk allows. Remove the part if it has no record."""
        if not self.part.is_open:
            return
        with suppress(ExportError, OSError):
            if self.state.records:
                self.save()
            elif self._saved.records == 0:
                self._remove_part()
        self.close()

    @property
    def saved_records(self) -> int:
        """Records that the checkpoint on disk counts, after which a later run continues; 0 if it cannot."""
        return 0 if self._damaged else self._saved.records

    def close(self) -> None:
        """Close the part, which releases its lock. A second call does nothing."""
        self.part.close()


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
