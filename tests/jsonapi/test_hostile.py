"""Input that means harm: a typed error or a correct result, in bounded time."""

import contextlib
import copy
import json
import pickle
import sys
from collections.abc import Callable
from decimal import Decimal
from typing import Any

import pytest

from commercelayer_async.errors import DecodeError
from commercelayer_async.jsonapi import Registry, ResourceObject, parse
from tests.jsonapi.models import BLOG, CLASSES, URL, article, body_of, read


@pytest.mark.parametrize(
    ("body", "got", "offset"),
    [
        (b"", "an empty body", 0),
        (b" \n", "an empty body", 0),
        (b"\xef\xbb\xbf{}", "a byte order mark", 0),
        (b'{"data": nul', "a body that was cut short", 12),
        (b'{"data": null} {}', "trailing characters", 16),
        (b'{"data": NaN}', "invalid character", 9),
        (b'{"data": -Infinity}', None, None),
        (b"{'data': null}", None, 1),
        (b'{"data": "\xff"}', "bytes that are not UTF-8", 10),
        (b'{"data": null, "x": "\\ud800"}', "half a surrogate pair", None),
        (b"<html>", None, 0),
    ],
)
def test_what_is_no_json_is_refused_with_the_byte(body, got, offset):
    for reader in (lambda body: parse(body, URL), read):
        with pytest.raises(DecodeError) as caught:
            reader(body)
        assert got is None or caught.value.got == got
        assert offset is None or caught.value.offset == offset


_ODD: dict[str, Callable[[Any], object]] = {
    "extra": lambda found: found.extra,
    "raw_attributes": lambda found: found.raw_attributes,
    "raw": lambda found: found.raw,
    "to_dict": lambda found: found.to_dict(),
    "meta": lambda found: found.meta,
    "links": lambda found: found.links.self,
    "a relationship's linkage": lambda found: found.author.linkage,
    "a relationship's links": lambda found: found.author.links.related,
    "a relationship's meta": lambda found: found.author.meta,
    "an undeclared relationship": lambda found: found.relationships["other"].linkage,
    "an included attribute": lambda found: found.author.value,
    "an undeclared included attribute": lambda found: found.author.value.extra,
    "a pickle": lambda found: pickle.loads(pickle.dumps(found)).extra,
}
"""What reads bytes that were left as they came."""


@pytest.mark.parametrize("where", _ODD)
@pytest.mark.parametrize("many", [False, True])
def test_bytes_that_are_not_utf_8_are_never_handed_out(where, many):
    """They are refused when the part that holds them is read; a part that nobody reads is not looked at."""
    odd = "\udcff"
    one: dict[str, Any] = article(
        relationships={
            "author": {
                "data": {"type": "people", "id": "7", "meta": {"x": odd if where.endswith("linkage") else ""}},
                "links": {"related": odd if where.endswith("relationship's links") else "/x"},
                "meta": {"x": odd if where.endswith("relationship's meta") else ""},
            },
            "other": {"data": {"type": "people", "id": odd if where.startswith("an undeclared rel") else "7"}},
        },
        links={"self": odd if where == "links" else "/x"},
        meta={"x": odd if where == "meta" else ""},
    )
    one["attributes"] = {"unknown": odd} if where in ("extra", "raw_attributes", "raw", "to_dict", "a pickle") else {}
    attributes = {
        "name": odd if where == "an included attribute" else "A",
        "unknown": odd if where == "an undeclared included attribute" else "",
    }
    person = {"type": "people", "id": "7", "attributes": attributes}
    document = {"data": [one] if many else one, "included": [person]}
    body = json.dumps(document, ensure_ascii=False).encode(errors="surrogateescape")
    found: Any = Registry(*CLASSES).read(body, url=URL)

    with pytest.raises(DecodeError) as caught:
        _ODD[where](found[0] if many else found)
    assert "UTF-8" in caught.value.got


@pytest.mark.parametrize("where", ["document", "resource object"])
@pytest.mark.parametrize("many", [False, True])
def test_a_name_that_is_not_utf_8_hides_nothing_in_silence(where, many):
    one: dict[str, Any] = article(
        relationships={"author": {"data": {"type": "people", "id": "7"}}}, links={"self": "/x"}
    )
    document: dict[str, Any] = {
        "data": [one] if many else one,
        "included": [{"type": "people", "id": "7", "attributes": {"name": "A"}}],
    }
    (document if where == "document" else one)["\udcff"] = 1
    body = json.dumps(document, ensure_ascii=False).encode(errors="surrogateescape")
    read_it: Any = Registry(*CLASSES).read(body, url=URL)
    found = read_it[0] if many else read_it

    again = copy.deepcopy(found), pickle.loads(pickle.dumps(found))
    assert again == (found, found)
    for of in (lambda one: one.links, lambda one: one.meta, lambda one: one.raw, lambda one: one.extra):
        with pytest.raises(DecodeError, match="UTF-8"):
            of(found)
    assert found.author.loaded
    for other in again:
        with pytest.raises(DecodeError, match="UTF-8"):
            _ = other.author.loaded


