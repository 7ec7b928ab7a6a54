"""Where the file is by default, who may read it, and on which file systems it may not be."""

import os
import stat
import sys
import tempfile
from pathlib import Path
from typing import Final

from ..errors import ConfigurationError

_NAME: Final = "commercelayer-async"
_NETWORK: Final = (
    *("afs", "ceph", "cifs", "gfs2", "glusterfs", "gpfs", "lustre", "ncpfs", "nfs", "nfs4", "ocfs2", "smb2", "smb3"),
    *("smbfs", "fuse.glusterfs", "fuse.s3fs", "fuse.sshfs"),
)
"""File systems whose locks are those of a server, or of nobody."""


def default_path(name: str = "limits.db") -> Path:
    """A file of this user on this machine: below `XDG_RUNTIME_DIR`, else in a folder of the user's alone.

    Raises:
        ConfigurationError: the folder is somebody else's, or others may write into it.
    """
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    if runtime and Path(runtime).is_dir() and os.access(runtime, os.W_OK):
        folder = Path(runtime) / _NAME
    else:
        user = str(os.getuid()) if hasattr(os, "getuid") else "user"
        folder = Path(tempfile.gettempdir()) / f"{_NAME}-{user}"
    return own_folder(folder) / name


def own_folder(folder: Path) -> Path:
    """Make a folder that is the user's alone, or make sure that it is.

    Raises:
        ConfigurationError: it is not, or cannot be made.
    """
    try:
        folder.mkdir(mode=0o700, exist_ok=True)
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be made: {error.strerror}; give a path in another folder") from error
    require_own(folder)
    return folder


def require_own(folder: Path) -> None:
    """Refuse a folder in which others can put or read files.

    Raises:
        ConfigurationError: it is somebody else's, or its mode lets others in.
    """
    try:
        found = folder.lstat()
    except OSError as error:
        raise ConfigurationError(f"{folder} cannot be used: {error.strerror}; give a path in another folder") from error
    if sys.platform != "win32" and (
        not stat.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid() or found.st_mode & 0o077
    ):
        raise ConfigurationError(
            f"{folder}, in which processes of one user share what is theirs, must be this user's alone (mode 0700);"
            " remove it, or give a path in another folder"
        )


def require_local(path: Path) -> None:
    """Refuse a file system of other machines, as far as this one says what it is.

    Raises:
        ConfigurationError: the locks of this one do not hold back processes of other machines.
    """
    kind = _file_system(path)
    if kind in _NETWORK:
        raise ConfigurationError(
            f"{path} is on a network file system ({kind}), where locks are not reliable; use a local path, or"
            " RedisLimiter for several machines"
        )


def _file_system(path: Path) -> str | None:
    """The type of the file system that a path is on; None where nobody says."""
    try:
        lines = Path("/proc/self/mountinfo").read_text(encoding="utf-8", errors="replace").splitlines()
    except OSError:
        return None
    found: tuple[int, str] = (0, "")
    where = str(path.resolve())
    for line in lines:
        left, _, right = line.partition(" - ")
        mount = left.split()[4].replace("\\040", " ").rstrip("/")
        if (where == mount or where.startswith(f"{mount}/")) and len(mount) >= found[0]:
            found = (len(mount), right.split()[0])
    return found[1] or None
