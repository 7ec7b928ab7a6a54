"""The files of a data set, in a local folder or in whatever fsspec opens.

    data/part-00000.parquet    the data and nothing else: any program takes the folder as one table
    parts/part-00000.json      the manifest of each partition: written after its data, so without it there are none
    plan.json                  the partitions, written before the first of them
    manifest.json              what the data set holds, written last

A file appears whole: locally it is renamed into place, in a store of objects it is put in one piece. Everything here
blocks, and is called in a thread.
"""

import os
import secrets
from collections.abc import Generator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any, Final
from urllib.parse import urlsplit

import attrs

from .._export.storage import os_errors_as, put_by_way_of
from .._text import printable
from ..errors import ConfigurationError, ExportError
from .extra import load

DATA: Final = "data"
PARTS: Final = "parts"
PLAN: Final = "plan.json"
MANIFEST: Final = "manifest.json"


def url_of(to: Any) -> str:
    """The URL of a folder, absolute: workers run in other folders.

    Raises:
        ConfigurationError: it is not one, it holds a password, or what opens it is not installed.
    """
    url = os.fspath(to) if isinstance(to, str | Path) else ""
    if not url or "\0" in url:
        raise ConfigurationError("to must be the path or the URL of a folder")
    if urlsplit(url).password is not None:
        raise ConfigurationError(
            "to holds a password, which every worker would log; have the workers find it in their environment"
        )
    fs, root = _open(url)
    return str(fs.unstrip_protocol(root))


def _open(url: str) -> tuple[Any, str]:
    try:
        fs, root = load("fsspec.core").url_to_fs(url)
    except (ImportError, ValueError) as error:
        # The text names the package to install, or the protocol.
        raise ConfigurationError(f"to: {printable(str(error), 200)}") from None
    return fs, str(root)


@attrs.frozen
class Folder:
    """The folder of a data set."""

    url: str

    def put(self, name: str, data: bytes) -> None:
        """Write a file, or replace it: at any time it is whole.

        Raises:
            DiskFull, ExportError: it cannot be written.
        """
        fs, root = _open(self.url)
        path = f"{root.rstrip('/')}/{name}"
        with self._errors("cannot write", name):
            if _is_local(fs):
                _replace(Path(path), data, beside=Path(root))
            else:
                fs.makedirs(path.rpartition("/")[0], exist_ok=True)
                fs.pipe_file(path, data)

    def get(self, name: str) -> bytes | None:
        """The bytes of a file; None if there is none.

        Raises:
            ExportError: it cannot be read.
        """
        fs, root = _open(self.url)
        with self._errors("cannot read", name):
            try:
                return bytes(fs.cat_file(f"{root.rstrip('/')}/{name}"))
            except FileNotFoundError:
                return None
        raise AssertionError

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            ExportError: it cannot be removed.
        """
        fs, root = _open(self.url)
        with self._errors("cannot remove", name), suppress(FileNotFoundError):
            fs.rm_file(f"{root.rstrip('/')}/{name}")

    def names(self, folder: str) -> set[str]:
        """The names in a folder of it; none if there is no such folder.

        Raises:
            ExportError: it cannot be listed.
        """
        fs, root = _open(self.url)
        with self._errors("cannot list", folder):
            # Stores of objects answer from memory otherwise, and other processes write here.
            fs.invalidate_cache()
            try:
                found = fs.ls(f"{root.rstrip('/')}/{folder}", detail=False)
            except FileNotFoundError:
                return set()
            return {str(path).rstrip("/").rpartition("/")[2] for path in found}
        raise AssertionError

    @contextmanager
    def _errors(self, failed: str, name: str) -> Generator[None]:
        where = f"{self.url}/{name}"
        try:
            with os_errors_as(failed, Path(where.removeprefix("file://"))):
                yield
        except ExportError:
            raise
        except Exception as error:
            # Clients of stores raise what they like, such as botocore's errors, whose text may hold a key.
            raise ExportError(f"{failed} {printable(where)}: {type(error).__name__}", path=where) from error


def _is_local(fs: Any) -> bool:
    return "file" in ((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _replace(path: Path, data: bytes, *, beside: Path) -> None:
    """Write a local file under another name, and rename it into place.

    That name is not in the folder of the data, where programs would read it, and has a part of its own, as the same
    task may run twice at a time.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    new = beside / f".{path.name}.{secrets.token_hex(4)}.new"
    put_by_way_of(new, path, data)
