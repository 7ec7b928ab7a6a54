"""Single steps on disk, and what their failures mean.

Files are made with mode 0600 and never widened, opened without following symbolic links, and replaced by rename.
"""

import errno
import hashlib
import os
import stat
from collections.abc import Callable, Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import BinaryIO, Final, Protocol, cast

from .._text import printable
from ..errors import DiskFull, ExportError, ExportExists

MODE: Final = 0o600
CHUNK: Final = 2**20

_NO_ROOM: Final = frozenset(
    number for name in ("ENOSPC", "EDQUOT", "EFBIG") if (number := getattr(errno, name, None)) is not None
)
_NO_LINKS: Final = frozenset(
    number
    for name in ("EPERM", "ENOTSUP", "EOPNOTSUPP", "ENOSYS", "EMLINK", "EXDEV")
    if (number := getattr(errno, name, None)) is not None
)
"""What a file system says that has no hard links."""
_OPEN: Final[int] = getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_BINARY", 0)


@contextmanager
def telling(path: Path, doing: str) -> Generator[None]:
    """Turn what the operating system says of `path` into this package's errors.

    Raises:
        DiskFull: there is no room.
        ExportError: anything else.
    """
    try:
        yield
    except OSError as error:
        said = error.strerror or type(error).__name__
        full = error.errno in _NO_ROOM
        shown = printable(str(path))
        kind = DiskFull if full else ExportError
        failure = kind(f"cannot {doing} {shown}: {said}{'; make room' if full else ''}", path=str(path))
        failure.__cause__ = error
    else:
        return
    raise failure


def create(path: Path) -> int:
    """A descriptor of a new, empty file that its owner alone can read.

    Raises:
        FileExistsError: there is something of that name.
    """
    return os.open(path, os.O_RDWR | os.O_CREAT | os.O_EXCL | _OPEN, MODE)


def reopen(path: Path) -> int | None:
    """A descriptor of a file of ours; None if there is nothing of that name.

    Raises:
        ExportError: it is no regular file, or others may have written it.
    """
    try:
        descriptor = os.open(path, os.O_RDWR | _OPEN)
    except FileNotFoundError:
        return None
    except OSError as error:
        if error.errno != errno.ELOOP:
            raise
        raise _foreign(path, "a symbolic link") from None
    said = os.fstat(descriptor)
    owner: Callable[[], int] | None = getattr(os, "geteuid", None)
    reason = None
    if not stat.S_ISREG(said.st_mode):
        reason = "no regular file"
    elif owner is not None and said.st_uid != owner():
        reason = "somebody else's"
    elif owner is not None and stat.S_IMODE(said.st_mode) & 0o077:
        reason = f"open to others (mode {stat.S_IMODE(said.st_mode):04o})"
    if reason is None:
        return descriptor
    os.close(descriptor)
    raise _foreign(path, reason)


def _foreign(path: Path, reason: str) -> ExportError:
    return ExportError(f"{printable(str(path))} is {reason}, and so no export's; remove it", path=str(path))


class Hash(Protocol):
    """What hashlib gives."""

    def update(self, data: bytes, /) -> None:
        """Take more bytes."""
        ...

    def hexdigest(self) -> str:
        """The digest so far."""
        ...


def kind_of(path: Path) -> str | None:
    """What is there: "a file", or what else; None for nothing."""
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
    return next((name for test, name in known if test(mode)), "no file")


def lock(descriptor: int) -> bool:
    """Whether nobody else holds the file; then it is ours until the descriptor is closed, or the process ends.

    Always True where the operating system has no such locks.
    """
    try:
        # Absent on Windows.
        import fcntl  # noqa: PLC0415
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


def is_still(descriptor: int, path: Path) -> bool:
    """Whether the name still leads to the open file."""
    try:
        return os.path.samestat(os.fstat(descriptor), os.lstat(path))
    except FileNotFoundError:
        return False


def write_all(descriptor: int, data: bytes) -> None:
    """Write all of it, however often the operating system takes only some."""
    view = memoryview(data)
    while view:
        view = view[os.write(descriptor, view) :]


def write_whole(path: Path, text: str) -> None:
    """Put a small file in place so that there is always the old one or the new one, and the new one is on disk."""
    new = path.with_name(f"{path.name}.new")
    new.unlink(missing_ok=True)
    descriptor = create(new)
    try:
        write_all(descriptor, text.encode())
        os.fsync(descriptor)
        new.replace(path)
    except BaseException:
        with suppress(OSError):
            new.unlink()
        raise
    finally:
        os.close(descriptor)
    sync_folder(path.parent)


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on disk."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | _OPEN & ~getattr(os, "O_NOFOLLOW", 0))
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)


def publish(source: Path, target: Path, *, overwrite: bool) -> None:
    """Give a whole file its name; it keeps the old one too, where the file system has hard links.

    Raises:
        ExportExists: without `overwrite`, there is something of that name, be it since this moment.
    """
    try:
        if overwrite:
            new = target.with_name(f"{target.name}.new")
            new.unlink(missing_ok=True)
            new.hardlink_to(source)
            new.replace(target)
            # Renaming does nothing where both names lead to one file already.
            new.unlink(missing_ok=True)
        else:
            target.hardlink_to(source)
    except FileExistsError:
        raise exists(target) from None
    except OSError as error:
        if error.errno not in _NO_LINKS:
            raise
        if not overwrite:
            # The name is claimed by an empty file, which is replaced at once.
            try:
                os.close(create(target))
            except FileExistsError:
                raise exists(target) from None
        source.replace(target)
    sync_folder(target.parent)


def exists(path: Path) -> ExportExists:
    """The error for a name that is taken."""
    return ExportExists(f"{printable(str(path))} is there already; name another file, or overwrite it", path=str(path))


def digest(file: BinaryIO, length: int | None = None) -> tuple[Hash, int]:
    """The SHA-256 of a file from where it stands, or of as many bytes, and how many there were."""
    found, done = hashlib.sha256(), 0
    while length is None or done < length:
        data = file.read(CHUNK if length is None else min(CHUNK, length - done))
        if not data:
            break
        found.update(data)
        done += len(data)
    return found, done


def digest_of(path: Path) -> str | None:
    """The SHA-256 of a file in hexadecimal; None if there is none."""
    try:
        with path.open("rb") as file:
            return digest(cast("BinaryIO", file))[0].hexdigest()
    except FileNotFoundError:
        return None


def read_small(path: Path, limit: int = CHUNK) -> bytes | None:
    """What a small file holds; None if there is none."""
    try:
        with path.open("rb") as file:
            return file.read(limit)
    except FileNotFoundError:
        return None