@pytest.mark.parametrize("member", ["id", "type", "lid", "attributes", "\udcff"])
@pytest.mark.parametrize("many", [False, True])
def test_a_neighbour_whose_bytes_are_not_utf_8_hides_nothing_of_a_resource(member, many):
    """It is refused when somebody looks for what is included, and not before."""
    one: dict[str, Any] = article(
        relationships={"author": {"data": {"type": "people", "id": "7"}}}, links={"self": "/x"}
    )
    odd = {"type": "people", "id": "8", member: "\udcff"}
    if member == "lid":
        del odd["id"]
    document = {"data": [one] if many else one, "included": [odd]}
    body = json.dumps(document, ensure_ascii=False).encode(errors="surrogateescape")
    read_it: Any = Registry(*CLASSES).read(body, url=URL)
    found = read_it[0] if many else read_it

    assert copy.deepcopy(found) == found
    assert pickle.loads(pickle.dumps(found)) == found
    assert found.links.self.href == "/x"
    assert found.raw["links"] == {"self": "/x"}
    if member in ("id", "type", "lid"):
        with pytest.raises(DecodeError):
            _ = found.author.loaded


@pytest.mark.parametrize("registry", [BLOG, BLOG.lenient()], ids=["strict", "lenient"])
@pytest.mark.parametrize(
    "attributes", ['{"\udcff": 1, "born": 5}', '{"born": "\udcff"}', '{"name": "\udcff"}', '"\udcff"']
)
def test_the_slowest_way_refuses_what_is_not_utf_8_without_keeping_it(registry, attributes):
    """A value of the wrong type leads to it; the error that msgspec raised there would hold the bytes."""
    body = f'{{"data": {{"type": "people", "id": "1", "attributes": {attributes}}}}}'.encode(errors="surrogateescape")

    failure = None
    try:
        _ = registry.read(body, url=URL).raw
    except DecodeError as error:
        failure = error
    assert failure is not None
    assert failure.__context__ is None


def test_errors_name_the_url_and_never_quote_the_body():
    with pytest.raises(DecodeError) as caught:
        read(b'{"data": "tok_secret" x')

    assert URL in str(caught.value)
    assert "tok_secret" not in str(caught.value)


@pytest.mark.parametrize("opening", [b"[", b'{"a":'])
def test_nesting_without_end_is_a_typed_error(opening):
    for body in (opening * 100_000, b'{"data":null,"meta":' + opening * 100_000):
        for reader in (parse, BLOG.read):
            with pytest.raises(DecodeError):
                reader(body)


@pytest.mark.parametrize("depth", [200, 500, 900])
@pytest.mark.parametrize("type_", ["articles", "martians"])
def test_what_was_read_of_deep_nesting_can_be_handled(depth, type_):
    """From anywhere, also deeper in the stack than where it was read."""
    body = b'{"data":{"type":"%s","id":"1","attributes":{"settings":{"x":%s1%s}}}}' % (
        type_.encode(),
        b"[" * depth,
        b"]" * depth,
    )
    resource, other = read(body), read(body)

    def handled(levels):
        if levels:
            return handled(levels - 1)
        assert resource == other
        assert hash(resource) == hash(other)
        assert repr(resource)
        assert copy.deepcopy(resource) == resource
        assert pickle.loads(pickle.dumps(resource)) == resource
        with contextlib.suppress(DecodeError):
            resource.to_dict()
        return None

    handled(min(700, sys.getrecursionlimit() - 250))


def test_a_difference_deep_inside_is_seen():
    bodies = [
        b'{"data":{"type":"x","id":"1","attributes":{"x":' + b"[" * 800 + n + b"]" * 800 + b"}}}" for n in (b"1", b"2")
    ]
    first, second = map(read, bodies)

    def compared(levels):
        return compared(levels - 1) if levels else first == second

    assert not compared(600)


@pytest.mark.parametrize("type_", ["articles", "martians"])
@pytest.mark.parametrize("digits", [5_000, 100_000])
def test_integers_of_thousands_of_digits_are_a_typed_error(type_, digits):
    body = b'{"data":{"type":"%s","id":"1","attributes":{"views":%s}}}' % (type_.encode(), b"9" * digits)

    with pytest.raises(DecodeError):
        read(body)


