"""The checkpoint: how far an export is, and the text it is saved as.

The text is JSON and holds a checksum of itself. The checksum finds accidents and well-meant edits. It does not find
forgery: whoever can write the checkpoint can write the data too.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from .storage import json_object

VERSION: Final = 1


@attrs.frozen
class FinishedFile:
    """The complete file, noted just before it is published under its name."""

    size: int
    sha256: str
    finished_at: str


@attrs.frozen
class Checkpoint:
    """What counts of an export: it was on disk before this checkpoint was saved."""

    description: Mapping[str, Any]
    """What is exported. Two exports with different descriptions are different exports."""
    started_at: str
    cursor: str | None = None
    """Where to go on after the last record that counts: its id, or the service's own cursor. None before the first."""
    records: int = 0
    offset: int = 0
    """Bytes of the part that count. Bytes after them belong to a page that does not count."""
    sha256: str = hashlib.sha256().hexdigest()
    """Of those bytes."""
    resumptions: int = 0
    invalid_records: int = 0
    """Of the records that count, those that do not fit their class."""
    provenance: Mapping[str, str] = attrs.field(factory=dict[str, str])
    """What their `meta` says of the world that they are from."""
    whole: FinishedFile | None = None
    """The finished file; None until all records are written."""

    def text(self) -> str:
        """Write the checkpoint as text."""
        members = attrs.asdict(self)
        return json.dumps({"version": VERSION, **members, "check": _check({"version": VERSION, **members})}, indent=1)


def read(text: bytes) -> Checkpoint | None:
    """Read a checkpoint from its text; None if that was changed, or is not a checkpoint of this version."""
    members = json_object(text)
    if members is None or members.get("version") != VERSION or members.pop("check", None) != _check(members):
        return None
    del members["version"]
    try:
        whole = members.pop("whole")
        return Checkpoint(**members, whole=None if whole is None else FinishedFile(**whole))
    except (TypeError, KeyError):
        return None


def _check(members: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()
