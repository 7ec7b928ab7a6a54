"""Which world records are from, by their own `meta`: two worlds must not get into one file.

Test and live data, and those of two organizations, may be at one URL: the token decides what is seen there. Not every
record says where it is from, and none has to; those that do have to agree.
"""

from collections.abc import Iterator, Mapping
from typing import Any, Final

import msgspec
from msgspec import UNSET, Raw, UnsetType

from ..jsonapi._json import FAILURES


class _WithMeta(msgspec.Struct):
    meta: Raw | UnsetType = UNSET


class _Page(msgspec.Struct):
    data: list[Raw]
    included: Raw | UnsetType = UNSET
    meta: Raw | UnsetType = UNSET


_decode_page: Final = msgspec.json.Decoder(_Page).decode
_decode_list: Final = msgspec.json.Decoder(list[Raw]).decode
_decode_object: Final = msgspec.json.Decoder(_WithMeta).decode
_decode_members: Final = msgspec.json.Decoder(dict[str, Any]).decode

Provenance = Mapping[str, str]
"""What is known of the world that records are from, by the members of `meta` that tell it."""


def provenance_after(body: bytes, members: tuple[str, ...], known: Provenance) -> Provenance | tuple[str, str, str]:
    """What is known after a page; or, where it contradicts that, the JSON pointer, what was known, and what is said."""
    found = dict(known)
    for pointer, meta in _metas(body):
        for name in members:
            said = meta.get(name)
            if isinstance(said, str) and found.setdefault(name, said) != said:
                return f"{pointer}/{name}", found[name], said
    return found


def _metas(body: bytes) -> Iterator[tuple[str, dict[str, Any]]]:
    """Each `meta` of a page, that of the document and those of its resource objects; what is not an object has none."""
    page = _decode_page(body)
    yield "/meta", _members(page.meta)
    for n, raw in enumerate(page.data):
        yield f"/data/{n}/meta", _members(_meta_of(raw))
    for n, raw in enumerate(_included(page.included)):
        yield f"/included/{n}/meta", _members(_meta_of(raw))


def _included(raw: Raw | UnsetType) -> list[Raw]:
    try:
        return [] if raw is UNSET else _decode_list(raw)
    except FAILURES:
        return []


def _meta_of(raw: Raw) -> Raw | UnsetType:
    try:
        return _decode_object(raw).meta
    except FAILURES:
        return UNSET


def _members(raw: Raw | UnsetType) -> dict[str, Any]:
    try:
        return {} if raw is UNSET else _decode_members(raw)
    except FAILURES:
        return {}
