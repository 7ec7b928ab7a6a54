"""What was exported: the companion of a finished file, and what the caller gets."""

import json
from collections.abc import Mapping
from typing import Any, Final, Self

import attrs

from ..errors import DecodeError
from ..jsonapi._json import as_object, loads

VERSION: Final = 1


@attrs.frozen
class ExportProgress:
    """How far an export is."""

    records: int
    """Records in the part of the file, those of earlier runs included."""
    total: int | None
    """Records that there will be, by the server's last count; None if it does not count."""
    size: int
    """Bytes of the part."""
    resumed: int
    """Records that were there before this run."""


@attrs.frozen
class Exported:
    """A finished export, as its manifest tells it."""

    path: str
    """Where the file is."""
    records: int
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file, in hexadecimal, as `sha256sum` prints it."""
    description: Mapping[str, Any]
    """What was exported: `type`, `format`, `filter`, `include`, `columns`, `organization`, `api_version`."""
    started_at: str
    """ISO 8601, UTC; of the first run."""
    finished_at: str
    resumptions: int
    """How many times it was gone on with."""
    client: str
    """The User-Agent of the run that finished it."""

    def manifest(self) -> dict[str, Any]:
        """What the manifest holds, of plain JSON types."""
        return {
            "manifest_version": VERSION,
            "file": self.path.replace("\\", "/").rpartition("/")[2],
            "records": self.records,
            "bytes": self.size,
            "sha256": self.sha256,
            **self.description,
            "started_at": self.started_at,
            "finished_at": self.finished_at,
            "resumptions": self.resumptions,
            "client": self.client,
        }

    def text(self) -> str:
        """The manifest as it is written."""
        return json.dumps(self.manifest(), indent=2) + "\n"

    @classmethod
    def read(cls, text: bytes, path: str, description: Mapping[str, Any]) -> Self | None:
        """What a manifest tells; None if it is none, or not of an export with that description."""
        try:
            members = as_object(loads(text)) or {}
        except DecodeError:
            return None
        same = all(members.get(name) == value for name, value in description.items())
        if members.get("manifest_version") != VERSION or not same:
            return None
        names = ("records", "sha256", "started_at", "finished_at", "resumptions", "client")
        if not all(name in members for name in ("bytes", *names)):
            return None
        return cls(path=path, description=description, size=members["bytes"], **{name: members[name] for name in names})
