"""The target: the files of one export.

    FILE.part            the data so far, mode 0600, locked while a process writes it
    FILE.part.json       the checkpoint: how many bytes of the part count
    FILE.part.parquet    a Parquet file while it is made from the part, which holds its rows
    FILE                 the complete data
    FILE.manifest.json   what they are

Everything here blocks, and is called in a thread. The order in which things reach the disk is what makes an export
resumable:

    1. data, then the checkpoint that counts them
    2. all data, then a checkpoint that says so, then the file's name
    3. the manifest
    4. the checkpoint is removed, then the part

A crash may come between any two steps. The next run learns from the checkpoint which steps were done.
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

from .._text import printable
from ..errors import ExportError, ExportExists, ExportLocked, ExportMismatch
from . import checkpoint as checkpoints
from . import parquet
from .checkpoint import Checkpoint, FinishedFile
from .formats import Rows, Writer
from .manifest import Exported
from .storage import (
    Hash,
    create,
    exists_error,
    file_type,
    hash_rest,
    is_same_file,
    lock,
    os_errors_as,
    publish,
    read_small,
    reopen,
    replace_file,
    sha256_of,
    sync_folder,
    write_all,
)

_LOCK_TRIES: Final = 5
"""How many times the part may vanish between being found and being opened."""


class Target:
    """The files of one export: `open`, then `append` and `save` for each page, then `finish` or `abort`."""

    def __init__(self, path: Path, writer: Writer, description: Mapping[str, Any], *, client: str) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self.checkpoint_path = path.with_name(f"{path.name}.part.json")
        self.manifest_path = path.with_name(f"{path.name}.manifest.json")
        self.parquet_path = path.with_name(f"{path.name}.part.parquet")
        self.state = Checkpoint(description=description, started_at=_now())
        """What was written; the checkpoint on disk is this one or an earlier one."""
        self.resumed = 0
        """Records that were there when it was opened."""
        self.stop = Event()
        """Set by another thread to end `finish` early."""
        self._description = description
        self._writer = writer
        self._client = client
        self._overwrite = False
        self._descriptor: int | None = None
        self._hash: Hash = sha256()
        self._saved = self.state
        """The checkpoint on disk."""

    # Opening

    def open(self, *, resume: bool, overwrite: bool) -> Exported | None:
        """Lock the part and prepare it to continue from `state`; or give the export that an earlier run has finished.

        Raises:
            ExportExists: there is a file, or an interrupted export, that was not to be overwritten.
            ExportLocked: another process is exporting to the same file.
            ExportMismatch: what is there cannot be resumed.
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
                if not lock(descriptor):
                    os.close(descriptor)
                    break
                if is_same_file(descriptor, self.part):
                    self._descriptor = descriptor
                    return created
                # The process that held the lock finished meanwhile, and removed the part.
                os.close(descriptor)
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
        self.checkpoint_path.unlink(missing_ok=True)
        if os.fstat(self._fd).st_nlink > 1:
            # A crash came after the part got the file's name: emptying it would empty the finished file.
            self._replace_part()
        self._cut_to(0)
        self._save_checkpoint()
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
            self._require_free()
            found = attrs.evolve(found, whole=None)
            self._hash = self._hash_part(found)
            self._cut_to(found.offset)
        # If the file is published, only the manifest and the removal of the part are left: not counted as a resumption.
        self.state = attrs.evolve(found, resumptions=found.resumptions + (not published))
        self._saved = found
        self.resumed = found.records
        if not published and not found.offset:
            self.append(self._writer.header, cursor=None, records=0)

    def _read_checkpoint(self, text: bytes) -> Checkpoint:
        found = checkpoints.read(text)
        if found is None:
            raise self._mismatch(f"{printable(str(self.checkpoint_path))} is damaged, or of another version")
        if found.description != self._description:
            differing = sorted(
                name
                for name in {*found.description, *self._description}
                if found.description.get(name) != self._description.get(name)
            )
            raise self._mismatch(f"the interrupted export was another one: it differs in {', '.join(differing)}")
        return found

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
        found = None if text is None else Exported.read(text, str(self.path), self._description)
        return found if found is not None and sha256_of(self.path) == found.sha256 else None

    def _require_file_or_nothing(self, path: Path) -> None:
        found = file_type(path)
        if found not in (None, "a file"):
            raise ExportError(f"cannot export to {printable(str(path))}: it is {found}; name a file", path=str(path))

    def _require_free(self) -> None:
        for path in () if self._overwrite else (self.path, self.manifest_path):
            if file_type(path) is not None:
                raise exists_error(path)

    def _mismatch(self, what: str) -> ExportMismatch:
        return ExportMismatch(f"{what}; overwrite it, which begins anew, or name another file", path=str(self.path))

    # Writing

    def append(self, data: bytes, *, cursor: str | None, records: int) -> None:
        """Write the lines of `records` records, the last of which is at `cursor`.

        Raises:
            DiskFull: there is no room; none of these records count.
        """
        with os_errors_as("cannot write to", self.part):
            try:
                write_all(self._fd, data)
            except BaseException:
                with suppress(OSError):
                    self._cut_to(self.state.offset)
                raise
        self._hash.update(data)
        self.state = attrs.evolve(
            self.state,
            cursor=cursor,
            records=self.state.records + records,
            offset=self.state.offset + len(data),
            sha256=self._hash.hexdigest(),
        )

    def save(self) -> None:
        """Sync all data to disk, then save a checkpoint that counts them.

        Raises:
            DiskFull: there is no room; the checkpoint before stays.
        """
        if self.state is not self._saved:
            with os_errors_as("cannot write to", self.part):
                os.fsync(self._fd)
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
            DiskFull: there is no room for a Parquet file beside its rows, or for the manifest.
        """
        if self.state.whole is None:
            self.save()
            self._publish(self._complete_file())
        whole = self.state.whole
        if whole is None:  # pragma: no cover - _publish has set it, or raised
            raise AssertionError
        done = Exported(
            path=str(self.path),
            records=self.state.records,
            size=whole.size,
            sha256=whole.sha256,
            description=self._description,
            started_at=self.state.started_at,
            finished_at=whole.finished_at,
            resumptions=self.state.resumptions,
            client=self._client,
        )
        with os_errors_as("cannot write", self.manifest_path):
            replace_file(self.manifest_path, done.text())
        with os_errors_as("cannot remove", self.part):
            self._remove_part()
        return done

    def _complete_file(self) -> Path:
        """The file to publish: the part, or the Parquet file that is made from it."""
        if not isinstance(self._writer, Rows):
            return self.part
        with os_errors_as("cannot write", self.parquet_path):
            self.parquet_path.unlink(missing_ok=True)
            try:
                self._convert_rows(self._writer)
            except BaseException:
                self.parquet_path.unlink(missing_ok=True)
                raise
        return self.parquet_path

    def _convert_rows(self, writer: Rows) -> None:
        with os.fdopen(os.dup(self._fd), "rb") as rows, os.fdopen(create(self.parquet_path), "w+b") as file:
            rows.seek(0)
            parquet.convert(rows, cast("BinaryIO", file), writer.columns, proceed=self._may_proceed)
            file.flush()
            os.fsync(file.fileno())
        if self.stop.is_set():
            raise InterruptedError

    def _may_proceed(self) -> bool:
        return not self.stop.is_set()

    def _publish(self, source: Path) -> None:
        with os_errors_as("cannot read", source):
            found = sha256_of(source) or ""
            whole = FinishedFile(size=source.stat().st_size, sha256=found, finished_at=_now())
        # Saved before the file gets its name: so the next run knows that file for its own, should this one end here.
        self.state = attrs.evolve(self.state, whole=whole)
        self._save_checkpoint()
        with os_errors_as("cannot write", self.path):
            publish(source, self.path, overwrite=self._overwrite)

    def _remove_part(self) -> None:
        # The part last, as it carries the lock.
        self.parquet_path.unlink(missing_ok=True)
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
        """Records that the checkpoint on disk counts, after which a later run continues."""
        return self._saved.records

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


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
