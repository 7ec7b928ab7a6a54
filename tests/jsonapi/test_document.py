"""Documents as received: the top level, resource objects, errors."""

from decimal import Decimal
from typing import Any

import pytest

from commercelayer_async.errors import DecodeError
from commercelayer_async.jsonapi import JSON_API, MediaType, Registry, media_type, parse
from tests.jsonapi.models import BLOG, URL, article, body_of, read


def parsed(document, **options):
    return parse(body_of(document), URL, **options)


@pytest.mark.parametrize(
    ("header", "name"),
    [
        ("application/vnd.api+json; charset=utf-8; x=1", JSON_API),
        ("Application/VND.API+JSON", JSON_API),
        ('application/vnd.api+json; x="a;b,c=ext"', JSON_API),
        ("text/html, application/vnd.api+json", "text/html"),
        ("", ""),
        (None, ""),
    ],
)
def test_parameters_other_than_ext_and_profile_do_not_matter(header, name):
    assert media_type(header) == MediaType(name=name)
    assert media_type(header).is_json_api == (name == JSON_API)


def test_ext_and_profile_are_lists_of_uris_in_one_quoted_string():
    found = media_type(
        'application/vnd.api+json; EXT="https://a.example/x https://b.example/y";profile="https://p/\\"q"'
    )

    assert found.ext == ("https://a.example/x", "https://b.example/y")
    assert found.profile == ('https://p/"q',)


def test_the_header_and_not_the_body_says_what_was_applied():
    document = parsed(
        {"jsonapi": {"version": "9.9", "ext": ["https://a.example/x"], "profile": []}, "data": None},
        content_type='application/vnd.api+json; profile="https://p.example/"',
    )

    assert document.media_type.ext == ()
    assert document.media_type.profile == ("https://p.example/",)
    assert document.jsonapi == {"version": "9.9", "ext": ["https://a.example/x"], "profile": []}


@pytest.mark.parametrize(
    ("root", "got"), [([1], "an array"), (None, "null"), (True, "a boolean"), (4, "a number"), ("x", "a string")]
)
def test_a_document_is_an_object(root, got):
    for reader in (parsed, read):
        with pytest.raises(DecodeError) as caught:
            reader(root)
        assert caught.value.got == got


@pytest.mark.parametrize("document", [{}, {"jsonapi": {}}, {"@at": 1}, {"@x:y": 1}])
def test_a_document_has_data_errors_meta_or_a_member_of_an_extension(document):
    with pytest.raises(DecodeError):
        parsed(document)


def test_a_member_of_an_extension_is_enough_for_a_document():
    assert parsed({"atomic:results": []}).extra == {"atomic:results": []}


def test_errors_win_over_data():
    document = parsed({"data": {"type": "a", "id": "1"}, "errors": [{"status": "500"}]})

    assert document.has_errors
    assert document.data.id == "1"
    with pytest.raises(DecodeError) as caught:
        read({"data": None, "errors": [{}]})
    assert caught.value.pointer == "/errors"


@pytest.mark.parametrize("errors", [None, [], {}, "", False])
@pytest.mark.parametrize("data", [{"type": "articles", "id": "1"}, {"type": "martians", "id": "1"}, [], None])
def test_empty_errors_beside_data_are_no_errors(data, errors):
    """A serializer that writes every member sends null for what there is nothing of, as for links and meta."""
    document = {"data": data, "errors": errors, "links": None, "meta": None, "included": None}

    assert not parsed(document).has_errors
    assert parsed(document).errors == ()
    for registry in (BLOG, BLOG.lenient()):
        assert read(document, registry=registry) == read({"data": data}, registry=registry)


@pytest.mark.parametrize("errors", [None, [], {}])
def test_empty_errors_in_place_of_data_are_no_data(errors):
    assert parsed({"errors": errors}).has_errors
    with pytest.raises(DecodeError) as caught:
        read({"errors": errors})
    assert caught.value.pointer == "/errors"


def test_primary_data_has_five_forms():
    one = {"type": "a", "id": "1"}

    assert parsed({"data": None}).data is None
    assert parsed({"data": None}).has_data
    assert parsed({"data": one}).data.id == "1"
    assert parsed({"data": [one]}).data[0].identifier.key == ("a", "id", "1")
    assert parsed({"data": []}).data == ()


def test_null_is_a_success_without_a_resource():
    assert read({"data": None}) is None


