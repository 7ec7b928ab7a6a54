"""A slow and obvious reader of the same documents, to hold the fast one against."""

from typing import Any


def without_extensions(members: dict[str, Any]) -> dict[str, Any]:
    return {name: value for name, value in members.items() if not name.startswith("@") and ":" not in name}


def as_list(data: Any) -> list[dict[str, Any]]:
    return data if isinstance(data, list) else [] if data is None else [data]


def key_of(identified: dict[str, Any]) -> tuple[str, str, str]:
    by = "id" if "id" in identified else "lid"
    return (identified["type"], by, identified[by])


def table_of(document: dict[str, Any]) -> dict[tuple[str, str, str], dict[str, Any]]:
    """Resource objects by identity: primary data before included, the first before the second."""
    table: dict[tuple[str, str, str], dict[str, Any]] = {}
    for one in [*as_list(document.get("data")), *document.get("included", [])]:
        table.setdefault(key_of(one), one)
    return table


DECLARED = {
    ("articles", "author"): (False, "people"),
    ("articles", "comments"): (True, "comments"),
    ("articles", "next-part"): (False, "articles"),
    ("people", "articles"): (True, "articles"),
    ("comments", "author"): (False, "people"),
}
"""Whether a relationship of the model leads to many, and to which type."""


def is_partial(relationship: dict[str, Any], *, many: bool | None) -> bool:
    """True if an array of linkage, or the null that stands for one, is one page of all."""
    linkage = relationship["data"]
    array = isinstance(linkage, list) if linkage else many or (many is None and linkage is not None)
    return array and relationship.get("links", {}).get("next") is not None


Table = dict[tuple[str, str, str], dict[str, Any]]


def fits_declaration(type: str, name: str, relationship: dict[str, Any], table: Table) -> bool:
    """False if linkage has another cardinality than declared, or leads to an included resource of another type."""
    linkage = relationship.get("data")
    if (type, name) not in DECLARED or not linkage:
        return True
    many, target = DECLARED[type, name]
    if isinstance(linkage, list) is not many:
        return False
    return is_partial(relationship, many=many) or all(
        one["type"] == target for one in as_list(linkage) if key_of(one) in table
    )


def state_of(relationship: dict[str, Any] | None, table: Table, *, many: bool | None = None) -> str:
    """Which of the six states a relationship object is in; `many` is what is declared."""
    if relationship is None:
        return "absent"
    if "data" not in relationship:
        if relationship.get("links"):
            return "links only"
        return "meta only" if "meta" in relationship else "absent"
    linkage = relationship["data"]
    if is_partial(relationship, many=many):
        return "identified"
    if linkage is None or linkage == []:
        return "empty"
    wanted = linkage if isinstance(linkage, list) else [linkage]
    return "included" if all(key_of(one) in table for one in wanted) else "identified"
