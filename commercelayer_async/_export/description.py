"""The description that tells one export from another: read from earlier versions, and compared."""

from collections.abc import Mapping
from typing import Any, Final

import attrs

from .._auth.principal import Principal
from .._text import printable

_PRINCIPAL: Final = tuple(field.name for field in attrs.fields(Principal))
"""What a description says of whom the token speaks for."""


def completed(was: Mapping[str, Any], now: Mapping[str, Any]) -> Mapping[str, Any]:
    """Return the description of an interrupted export, with what an earlier version did not record taken from `now`."""
    if "column_types" in was:
        return was
    # That version recorded neither these nor whom the token spoke for.
    return {**{name: now.get(name) for name in _PRINCIPAL}, "compression": None, "column_types": None, **was}


def difference(was: Mapping[str, Any], now: Mapping[str, Any]) -> str:
    """Say in what two descriptions differ."""
    names = {name for name in {*was, *now} if was.get(name) != now.get(name)}
    if "organization" in names:
        names.difference_update(_PRINCIPAL)
    if "columns" in names:
        names.discard("column_types")
    text = f"it differs in {', '.join(sorted(names))}"
    if "column_types" in names and was["column_types"] and now["column_types"]:
        columns = zip(now["columns"], was["column_types"], now["column_types"], strict=True)
        name, before, after = next(column for column in columns if column[1] != column[2])
        text += f" (column {printable(name, 60)!r} was of type {before}, and is of type {after} now)"
    return text