def test_a_document_of_meta_alone_has_no_data():
    document = parsed({"meta": {"queued": True}})

    assert not document.has_data
    assert document.meta == {"queued": True}
    with pytest.raises(DecodeError):
        read({"meta": {}})


def test_a_collection_of_one_is_still_a_collection():
    assert isinstance(read({"data": [{"type": "a", "id": "1"}]}), tuple)
    assert read({"data": []}) == ()


def test_included_without_data_is_kept():
    assert parsed({"meta": {}, "included": [{"type": "a", "id": "1"}]}).included[0].id == "1"


def test_top_level_links_are_kept():
    document = parsed(
        {"data": [], "links": {"self": "/a?page[number]=2", "describedby": "/d", "x:y": "/e", "prev": None}}
    )

    assert document.links.self.url == "https://blog.example/a?page[number]=2"
    assert document.links.describedby.href == "/d"
    assert document.links["x:y"].href == "/e"
    assert document.links.prev is document.links.next is None


def test_members_that_nobody_defined_are_kept_and_ignored():
    assert parsed({"data": None, "future": {"a": 1}}).extra == {"future": {"a": 1}}
    assert read({"data": None, "future": {"a": 1}, "index": 1, "body": 2, "primary": 3}) is None


@pytest.mark.parametrize(
    ("member", "value", "got"),
    [
        ("id", 12, "a number (12)"),
        ("id", "", "an empty string"),
        ("id", None, "null"),
        ("type", [], "an array"),
        ("type", ..., "nothing"),
    ],
)
def test_identity_is_text_and_never_converted(member, value, got):
    resource = {"type": "a", "id": "1", member: value}
    if value is ...:
        del resource[member]
    for reader in (parsed, read):
        with pytest.raises(DecodeError) as caught:
            reader({"data": resource})
        assert (caught.value.pointer, caught.value.got) == (f"/data/{member}", got)


@pytest.mark.parametrize("wrong", [{"data": 1}, {"data": [1]}, {"data": "a/1"}, {"data": [None]}])
def test_primary_data_of_another_kind_is_refused_with_its_place(wrong):
    for reader in (parsed, read):
        with pytest.raises(DecodeError) as caught:
            reader(wrong)
        assert caught.value.pointer.startswith("/data")


def test_meta_stands_in_seven_places_and_is_never_mixed():
    body = {
        "meta": {"t": 1},
        "jsonapi": {"meta": {"j": 1}},
        "links": {"self": {"href": "/", "meta": {"k": 1}}},
        "data": {
            "type": "a",
            "id": "1",
            "meta": {"r": 1},
            "relationships": {"b": {"meta": {"l": 1}, "data": {"type": "b", "id": "2", "meta": {"i": 1}}}},
        },
    }
    document, resource = parsed(body), read(body)
    errors = parsed({"errors": [{"meta": {"e": 1}}]}).errors

    assert document.meta == {"t": 1}
    assert document.jsonapi == {"meta": {"j": 1}}
    assert document.links.self.meta == {"k": 1}
    assert resource.meta == document.data.meta == {"r": 1}
    assert resource.relationships["b"].meta == {"l": 1}
    assert resource.relationships["b"].identifiers[0].meta == {"i": 1}
    assert errors[0].meta == {"e": 1}


def test_meta_that_is_no_object_is_refused_and_null_is_none():
    with pytest.raises(DecodeError) as caught:
        parsed({"data": None, "meta": [1]})
    assert caught.value.pointer == "/meta"
    assert parsed({"data": None, "meta": None}).meta == {}
    resource = read({"data": {"type": "a", "id": "1", "meta": 1}})
    with pytest.raises(DecodeError) as caught:
        resource.meta  # noqa: B018 - reading it is the test
    assert caught.value.pointer == "/data/meta"


def test_at_members_and_members_of_extensions_are_no_attributes():
    attributes = {"@id": "y", "name": "n", "version:x": 1}
    for type_ in ("a", "articles"):
        resource = read(
            {"data": {"@context": "x", "version:id": "42", "type": type_, "id": "1", "attributes": attributes}}
        )
        assert resource.raw_attributes == {"name": "n"}
        assert resource.raw["@context"] == "x"
        assert resource.raw["version:id"] == "42"
        assert resource.raw["attributes"] == attributes


