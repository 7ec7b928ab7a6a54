"""Single steps on disk, and the errors for their failures.

Files are created with mode 0600, which is never widened. They are opened without following symbolic links, and
replaced by rename.
"""

import errno
import json
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final, cast

from .._text import printable
from ..errors import DiskFull, ExportError, ExportExists

MODE: Final = 0o600
CHUNK: Final = 2**20

_NO_ROOM: Final = frozenset(
    number for name in ("ENOSPC", "EDQUOT", "EFBIG") if (number := getattr(errno, name, None)) is not None
)
_OPEN: Final[int] = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def os_errors_as(failed: str, path: Path) -> Generator[None]:
    """Raise an `OSError` of the block as this package's error: `failed`, such as "cannot open", and the path.

    Raises:
        DiskFull: there is no room.
        ExportError: any other reason.
    """
    try:
        yield
    except OSError as error:
        reason = error.strerror or type(error).__name__
        full = is_for_want_of_room(error)
        error_class = DiskFull if full else ExportError
        text = f"{failed} {printable(str(path))}: {reason}{'; make room' if full else ''}"
        failure = error_class(text, path=str(path))
        failure.__cause__ = error
    else:
        return
    raise failure


def is_for_want_of_room(error: BaseException) -> bool:
    """True for an error of the operating system, or of what is like one, that says that there is no room."""
    return isinstance(error, OSError) and error.errno in _NO_ROOM


def create(path: Path) -> int:
    """Create an empty file that its owner alone can read; gives a descriptor.

    Raises:
        FileExistsError: there is something of that name.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, MODE)


def reopen(path: Path) -> int | None:
    """Open a file that an earlier run created; gives a descriptor, None if there is nothing of that name.

    Raises:
        ExportError: it is not a regular file, or others may have written it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | _OPEN)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _unusable(path, "a symbolic link") from None
    with closing_on_error(descriptor):
        reason = _why_not_ours(os.fstat(descriptor), path)
        if reason is not None:
            raise _unusable(path, reason)
    return descriptor


def _why_not_ours(status: os.stat_result, path: Path) -> str | None:
    owner: Callable[[], int] | None = getattr(os, "geteuid", None)
    if not stat.S_ISREG(status.st_mode):
        return "not a regular file"
    if owner is None or (status.st_uid == owner() and not stat.S_IMODE(status.st_mode) & 0o077):
        return None
    # File systems such as FAT keep neither owners nor modes: there a file of ours looks like any other.
    made = _status_of_new_file(path)
    if status.st_uid not in (owner(), made.st_uid):
        return "owned by another user"
    if stat.S_IMODE(status.st_mode) & 0o077 & ~made.st_mode:
        return f"open to others (mode {stat.S_IMODE(status.st_mode):04o})"
    return None


def _status_of_new_file(path: Path) -> os.stat_result:
    """The status of a file that is created beside `path`, and removed again."""
    probe = path.with_name(f"{path.name}.new")
    probe.unlink(missing_ok=True)
    descriptor = create(probe)
    try:
        return os.fstat(descriptor)
    finally:
        os.close(descriptor)
        probe.unlink()


@contextmanager
def closing_on_error(descriptor: int) -> Generator[None]:
    """Close a descriptor, which releases its lock, if the block fails."""
    try:
        yield
    except BaseException:
        with suppress(OSError):
            os.close(descriptor)
        raise


def _unusable(path: Path, reason: str) -> ExportError:
    return ExportError(f"{printable(str(path))} is {reason}, so no export made it; remove it", path=str(path))


def file_type(path: Path) -> str | None:
    """What is at `path`: "a file", "a folder", …; None if there is nothing."""
    try:
        mode = os.lstat(path).st_mode
    except (FileNotFoundError, NotADirectoryError):
        return None
    known = (
        (stat.S_ISREG, "a file"),
        (stat.S_ISDIR, "a folder"),
        (stat.S_ISLNK, "a symbolic link"),
        (stat.S_ISFIFO, "a pipe"),
        (stat.S_ISCHR, "a device"),
    )
    return next((name for test, name in known if test(mode)), "a special file")


