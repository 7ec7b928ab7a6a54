"""Documents to try: legal ones of JSON:API 1.1, and what becomes of them when something is changed."""

import json
from typing import Any

from hypothesis import strategies as st

TYPES = ("articles", "people", "comments", "martians")
names = st.text("abcxyz-_ é", min_size=1, max_size=6).map(str.strip).filter(bool)
texts = st.text(max_size=8).filter(lambda text: text.isprintable() or "\n" in text)
ids = st.sampled_from(["1", "2", "3", "ä", "a b", "0"])
scalars = st.one_of(
    st.none(),
    st.booleans(),
    st.integers(),
    st.integers(-(10**30), 10**30),
    st.floats(allow_nan=False, allow_infinity=False),
    texts,
)
values = st.recursive(
    scalars, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3), max_leaves=6
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
known = {
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


def shuffled(members: dict[str, Any]) -> st.SearchStrategy[dict[str, Any]]:
    """The same members in any order."""
    return st.permutations(list(members.items())).map(dict)


def identifiers() -> st.SearchStrategy[dict[str, Any]]:
    by_id = st.fixed_dictionaries(
        {"type": st.sampled_from(TYPES), "id": ids}, optional={"meta": objects, "x:y": values, "@z": values}
    )
    by_lid = st.fixed_dictionaries({"type": st.sampled_from(TYPES), "lid": ids}, optional={"meta": objects})
    return st.one_of(by_id, by_id, by_lid)


linkage = st.one_of(st.none(), identifiers(), st.lists(identifiers(), max_size=3))
relationship = st.fixed_dictionaries({}, optional={"data": linkage, "links": links, "meta": objects, "x:y": values})


@st.composite
def resources(draw: st.DrawFn, *, local: bool = False) -> dict[str, Any]:
    type_ = draw(st.sampled_from(TYPES))
    by = draw(st.sampled_from(["id", "lid"])) if local else "id"
    required: dict[str, Any] = {"name": texts} if type_ == "people" else {}
    attributes = st.fixed_dictionaries(required, optional={**known[type_], "unknown": values, **around})
    relationships = st.dictionaries(
        st.sampled_from(["author", "comments", "next-part", "other", "@at", "x:y"]), relationship, max_size=3
    )
    optional = {"relationships": relationships, "links": links, "meta": objects, **around}
    if type_ != "people":
        optional["attributes"] = attributes
    mandatory = {"type": st.just(type_), by: ids}
    if type_ == "people":
        mandatory["attributes"] = attributes
    return draw(shuffled(draw(st.fixed_dictionaries(mandatory, optional=optional))))


@st.composite
def documents(draw: st.DrawFn) -> dict[str, Any]:
    """A legal document with primary data; now and then two resource objects share an identity, which is not."""
    data = draw(st.one_of(resources(), st.lists(resources(), max_size=4), st.none()))
    optional: dict[str, Any] = {"links": links, "meta": objects, "jsonapi": objects, "future": values, **around}
    if data is not None:
        optional["included"] = st.lists(resources(local=True), max_size=4)
    return draw(shuffled({"data": data, **draw(st.fixed_dictionaries({}, optional=optional))}))


@st.composite
def bodies(draw: st.DrawFn, document: Any) -> bytes:
    """A document as bytes, written in one of the ways JSON allows."""
    indent = draw(st.sampled_from([None, None, 1]))
    return json.dumps(document, ensure_ascii=draw(st.booleans()), indent=indent).encode()


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


@st.composite
def wrong_documents(draw: st.DrawFn) -> bytes:
    """A legal document in which a few things were changed, left out, or cut."""
    document: Any = draw(documents())
    for _ in range(draw(st.integers(1, 3))):
        path = draw(st.sampled_from(_places(document)))
        odd = st.one_of(
            values, st.sampled_from([[], {}, "", 0, None, [None], {"href": 1}, {"type": "people", "id": ""}])
        )
        document = draw(st.sampled_from([_replaced(document, path, draw(odd)), _dropped(document, path)]))
    body = draw(bodies(document))
    match draw(st.sampled_from(["whole", "whole", "whole", "cut", "spoilt", "twice"])):
        case "cut":
            return body[: draw(st.integers(0, len(body)))]
        case "spoilt":
            at = draw(st.integers(0, len(body)))
            return body[:at] + draw(st.binary(max_size=3)) + body[at + 1 :]
        case "twice":
            return body.replace(b'"id"', b'"type"', 1)
    return body
