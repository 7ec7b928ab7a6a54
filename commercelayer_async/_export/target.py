"""The file of an export: its part, its checkpoint and, at last, its name.

    FILE.part            the data so far, mode 0600, locked while a process is at it
    FILE.part.json       the checkpoint: how much of the part counts
    FILE.part.parquet    a Parquet file that is being made of the part, which holds its rows
    FILE                 the data, whole
    FILE.manifest.json   what they are

Everything here blocks, and is called in a thread. The order of what reaches the disk is the whole point: data before
the checkpoint that counts it; all data, and a checkpoint that says so, before the name; the name before the manifest;
the manifest before the checkpoint goes; the checkpoint before the part goes. Each step can be the last one, and the
next run finds out by the checkpoint which it was.
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
from .checkpoint import Checkpoint, Whole
from .formats import Rows, Writer
from .manifest import Exported
from .storage import (
    Hash,
    create,
    digest,
    digest_of,
    exists,
    is_still,
    kind_of,
    lock,
    publish,
    read_small,
    reopen,
    sync_folder,
    telling,
    write_all,
    write_whole,
)

_TRIES: Final = 5
"""How many times a part may vanish between being found and being opened."""


class Target:
    """Where one export goes."""

    def __init__(self, path: Path, writer: Writer, description: Mapping[str, Any], *, client: str) -> None:
        self.path = path
        self.part = path.with_name(f"{path.name}.part")
        self.checkpoint_path = path.with_name(f"{path.name}.part.json")
        self.manifest_path = path.with_name(f"{path.name}.manifest.json")
        self._made = path.with_name(f"{path.name}.part.parquet")
        self.state = Checkpoint(description=description, started_at=_now())
        """What counts now; on disk is this or an earlier one."""
        self.resumed = 0
        """Records that were there when it was opened."""
        self.stop = Event()
        """Set to have what takes long end early."""
        self._description = description
        self._writer = writer
        self._client = client
        self._overwrite = False
        self._descriptor: int | None = None
        self._hash: Hash = sha256()
        self._kept = self.state
        """The checkpoint on disk."""

    # Beginning

    def open(self, *, resume: bool, overwrite: bool) -> Exported | None:
        """Make everything ready to go on from `state`; or give what an earlier run has finished.

        Raises:
            ExportExists: there is something that was not to be overwritten.
            ExportLocked: another process is at it.
            ExportMismatch: what is there cannot be gone on with.
            ExportError: the operating system does not let us.
        """
        self._overwrite = overwrite
        with telling(self.path, "export to"):
            if not self.path.parent.is_dir():
                raise ExportError(
                    f"cannot export to {printable(str(self.path))}: there is no such folder; make it first",
                    path=str(self.path),
                )
            self._require_file(self.path)
            self._require_file(self.manifest_path)
            if not resume and not overwrite:
                self._require_free()
        made = self._claim()
        try:
            with telling(self.part, "open"):
                return self._find_out(resume=resume)
        except BaseException:
            if made:
                with suppress(OSError):
                    self.part.unlink()
            self.close()
            raise

    def _claim(self) -> bool:
        """Open and lock the part; whether it had to be made."""
        with telling(self.part, "open"):
            for _ in range(_TRIES):
                descriptor = reopen(self.part)
                made = descriptor is None
                if descriptor is None:
                    try:
                        descriptor = create(self.part)
                    except FileExistsError:
                        continue
                if not lock(descriptor):
                    os.close(descriptor)
                    break
                if is_still(descriptor, self.part):
                    self._descriptor = descriptor
                    return made
                # Whoever had it has just finished.
                os.close(descriptor)
        raise ExportLocked(
            f"another process is exporting to {printable(str(self.path))}; wait for it, or name another file",
            path=str(self.path),
        )

    def _find_out(self, *, resume: bool) -> Exported | None:
        text = read_small(self.checkpoint_path)
        if text is None:
            done = self._finished() if resume and not self._overwrite else None
            if done is not None:
                self._remove_part()
                return done
            if os.fstat(self._open).st_size and not self._overwrite:
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
        """Begin anew. The first checkpoint comes before the first byte, so that no part is ever without one."""
        self.checkpoint_path.unlink(missing_ok=True)
        if os.fstat(self._open).st_nlink > 1:
            self._renew()
        os.ftruncate(self._open, 0)
        os.lseek(self._open, 0, os.SEEK_SET)
        self._keep()
        self.append(self._writer.header, cursor=None, records=0)

    def _renew(self) -> None:
        """Take another part: this one has the name of a finished file too, which is not to be emptied."""
        self.part.unlink()
        self.close()
        self._claim()

    def _restore(self, text: bytes) -> None:
        """Go on from a checkpoint; nothing is changed before all of it is found to be right."""
        found = checkpoints.read(text)
        if found is None:
            raise self._mismatch(f"{printable(str(self.checkpoint_path))} is damaged, or of another version")
        if found.description != self._description:
            differs = sorted(
                name
                for name in {*found.description, *self._description}
                if found.description.get(name) != self._description.get(name)
            )
            raise self._mismatch(f"the interrupted export was another one: it differs in {', '.join(differs)}")
        whole = found.whole
        ours = whole is not None and digest_of(self.path) == whole.sha256
        if not ours:
            self._require_free()
            found = attrs.evolve(found, whole=None)
            with os.fdopen(os.dup(self._open), "rb") as file:
                file.seek(0)
                hashed, length = digest(file, found.offset)
            if length < found.offset or hashed.hexdigest() != found.sha256:
                raise self._mismatch(f"{printable(str(self.part))} is not what its checkpoint says")
            self._hash = hashed
            os.ftruncate(self._open, found.offset)
            os.lseek(self._open, found.offset, os.SEEK_SET)
        self.state = attrs.evolve(found, resumptions=found.resumptions + (not ours))
        self._kept = found
        self.resumed = found.records
        if not ours and not found.offset:
            self.append(self._writer.header, cursor=None, records=0)

    def _finished(self) -> Exported | None:
        """What an earlier run of the same export has finished, if the file is still what its manifest says."""
        text = read_small(self.manifest_path)
        found = None if text is None else Exported.read(text, str(self.path), self._description)
        return found if found is not None and digest_of(self.path) == found.sha256 else None

    def _require_file(self, path: Path) -> None:
        there = kind_of(path)
        if there not in (None, "a file"):
            raise ExportError(f"cannot export to {printable(str(path))}: it is {there}; name a file", path=str(path))

    def _require_free(self) -> None:
        for path in () if self._overwrite else (self.path, self.manifest_path):
            if kind_of(path) is not None:
                raise exists(path)

    def _mismatch(self, what: str) -> ExportMismatch:
        return ExportMismatch(f"{what}; overwrite it, which begins anew, or name another file", path=str(self.path))

    # Going on

    def append(self, data: bytes, *, cursor: str | None, records: int) -> None:
        """Write the lines of so many records, the last of which is at `cursor`.

        Raises:
            DiskFull: there is no room; nothing of them counts.
        """
        with telling(self.part, "write to"):
            try:
                write_all(self._open, data)
            except BaseException:
                with suppress(OSError):
                    os.ftruncate(self._open, self.state.offset)
                    os.lseek(self._open, self.state.offset, os.SEEK_SET)
                raise
        self._hash.update(data)
        self.state = attrs.evolve(
            self.state,
            cursor=cursor,
            records=self.state.records + records,
            offset=self.state.offset + len(data),
            sha256=self._hash.hexdigest(),
        )

    def keep(self) -> None:
        """Have all that was written on disk, and a checkpoint that counts it.

        Raises:
            DiskFull: there is no room; the checkpoint before stays.
        """
        if self.state is not self._kept:
            with telling(self.part, "write to"):
                os.fsync(self._open)
            self._keep()

    def _keep(self) -> None:
        state = self.state
        with telling(self.checkpoint_path, "write"):
            write_whole(self.checkpoint_path, state.text())
        self._kept = state

    # The end

    def finish(self) -> Exported:
        """Publish the file and its manifest, and remove what is left of the way there.

        Raises:
            ExportExists: somebody else has made the file meanwhile.
            DiskFull: there is no room for a Parquet file beside its rows, or for the manifest.
        """
        if self.state.whole is None:
            self.keep()
            self._publish(self._source())
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
        with telling(self.manifest_path, "write"):
            write_whole(self.manifest_path, done.text())
        with telling(self.part, "remove"):
            self._remove_part()
        return done

    def _source(self) -> Path:
        """The file to publish: the part, or what is made of it."""
        if not isinstance(self._writer, Rows):
            return self.part
        made = self._made
        with telling(made, "write"):
            made.unlink(missing_ok=True)
            try:
                with os.fdopen(os.dup(self._open), "rb") as rows, os.fdopen(create(made), "w+b") as file:
                    rows.seek(0)
                    parquet.convert(rows, cast("BinaryIO", file), self._writer.columns, going_on=self._going_on)
                    file.flush()
                    os.fsync(file.fileno())
                self._require_going_on()
            except BaseException:
                made.unlink(missing_ok=True)
                raise
        return made

    def _going_on(self) -> bool:
        return not self.stop.is_set()

    def _require_going_on(self) -> None:
        if self.stop.is_set():
            raise InterruptedError

    def _publish(self, source: Path) -> None:
        with telling(source, "read"):
            found = digest_of(source) or ""
            whole = Whole(size=source.stat().st_size, sha256=found, finished_at=_now())
        self.state = attrs.evolve(self.state, whole=whole)
        self._keep()
        with telling(self.path, "write"):
            publish(source, self.path, overwrite=self._overwrite)

    def _remove_part(self) -> None:
        # The part last: it is what holds others off.
        self._made.unlink(missing_ok=True)
        self.checkpoint_path.unlink(missing_ok=True)
        sync_folder(self.path.parent)
        if is_still(self._open, self.part):
            self.part.unlink()
        self.close()
        sync_folder(self.path.parent)

    # Leaving

    def leave(self) -> None:
        """Keep what there is for a later run, as far as the disk lets us; remove it where there is nothing."""
        if self._descriptor is None:
            return
        with suppress(ExportError, OSError):
            if self.state.records:
                self.keep()
            elif self._kept.records == 0:
                self._remove_part()
        self.close()

    @property
    def kept(self) -> int:
        """Records that a later run can go on from."""
        return self._kept.records

    def close(self) -> None:
        """Let go of the part; twice is fine."""
        descriptor, self._descriptor = self._descriptor, None
        if descriptor is not None:
            os.close(descriptor)

    @property
    def _open(self) -> int:
        if self._descriptor is None:
            raise ExportError("the export is over", path=str(self.path))
        return self._descriptor


def _now() -> str:
    return datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
