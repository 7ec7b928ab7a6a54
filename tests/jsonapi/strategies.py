"""Documents to try: legal ones of JSON:API 1.1, and what becomes of them when something is changed.

Every strategy is made once, when this module is read: strategies made for each draw cost more than the draws.
"""

import json
from random import Random
from typing import Any

from hypothesis import strategies as st

TYPES = ("articles", "people", "comments", "martians")
names = st.text("abcxyz-_ é", min_size=1, max_size=6).map(str.strip).filter(bool)
texts = st.text(max_size=8).filter(lambda text: text.isprintable() or "\n" in text)
ids = st.sampled_from(["1", "2", "0", "ä b"])
"""So few that linkage often leads to a resource of the document."""
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)


def _holding(inner: st.SearchStrategy[Any]) -> st.SearchStrategy[Any]:
    """Arrays and objects of such values."""
    return st.one_of(st.lists(inner, max_size=3), st.dictionaries(names, inner, max_size=3))


values = st.one_of(
    scalars, scalars, _holding(st.one_of(scalars, scalars, _holding(st.one_of(scalars, _holding(scalars)))))
)
objects = st.dictionaries(names, values, max_size=3)
links_of_any_form = st.one_of(
    st.none(),
    st.sampled_from(["/a", "?page=2", "", "https://blog.example/x", "//host/x"]),
    st.fixed_dictionaries(
        {"href": st.just("/o")},
        optional={
            "rel": st.just("alternate"),
            "title": texts,
            "type": st.just("text/html"),
            "hreflang": st.sampled_from(["en", ["en", "it"]]),
            "describedby": st.sampled_from(["/schema", {"href": "/schema"}]),
            "meta": objects,
        },
    ),
)
links = st.dictionaries(st.sampled_from(["self", "related", "next", "x:y", "@z"]), links_of_any_form, max_size=3)
around = {"@at": values, "ext:member": values}

times = st.sampled_from(["2018-01-01T12:00:00.000Z", "2020-02-29T00:00:00+02:00", None])
tags = st.none() | st.lists(texts, max_size=3)
known: dict[str, dict[str, st.SearchStrategy[Any]]] = {
    "articles": {
        "title": st.none() | texts,
        "created_at": times,
        "rating": st.none() | st.floats(-1e6, 1e6),
        "views": st.none() | st.integers(-(10**25), 10**25),
        "public": st.none() | st.booleans(),
        "mood": st.sampled_from([None, "calm", "loud"]),
        "tags": tags,
        "settings": st.none() | objects,
    },
    "people": {"email": st.none() | texts, "born": st.none() | st.integers(0, 3000)},
    "comments": {"body": st.none() | texts},
    "martians": {"tentacles": values, "type": values, "id": values},
}


def shuffled(members: st.SearchStrategy[dict[str, Any]]) -> st.SearchStrategy[dict[str, Any]]:
    """The same members in any order."""
    return st.tuples(members, orders).map(_in_order)


orders = st.integers(0, 2**32 - 1)
"""How to shuffle; 0 leaves things where they are."""


def _in_order(drawn: tuple[dict[str, Any], int]) -> dict[str, Any]:
    members, order = drawn
    if not order:
        return members
    items = list(members.items())
    Random(order).shuffle(items)
    return dict(items)


def identifiers() -> st.SearchStrategy[dict[str, Any]]:
    by_id = st.fixed_dictionaries(
        {"type": st.sampled_from(TYPES), "id": ids}, optional={"meta": objects, "x:y": values, "@z": values}
    )
    by_lid = st.fixed_dictionaries({"type": st.sampled_from(TYPES), "lid": ids}, optional={"meta": objects})
    return st.one_of(by_id, by_id, by_lid)


linkage = st.one_of(st.none(), identifiers(), st.lists(identifiers(), max_size=3))
relationship = st.fixed_dictionaries({}, optional={"data": linkage, "links": links, "meta": objects, "x:y": values})


