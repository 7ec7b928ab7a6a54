"""What a data set holds."""

import json
from pathlib import Path
from typing import Any

import pyarrow.parquet


def ids_in(folder: Path) -> list[str]:
    """The ids in all files of a data set of Parquet, in the order of the partitions."""
    files = sorted((folder / "data").iterdir())
    return [id for file in files for id in pyarrow.parquet.read_table(file, columns=["id"])["id"].to_pylist()]


def manifest_of(folder: Path) -> dict[str, Any]:
    """The manifest of a data set."""
    found: dict[str, Any] = json.loads((folder / "manifest.json").read_text())
    return found
