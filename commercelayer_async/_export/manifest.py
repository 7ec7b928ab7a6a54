"""The manifest: what was exported, as a file beside the data and as the value that the caller gets."""

import json
from collections.abc import Mapping
from pathlib import Path
from typing import Any, Final, Self

import attrs

from .._markers import public
from .storage import json_object

VERSION: Final = 1


def manifest_path_of(path: Path) -> Path:
    """Where the manifest of a file is. Programs that read a folder as one table skip names that begin with `_`."""
    return path.with_name(f"_{path.name}.manifest.json")


@public("commercelayer_async")
@attrs.frozen
class ExportProgress:
    """How far an export is, after a page was written."""

    records: int
    """Records written so far, those of earlier runs included."""
    total: int | None
    """Records that there will be, by the server's last count; None if the server does not count them."""
    size: int
    """Bytes written so far."""
    resumed: int
    """Records that earlier runs had written."""


@public("commercelayer_async")
@attrs.frozen
class Exported:
    """A finished export, with the contents of its manifest."""

    path: str
    """The file's path, as it was given to `export`."""
    records: int
    size: int
    """Bytes of the file."""
    sha256: str
    """Of the file, in hexadecimal, as `sha256sum` prints it."""
    description: Mapping[str, Any]
    """What was exported, of plain JSON types.

    `type`, `filter`, `include`, `fields`, and `included_fields` by type, where a class of what is included is sparse;
    `format`, `compression`, `columns`, `column_types`; `organization` (a URL) and `api_version`; and whose token it
    was, as far as that says so: `mode`, `organization_id`, `application`, `owner`, `scope`. A parameter of the filter
    that is sent several times has a list of values.
    """
    started_at: str
    """ISO 8601, UTC; of the first run."""
    finished_at: str
    resumptions: int
    """How many times the export was resumed."""
    client: str
    """The User-Agent of the run that finished it."""
    invalid_records: int = 0
    """Of the records, those that do not fit their class, or include a resource that does not; they are in the file all
    the same, as received."""

    @property
    def manifest_path(self) -> str:
        """The path of the manifest, beside the file."""
        return str(manifest_path_of(Path(self.path)))

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
            "invalid_records": self.invalid_records,
        }

    def text(self) -> str:
        """Write the manifest as text."""
        return json.dumps(self.manifest(), indent=2) + "\n"

    @classmethod
    def read(cls, text: bytes, path: str, description: Mapping[str, Any]) -> Self | None:
        """Read a manifest from its text; None if it is not one, or is that of another export than `description`."""
        members = json_object(text)
        if members is None or members.get("manifest_version") != VERSION:
            return None
        if any(members.get(name) != value for name, value in description.items()):
            return None
        names = ("records", "sha256", "started_at", "finished_at", "resumptions", "client", "invalid_records")
        if not all(name in members for name in ("bytes", *names)):
            return None
        return cls(path=path, description=description, size=members["bytes"], **{name: members[name] for name in names})
