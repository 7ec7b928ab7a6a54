"""How far an export is: a value, and the text it is kept as.

The text is JSON and carries a checksum of itself. That guards against accidents and hands that mean well, not against
forgery: whoever can write it can write the data too.
"""

import hashlib
import json
from collections.abc import Mapping
from typing import Any, Final

import attrs

from ..errors import DecodeError
from ..jsonapi._json import as_object, loads

VERSION: Final = 1


@attrs.frozen
class Whole:
    """The finished file, before it has its name."""

    size: int
    sha256: str
    finished_at: str


@attrs.frozen
class Checkpoint:
    """What is safely on disk."""

    description: Mapping[str, Any]
    """What is exported; another description is another export."""
    started_at: str
    cursor: str | None = None
    """The id of the last record that counts; None before the first."""
    records: int = 0
    offset: int = 0
    """Bytes of the part that count; what comes after them is from a page that did not."""
    sha256: str = hashlib.sha256().hexdigest()
    """Of those bytes."""
    resumptions: int = 0
    whole: Whole | None = None

    def text(self) -> str:
        """The text to keep."""
        members = attrs.asdict(self)
        return json.dumps({"version": VERSION, **members, "check": _check({"version": VERSION, **members})}, indent=1)


def read(text: bytes) -> Checkpoint | None:
    """The checkpoint that a text holds; None if it holds none, was changed, or is of another version."""
    try:
        members = as_object(loads(text))
    except DecodeError:
        return None
    if members is None or members.get("version") != VERSION or members.pop("check", None) != _check(members):
        return None
    del members["version"]
    try:
        whole = members.pop("whole")
        return Checkpoint(**members, whole=None if whole is None else Whole(**whole))
    except (TypeError, KeyError):
        return None


def _check(members: Mapping[str, Any]) -> str:
    return hashlib.sha256(json.dumps(members, sort_keys=True).encode()).hexdigest()