def test_names_are_case_sensitive_and_any_text():
    attributes = {"Name": 1, "name": 2, "first name": 3, "größe": 4, "a_b": 5, "a-b": 6, "": 7}

    assert read({"data": {"type": "a", "id": "1", "attributes": attributes}}).attributes == attributes


def test_all_errors_are_kept_in_order():
    given = [
        {
            "id": "e1",
            "status": "422",
            "code": "VALIDATION_ERROR",
            "title": "must exist",
            "detail": "customer must exist",
            "source": {"pointer": "/data", "parameter": "include", "header": "Accept"},
            "links": {"about": "/about", "type": {"href": "/type"}},
            "meta": {"value": None},
        },
        {"status": 500, "code": 1.5},
    ]
    first, second = parsed({"errors": given}).errors

    assert (first.id, first.status, first.code, first.title) == ("e1", "422", "VALIDATION_ERROR", "must exist")
    assert first.source == {"pointer": "/data", "parameter": "include", "header": "Accept"}
    assert first.links["about"].url == "https://blog.example/about"
    assert first.links["type"].href == "/type"
    assert str(first) == "VALIDATION_ERROR: must exist: customer must exist: (/data)"
    assert (second.status, second.code) == ("500", "1.5")


@pytest.mark.parametrize(
    ("errors", "count"),
    [
        ([], 0),
        (None, 0),
        ({"status": "1"}, 1),
        ("x", 0),
        ([None, 1, {}, []], 1),
        ([{"source": 1, "links": 2, "meta": []}], 1),
    ],
)
def test_errors_of_odd_shapes_never_crash(errors, count):
    document = parsed({"errors": errors})

    assert document.has_errors
    assert len(document.errors) == count
    assert all(str(error) for error in document.errors)


def test_resource_objects_keep_every_member():
    resource = {
        "type": "a",
        "id": "1",
        "lid": "x",
        "attributes": {"n": 1},
        "links": {"self": "/a/1"},
        "future": 1,
        "@at": 2,
    }
    received = parsed({"data": resource}).data

    assert received.raw == resource
    assert (received.lid, received.attributes, received.links.self.href) == ("x", {"n": 1}, "/a/1")
    assert received.relationships == received.meta == {}


@pytest.mark.parametrize("name", ["attributes", "relationships", "links", "meta"])
@pytest.mark.parametrize("registry", [BLOG, BLOG.lenient(), Registry()], ids=repr)
def test_an_empty_array_in_place_of_an_empty_object_is_none(name, registry):
    """PHP writes an empty object so, as others write null."""
    resource = read({"data": {"type": "articles", "id": "1", name: []}}, registry=registry)

    assert (dict(resource.raw_attributes), dict(resource.relationships)) == ({}, {})
    assert (dict(resource.links), dict(resource.meta)) == ({}, {})
    assert resource.raw == {"type": "articles", "id": "1", name: []}
    assert resource.to_dict() == {"type": "articles", "id": "1", "attributes": resource.to_dict()["attributes"]}


def test_an_empty_array_in_place_of_an_empty_object_is_none_at_any_level():
    document = {"data": {"type": "articles", "id": "1", "relationships": {"author": []}}, "meta": [], "links": []}

    assert (parsed(document).meta, dict(parsed(document).links)) == ({}, {})
    assert read(document).author.state == "absent"
    odd: list[Any] = [{"meta": []}, {"links": []}, {"data": {"type": "people", "id": "1", "meta": []}}]
    for relationship in odd:
        author = read({"data": article(relationships={"author": relationship})}).author
        assert (dict(author.meta), dict(author.links)) == ({}, {})
        assert [one.meta for one in author.identifiers] == [{}] * len(author.identifiers)


def test_integers_and_decimals_of_any_length_keep_their_digits():
    """A float tells apart numbers of 15 digits, some of 16, and few of 17."""
    for digits in range(14, 40):
        for last in "13579":
            whole, fraction = f"{'9' * (digits - 1)}{last}", f"0.{'9' * (digits - 1)}{last}"
            mixed = f"{whole[:8]}.{whole[8:]}"
            body = f'{{"data": {{"type": "x", "id": "1", "attributes": {{"n": [{whole}, {fraction}, {mixed}]}}}}}}'
            resource = read(body.encode())
            for value, text in zip(resource.attributes["n"], (whole, fraction, mixed), strict=True):
                assert Decimal(str(value)) == Decimal(text)
                assert Decimal(str(resource.raw_attributes["n"][0])) == Decimal(whole)