def _resources(type_: str, by: str) -> st.SearchStrategy[dict[str, Any]]:
    required: dict[str, st.SearchStrategy[Any]] = {"name": texts} if type_ == "people" else {}
    attributes = st.fixed_dictionaries(required, optional={**known[type_], "unknown": values, **around})
    relationships = st.dictionaries(
        st.sampled_from(["author", "comments", "next-part", "other", "@at", "x:y"]), relationship, max_size=3
    )
    mandatory: dict[str, Any] = {"type": st.just(type_), by: ids}
    optional: dict[str, Any] = {"relationships": relationships, "links": links, "meta": objects, **around}
    (mandatory if required else optional)["attributes"] = attributes
    return shuffled(st.fixed_dictionaries(mandatory, optional=optional))


resources = st.one_of([_resources(type_, "id") for type_ in TYPES])
local_resources = st.one_of([_resources(type_, by) for type_ in TYPES for by in ("id", "lid")])


def _documents(data: st.SearchStrategy[Any], **members: st.SearchStrategy[Any]) -> st.SearchStrategy[dict[str, Any]]:
    others = {"links": links, "meta": objects, "jsonapi": objects, "future": values, **around}
    return shuffled(st.fixed_dictionaries({"data": data, **members}, optional=others))


documents = st.one_of(
    _documents(resources),
    _documents(st.lists(resources, max_size=4)),
    _documents(st.none()),
    _documents(resources, included=st.lists(local_resources, max_size=4)),
    _documents(st.lists(resources, min_size=1, max_size=4), included=st.lists(local_resources, max_size=4)),
)
"""Legal documents with primary data; now and then two resource objects share an identity, which is not legal."""

writings = st.fixed_dictionaries({"indent": st.sampled_from([None, None, 1]), "ensure_ascii": st.booleans()})
"""Ways to write JSON."""


def _written(document: Any, writing: dict[str, Any]) -> bytes:
    return json.dumps(document, **writing).encode()


legal = st.tuples(documents, writings).map(lambda drawn: (drawn[0], _written(*drawn)))
"""Legal documents, each with its bytes."""


def _places(value: Any, path: tuple[Any, ...] = ()) -> list[tuple[Any, ...]]:
    entries = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    return [path, *(place for key, entry in entries for place in _places(entry, (*path, key)))]


def _replaced(value: Any, path: tuple[Any, ...], new: Any) -> Any:
    if not path:
        return new
    key, *rest = path
    double = value.copy()
    double[key] = _replaced(value[key], tuple(rest), new)
    return double


def _dropped(value: Any, path: tuple[Any, ...]) -> Any:
    if not path:
        return value
    key, *rest = path
    double = value.copy()
    if rest:
        double[key] = _dropped(value[key], tuple(rest))
    else:
        del double[key]
    return double


somewhere = st.integers(0, 2**16)
odd = st.one_of(values, st.sampled_from([[], {}, "", 0, None, [None], {"href": 1}, {"type": "people", "id": ""}]))
changes = st.lists(st.tuples(somewhere, st.one_of(st.none(), st.tuples(odd))), min_size=1, max_size=3)
"""What is done to a document: a place in it, and what comes there; None for nothing."""
spoils = st.sampled_from(["whole", "whole", "whole", "cut", "spoilt", "twice"])
few_bytes = st.binary(max_size=3)


@st.composite
def wrong_documents(draw: st.DrawFn) -> bytes:
    """A legal document in which a few things were changed, left out, or cut."""
    document: Any = draw(documents)
    for at, new in draw(changes):
        places = _places(document)
        path = places[at % len(places)]
        document = _dropped(document, path) if new is None else _replaced(document, path, *new)
    body = _written(document, draw(writings))
    match draw(spoils):
        case "cut":
            return body[: draw(somewhere) % (len(body) + 1)]
        case "spoilt":
            at = draw(somewhere) % (len(body) + 1)
            return body[:at] + draw(few_bytes) + body[at + 1 :]
        case "twice":
            return body.replace(b'"id"', b'"type"', 1)
    return body