def lock(descriptor: int) -> bool:
    """Lock an open file, until its descriptor is closed or the process ends; False if another process holds the lock.

    Always True where the operating system or the file system has no such locks.
    """
    try:
        # Absent on Windows.
        import fcntl  # noqa: PLC0415 - POSIX only
    except ImportError:
        return True
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return False
    except OSError as error:
        if error.errno not in (errno.ENOLCK, errno.ENOTSUP, errno.EOPNOTSUPP, errno.ENOSYS):
            raise
    return True


def is_same_file(descriptor: int, path: Path) -> bool:
    """True if `path` still names the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of `data`; one `os.write` may take only some of it."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def replace_file(path: Path, text: str) -> None:
    """Replace a small file atomically: at any time `path` has the old text or the new one, and now the new one."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    put_by_way_of(new, path, text.encode())


def put_by_way_of(new: Path, path: Path, data: bytes) -> None:
    """Write a file that does not exist yet, bring it to the disk, and give it the name `path`; or leave nothing."""
    with _written(new, data):
        new.replace(path)
    sync_folder(path.parent)


def create_by_way_of(new: Path, path: Path, data: bytes) -> None:
    """Do the same if there is nothing of the name `path`.

    Raises:
        ExportExists: there is, even if it was made a moment ago.
    """
    with _written(new, data):
        publish(new, path, overwrite=False)
    new.unlink(missing_ok=True)


@contextmanager
def _written(new: Path, data: bytes) -> Generator[None]:
    """Write a file that does not exist yet, and bring it to the disk; remove it if the block fails."""
    descriptor = create(new)
    try:
        write_all(descriptor, data)
        # Before it gets another name: else a crash could leave that name on an empty file.
        os.fsync(descriptor)
        yield
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    finally:
        os.close(descriptor)


def sync_folder(folder: Path) -> None:
    """Write a folder's entries to disk: a file's name survives a crash only after this."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _OPEN & ~getattr(os, "O_NOFOLLOW", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(source: Path, target: Path, *, overwrite: bool) -> None:
    """Give a complete file its name. It keeps its old name too, where the file system has hard links.

    Raises:
        ExportExists: without `overwrite`, there is something of that name, even if it was made a moment ago.
    """
    try:
        if overwrite:
            new = target.with_name(f"{target.name}.new")
            new.unlink(missing_ok=True)
            new.hardlink_to(source)
            new.replace(target)
            # Renaming does nothing where both names are links to the same file already.
            new.unlink(missing_ok=True)
        else:
            # Unlike a rename, a link never replaces what is there.
            target.hardlink_to(source)
    except FileExistsError:
        # A network file system may have made the link, lost the response, and been asked again.
        if not _is_same(source, target):
            raise exists_error(target) from None
    except (OSError, NotImplementedError):
        # No hard links here: file systems say so by many error numbers. If something else is wrong, it shows again.
        _publish_without_links(source, target, overwrite=overwrite)
    sync_folder(target.parent)


def _is_same(one: Path, other: Path) -> bool:
    try:
        return os.path.samestat(os.lstat(one), os.lstat(other))
    except OSError:
        return False


def _publish_without_links(source: Path, target: Path, *, overwrite: bool) -> None:
    if overwrite:
        source.replace(target)
        return
    # An empty file claims the name, which fails if it is taken; then it is replaced at once.
    try:
        claim = create(target)
    except FileExistsError:
        raise exists_error(target) from None
    try:
        os.close(claim)
        source.replace(target)
    except BaseException:
        release_claim(target)
        raise


def release_claim(path: Path) -> None:
    """Remove the empty file by which an export claimed its name, if that is what is there."""
    if is_empty_file(path):
        path.unlink(missing_ok=True)


def is_empty_file(path: Path) -> bool:
    """True if there is a regular file without a byte."""
    try:
        status = os.lstat(path)
    except FileNotFoundError:
        return False
    return stat.S_ISREG(status.st_mode) and not status.st_size


def exists_error(path: Path) -> ExportExists:
    """Make the error for a name that is taken."""
    return ExportExists(f"{printable(str(path))} is there already; name another file, or overwrite it", path=str(path))


def read_small(path: Path, limit: int = CHUNK) -> bytes | None:
    """The bytes of a small file; None if there is no such file."""
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except FileNotFoundError:
        return None


def json_object(text: bytes) -> dict[str, Any] | None:
    """The JSON object that a small file of ours holds; None if it was damaged and holds none."""
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        return None
    return cast("dict[str, Any]", value) if isinstance(value, dict) else None