def test_integers_and_decimals_keep_every_digit():
    numbers = (
        b'{"a":123456789012345678901234567890,"b":0.1,"c":0.12345678901234567890,"d":1e400,"e":1.10,"f":-0.0,"g":1E5}'
    )
    resource = read(b'{"data":{"type":"martians","id":"1","attributes":' + numbers + b"}}")

    assert resource.attributes["a"] == 123456789012345678901234567890
    assert resource.attributes["c"] == Decimal("0.12345678901234567890")
    assert resource.attributes["d"] == Decimal("1e400")
    assert [type(resource.attributes[name]) for name in "befg"] == [float] * 4
    assert json.loads(numbers, parse_float=Decimal)["c"] == resource.raw["attributes"]["c"]


def test_a_number_beyond_all_bounds_is_a_typed_error():
    with pytest.raises(DecodeError, match="sane size"):
        read(b'{"data":{"type":"martians","id":"1","attributes":{"x":1e99999999999999999999}}}')


def test_of_two_members_of_one_name_the_last_counts():
    last = b'"type":"articles","id":"1","id":"2","attributes":1,"attributes":{"title":3,"title":"t"}'
    body = b'{"data":1,"data":{"type":"x","id":5,' + last + b"}}"
    resource = read(body)

    assert (resource.type, resource.id, resource.title) == ("articles", "2", "t")
    primary = parse(body).data
    assert isinstance(primary, ResourceObject)
    assert primary.id == "2"
    assert resource.raw["id"] == "2"


def test_the_number_of_resources_is_limited():
    small: Any = Registry(*CLASSES, max_resources=2)
    three = [article(str(n), relationships={"next-part": {"data": {"type": "articles", "id": "x"}}}) for n in range(3)]

    assert len(small.read(body_of({"data": three[:2]}))) == 2
    with pytest.raises(DecodeError, match="at most 2 resources, got 3 at /data"):
        small.read(body_of({"data": three}))
    resource = small.read(body_of({"data": three[0], "included": three}))
    with pytest.raises(DecodeError, match="at /included"):
        resource.next_part.state  # noqa: B018 - reading it is the test
    for name in ("data", "included"):
        with pytest.raises(DecodeError, match=f"at /{name}"):
            parse(body_of({"data": [], name: three}), max_resources=2)


def test_fifty_thousand_linked_resources_are_read_in_linear_time():
    def calls(count):
        """Count the calls of Python and C functions, which a busy machine does not change."""
        chain = [
            article(str(n), relationships={"next-part": {"data": {"type": "articles", "id": str(n + 1)}}})
            for n in range(count)
        ]
        body = body_of({"data": chain[0], "included": chain[1:]})
        made = 0

        def count_call(_frame, event, _function):
            nonlocal made
            made += event in ("call", "c_call")

        sys.setprofile(count_call)
        try:
            resource = read(body)
            while resource.next_part.loaded:
                resource = resource.next_part.value
            assert resource.links.self is None
        finally:
            sys.setprofile(None)
        return made

    read(body_of({"data": article("1")}))  # what is made once, for the first document
    few = calls(5_000)
    assert few > 5_000
    assert calls(50_000) < 10.1 * few


def test_names_of_machinery_are_mere_names():
    attributes = {"__class__": "x", "__dict__": 1, "_document": 2, "_relationships": 3, "self": 4, "title": "t"}
    resource = read({"data": article(attributes=attributes)})

    assert type(resource).__name__ == "Article"
    assert resource.title == "t"
    assert resource.extra == {name: value for name, value in attributes.items() if name != "title"}


def test_an_attribute_called_id_or_type_does_not_change_the_identity():
    for type_ in ("articles", "martians"):
        resource = read({"data": {"type": type_, "id": "1", "attributes": {"id": "X", "type": "y"}}})
        assert (resource.type, resource.id) == (type_, "1")
        assert resource.raw_attributes == {"id": "X", "type": "y"}


@pytest.mark.parametrize("attributes", [[1], "x", 5, False])
def test_attributes_that_are_no_object_are_refused(attributes):
    for type_ in ("articles", "martians"):
        with pytest.raises(DecodeError) as caught:
            read({"data": [{"type": type_, "id": "1", "attributes": attributes}]})
        assert caught.value.pointer == "/data/0/attributes"


def test_null_attributes_are_none():
    assert read({"data": article(attributes=None)}).raw_attributes == {}
    assert read({"data": {"type": "martians", "id": "1", "attributes": None}}).attributes == {}
