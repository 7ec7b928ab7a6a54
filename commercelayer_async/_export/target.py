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
from hashlib import sha256
from pathlib import Path
from threading import Event
from typing import Any, BinaryIO, Final, cast

import attrs

from .._auth.principal import Principal
from .._text import printable
from ..errors import ExportError, ExportExists, ExportLocked, ExportMismatch
from . import checkpoint as checkpoints
from . import parquet
from .checkpoint import Checkpoint, FinishedFile
from .encoding import Encoding, Identity
from .formats import Rows, Writer
from .manifest import Exported, manifest_path_of
from .storage import (
    Hash,
    HashingFile,
    closing_on_error,
    create,
    exists_error,
    file_type,
    hash_rest,
    is_empty_file,
    is_same_file,
    lock,
    measure,
    os_errors_as,
    publish,
    read_small,
    release_claim,
    reopen,
    replace_file,
    sha256_of,
    sync_folder,
    write_all,
)

_LOCK_TRIES: Final = 5
"""How many times the part may vanish between being found and being opened."""
_PRINCIPAL: Final = tuple(field.name for field in attrs.fields(Principal))
"""What a description says of whom the token speaks for."""


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
        self.part = path.with_name(f".{path.name}.part")
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
        self._descriptor: int | None = None
        self._hash: Hash = sha256()
        self._saved = self.state
        """The checkpoint on disk."""
        self._damaged = False
        """True once a file was found to be another than was written."""
        self._unsynced = False
        """True once a sync has failed: nobody knows then which bytes are on disk, and a second sync does not tell."""

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
        created = self._lock_part()
        try:
            with os_errors_as("cannot open", self.part):
                return self._resume_or_begin(resume=resume)
        except BaseException:
            if created:
                with suppress(OSError):
                    self.part.unlink()
            self.close()
            raise

    def _use_earlier_names(self) -> None:
        """Go on with the files of an export that was begun when they had names without a dot."""
        part = self.path.with_name(f"{self.path.name}.part")
        checkpoint = self.path.with_name(f"{self.path.name}.part.json")
        with os_errors_as("cannot export to", self.path):
            if file_type(self.checkpoint_path) is None and file_type(self.part) is None and file_type(checkpoint):
                self.part, self.checkpoint_path = part, checkpoint

    def _lock_part(self) -> bool:
        """Open and lock the part; True if it had to be created."""
        with os_errors_as("cannot open", self.part):
            for _ in range(_LOCK_TRIES):
                descriptor = reopen(self.part)
                created = descriptor is None
                if descriptor is None:
                    try:
                        descriptor = create(self.part)
                    except FileExistsError:
                        continue
                # Whatever fails from here on, the lock must not stay behind in this process.
                with closing_on_error(descriptor):
                    locked = lock(descriptor)
                    current = locked and is_same_file(descriptor, self.part)
                if current:
                    self._descriptor = descriptor
                    return created
                os.close(descriptor)
                if not locked:
                    break
                # The process that held the lock finished meanwhile, and removed the part.
        raise ExportLocked(
            f"another process is exporting to {printable(str(self.path))}; wait for it, or name another file",
            path=str(self.path),
        )

    def _resume_or_begin(self, *, resume: bool) -> Exported | None:
        """Decide by the checkpoint: resume, begin anew, or give what an earlier run has finished."""
        text = read_small(self.checkpoint_path)
        if text is None:
            done = self._read_finished() if resume and not self._overwrite else None
            if done is not None:
                self._remove_part()
                return done
            if os.fstat(self._fd).st_size and not self._overwrite:
                raise self._mismatch(f"{printable(str(self.part))} has no checkpoint beside it")
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
        if os.fstat(self._fd).st_nlink > 1:
            # A crash came after the part got the file's name: emptying it would empty the finished file.
            self._replace_part()
        self._cut_to(0)
        self._save_checkpoint()
        self._append_header()

    def _append_header(self) -> None:
        self.append(self._writer.header, cursor=None, records=0)

    def _replace_part(self) -> None:
        self.part.unlink()
        self.close()
        self._lock_part()

    def _restore(self, text: bytes) -> None:
        """Continue from a checkpoint. Nothing is changed before all of it is found to be right."""
        found = self._read_checkpoint(text)
        published = found.whole is not None and sha256_of(self.path) == found.whole.sha256
        if not published:
            # Without hard links, a run that was about to publish may have left an empty file: its claim to the name.
            claimed = found.whole is not None and is_empty_file(self.path)
            self._require_free(claimed=claimed)
            found = attrs.evolve(found, whole=None)
            self._hash = self._hash_part(found)
            if claimed:
                release_claim(self.path)
            self._cut_to(found.offset)
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
        was = found.description
        if "column_types" not in was:
            # Begun by an earlier version, which recorded neither that nor whom the token spoke for.
            principal = {name: self._description.get(name) for name in _PRINCIPAL}
            was = {**principal, "compression": None, "column_types": None, **was}
        if was != self._description:
            raise self._mismatch(f"the interrupted export was another one: {_difference(was, self._description)}")
        return attrs.evolve(found, description=self._description)

    def _hash_part(self, found: Checkpoint) -> Hash:
        """The hash of the bytes that count, which must be those of the checkpoint."""
        with os.fdopen(os.dup(self._fd), "rb") as file:
            file.seek(0)
            hashed, length = hash_rest(file, found.offset)
        if length < found.offset or hashed.hexdigest() != found.sha256:
            raise self._mismatch(f"{printable(str(self.part))} is not what its checkpoint says")
        return hashed

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
        with os_errors_as("cannot write to", self.part):
            try:
                write_all(self._fd, data)
            except BaseException:
                with suppress(OSError):
                    self._cut_to(self.state.offset)
                raise
        self._encoding.commit()
        self._hash.update(data)
        self.state = attrs.evolve(self.state, offset=self.state.offset + len(data), sha256=self._hash.hexdigest())

    def save(self) -> None:
        """Sync all data to disk, then save a checkpoint that counts them.

        Raises:
            DiskFull: there is no room; the checkpoint before stays.
        """
        if self.state is not self._saved and not self._unsynced:
            self._write(self._encoding.end())
            with os_errors_as("cannot write to", self.part):
                try:
                    os.fsync(self._fd)
                except BaseException:
                    self._unsynced = True
                    raise
            self._save_checkpoint()

    def _save_checkpoint(self) -> None:
        state = self.state
        with os_errors_as("cannot write", self.checkpoint_path):
            replace_file(self.checkpoint_path, state.text())
        self._saved = state

    def _cut_to(self, offset: int) -> None:
        os.ftruncate(self._fd, offset)
        os.lseek(self._fd, offset, os.SEEK_SET)

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
        with os_errors_as("cannot remove", self.part):
            self._remove_part()
        return done

    def _complete_file(self) -> tuple[Path, FinishedFile]:
        """The file to publish, and what was written to it: the part, or the Parquet file that is made from it."""
        with os_errors_as("cannot read", self.part):
            written = FinishedFile(self.state.offset, self.state.sha256, _now())
            self._require_written(self.part, written)
        if not isinstance(self._writer, Rows):
            return self.part, written
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
        replaced = path == self.part and not is_same_file(self._fd, path)
        if replaced or measure(path) != (written.size, written.sha256):
            self._damaged = True
            raise self._mismatch(f"{printable(str(path))} is not what was written to it: something else changed it")

    def _convert_rows(self, writer: Rows, rows: FinishedFile) -> FinishedFile:
        with os.fdopen(os.dup(self._fd), "rb") as part, os.fdopen(create(self.whole_path), "w+b") as file:
            part.seek(0)
            read, written = HashingFile(cast("BinaryIO", part)), HashingFile(cast("BinaryIO", file))
            parquet.convert(read, cast("BinaryIO", written), writer.columns, proceed=self._may_proceed)
            file.flush()
            os.fsync(file.fileno())
        if self.stop.is_set():
            raise InterruptedError
        if (read.size, read.sha256) != (rows.size, rows.sha256):
            self._require_written(self.part, rows)
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
        if is_same_file(self._fd, self.part):
            self.part.unlink()
        self.close()
        sync_folder(self.path.parent)

    # Ending early

    def abort(self) -> None:
        """Keep what was written for a later run, as far as the disk allows. Remove the part if it has no record."""
        if self._descriptor is None:
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
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def _fd(self) -> int:
        """The descriptor of the open part."""
        if self._descriptor is None:
            raise ExportError("the export has ended", path=str(self.path))
        return self._descriptor


def _difference(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """In what two descriptions differ."""
    names = {name for name in {*was, *now} if was.get(name) != now.get(name)}
    if "organization" in names:
        names.difference_update(_PRINCIPAL)
    if "columns" in names:
        names.discard("column_types")
    text = f"it differs in {', '.join(sorted(names))}"
    if "column_types" in names and was["column_types"] and now["column_types"]:
        columns = zip(now["columns"], was["column_types"], now["column_types"], strict=True)
        name, before, after = next(column for column in columns if column[1] != column[2])
        text += f" (column {printable(name, 60)!r} was of type {before}, and is of type {after} now)"
    return text


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
