"""The files of a data set, in a local folder or in whatever fsspec opens.

    data/part-00000.parquet    the data and nothing else: any program takes the folder as one table
    parts/part-00000.json      the manifest of each partition: written after its data, so without it there are none
    plan.json                  the partitions, written before the first of them
    manifest.json              what the data set holds, written last

A file appears whole: locally it is renamed into place, in a store of objects it is put in one piece. Everything here
blocks, and is called in a thread.
"""

import os
import re
import secrets
from collections.abc import Callable
from contextlib import suppress
from pathlib import Path
from typing import Any, Final, TypeVar
from urllib.parse import urlsplit

import attrs

from .._export.storage import create_by_way_of, is_for_want_of_room, os_errors_as, put_by_way_of
from .._text import printable
from ..errors import CommerceLayerError, ConfigurationError, DiskFull, ExportError, ExportExists
from .extra import load

T = TypeVar("T")

DATA: Final = "data"
PARTS: Final = "parts"
PLAN: Final = "plan.json"
MANIFEST: Final = "manifest.json"
_CODE: Final = re.compile(r"[A-Za-z0-9.]{1,60}")
"""The code of an error, such as `AccessDenied`."""
_OF_OBJECTS: Final = frozenset(
    {"s3", "s3a", "gs", "gcs", "abfs", "abfss", "az", "oci", "oss", "cos", "obs", "tos", "r2"}
)
"""What fsspec calls stores of objects, which have no folders."""


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
    url_to_fs = load("fsspec.core").url_to_fs
    try:
        fs, root = url_to_fs(url)
    except (ImportError, ValueError) as error:
        # The text names the package to install, or the protocol.
        failure = ConfigurationError(f"to: {printable(str(error), 200)}")
    except Exception as error:  # noqa: BLE001 - clients of stores raise what they like, such as where they find no key
        failure = ConfigurationError(f"to: what opens {printable(url, 200)} failed: {_reason(error)}")
    else:
        return fs, str(root)
    raise failure


@attrs.frozen
class Folder:
    """The folder of a data set."""

    url: str

    def put(self, name: str, data: bytes) -> None:
        """Write a file, or replace it: at any time it is whole.

        Raises:
            DiskFull, ExportError: it cannot be written.
        """

        def put(fs: Any, path: str) -> None:
            if _is_local(fs):
                put_by_way_of(_beside(path, name), Path(path), data)
            else:
                _make_folder_of(fs, path)
                fs.pipe_file(path, data)

        self._try("cannot write", name, put)

    def create(self, name: str, data: bytes) -> bool:
        """Write a file if there is none; True if what stands there then is this one.

        Raises:
            DiskFull, ExportError: it cannot be written.
        """

        def create(fs: Any, path: str) -> None:
            with suppress(FileExistsError, ExportExists):
                if _is_local(fs):
                    create_by_way_of(_beside(path, name), Path(path), data)
                else:
                    _make_folder_of(fs, path)
                    fs.pipe_file(path, data, mode="create")

        self._try("cannot write", name, create)
        # Not every store looks and writes in one step; and one that was asked again may say that it is there already.
        return self.get(name) == data

    def get(self, name: str, *, most: int | None = None) -> bytes | None:
        """The bytes of a file, or so many of them from the beginning; None if there is none.

        Raises:
            ExportError: it cannot be read.
        """

        def get(fs: Any, path: str) -> bytes | None:
            try:
                return bytes(fs.cat_file(path, end=most))
            except FileNotFoundError:
                return None

        return self._try("cannot read", name, get)

    def remove(self, name: str) -> None:
        """Remove a file, if it is there.

        Raises:
            ExportError: it cannot be removed.
        """

        def remove(fs: Any, path: str) -> None:
            with suppress(FileNotFoundError):
                fs.rm_file(path)

        self._try("cannot remove", name, remove)

    def names(self, folder: str) -> set[str]:
        """The names in a folder of it; none if there is no such folder.

        Raises:
            ExportError: it cannot be listed.
        """

        def names(fs: Any, path: str) -> set[str]:
            # Stores of objects answer from memory otherwise, and other processes write here.
            fs.invalidate_cache()
            try:
                found = fs.ls(path, detail=False)
            except FileNotFoundError:
                return set()
            return {str(one).rstrip("/").rpartition("/")[2] for one in found}

        return self._try("cannot list", folder, names)

    def _try(self, failed: str, name: str, do: Callable[[Any, str], T]) -> T:
        """Do something with a file of the data set; what is raised becomes this package's error."""
        where = f"{self.url}/{name}"
        try:
            fs, root = _open(self.url)
            path = f"{root.rstrip('/')}/{name}"
            if not _is_local(fs):
                return do(fs, path)
            with os_errors_as(failed, Path(path)):
                return do(fs, path)
        except CommerceLayerError:
            raise
        except Exception as error:  # noqa: BLE001 - clients of stores raise what they like
            error_class = DiskFull if is_for_want_of_room(error) else ExportError
            advice = "; make room" if error_class is DiskFull else ""
            failure = error_class(f"{failed} {printable(where)}: {_reason(error)}{advice}", path=where)
        # Outside of the handler, so without cause and context: their text may quote a key, and Dask logs it.
        raise failure


def _beside(path: str, name: str) -> Path:
    """Another name for a local file of the data set, until it is whole.

    It is not in the folder of the data, where programs would read it, and has a part of its own, as the same task may
    run twice at a time.
    """
    Path(path).parent.mkdir(parents=True, exist_ok=True)
    return Path(path.removesuffix(f"/{name}")) / f".{Path(path).name}.{secrets.token_hex(4)}.new"


def _is_local(fs: Any) -> bool:
    return "file" in _protocols(fs)


def _make_folder_of(fs: Any, path: str) -> None:
    """Make the folder of a file; not in a store of objects, where it would be a bucket whose name has a slip."""
    if not _OF_OBJECTS & _protocols(fs):
        fs.makedirs(path.rpartition("/")[0], exist_ok=True)


def _protocols(fs: Any) -> frozenset[str]:
    return frozenset((fs.protocol,) if isinstance(fs.protocol, str) else fs.protocol)


def _reason(error: BaseException) -> str:
    """What a client of a store raised: its class, and what it says by numbers and codes, without its text."""
    known = [type(error).__name__]
    if isinstance(error, OSError) and error.errno is not None:
        known.append(os.strerror(error.errno))
    # botocore's errors have what the service said; s3fs raises others because of them.
    response: Any = next((found for one in (error, error.__cause__) if (found := getattr(one, "response", None))), None)
    try:
        code: object = response["Error"]["Code"]
    except (TypeError, LookupError):
        code = None
    if isinstance(code, str) and _CODE.fullmatch(code):
        known.append(code)
    return ", ".join(known)
