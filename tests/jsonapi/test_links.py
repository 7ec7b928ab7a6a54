"""Links: a string, an object or null."""

import copy
import pickle

import pytest

from commercelayer_async.errors import DecodeError
from commercelayer_async.jsonapi import Link, Links, parse
from tests.jsonapi.models import URL, article, body_of, read


def links(members, url=URL):
    return parse(body_of({"data": None, "links": members}), url).links


def test_a_link_is_a_string_an_object_or_null():
    found = links({"self": "/a", "related": {"href": "/b"}, "prev": None})

    assert (found.self.href, found.related.href, found.prev) == ("/a", "/b", None)
    assert "prev" in found
    assert found.next is found.first is found.last is None
    assert dict(found)["self"] is not None


def test_a_link_object_keeps_every_member():
    given = {
        "href": "/b",
        "rel": "alternate",
        "title": "Customer",
        "type": "text/html",
        "hreflang": ["en", "it"],
        "describedby": {"href": "/schema", "describedby": "/meta-schema"},
        "meta": {"count": 1},
        "future": 1,
    }
    link = links({"related": given}).related

    assert (link.rel, link.title, link.type, link.hreflang, link.meta) == (
        "alternate",
        "Customer",
        "text/html",
        ("en", "it"),
        {"count": 1},
    )
    assert link.describedby.url == "https://blog.example/schema"
    assert link.describedby.describedby.href == "/meta-schema"
    assert link.received == given
    assert str(link) == "/b"


def test_hreflang_may_be_one_text():
    assert links({"x": {"href": "", "hreflang": "en"}})["x"].hreflang == ("en",)


def test_the_relation_type_is_the_member_name_unless_the_link_says_otherwise():
    found = links({"describedby": "/d", "self": {"href": "/", "rel": "canonical"}})

    assert (found.describedby.rel, found.self.rel) == ("describedby", "canonical")


def test_hints_of_odd_shapes_are_as_good_as_none():
    link = links(
        {"x": {"href": "/", "rel": 1, "title": [], "type": {}, "hreflang": [1, "en"], "describedby": 5, "meta": "m"}}
    )["x"]

    assert (link.rel, link.title, link.type, link.hreflang, link.describedby, link.meta) == (
        "x",
        None,
        None,
        ("en",),
        None,
        {},
    )


@pytest.mark.parametrize(
    ("href", "url"),
    [
        ("https://other.example/x", "https://other.example/x"),
        ("//host.example/x", "https://host.example/x"),
        ("/x", "https://blog.example/x"),
        ("author", "https://blog.example/api/articles/author"),
        ("?page[number]=2", "https://blog.example/api/articles/1?page[number]=2"),
        ("", "https://blog.example/api/articles/1"),
        ("/x?ref_in=a%2Cb,c", "https://blog.example/x?ref_in=a%2Cb,c"),
        ("//[broken", "//[broken"),
    ],
)
def test_references_are_resolved_against_where_the_document_came_from(href, url):
    assert links({"x": href})["x"].url == url
    assert links({"x": href}, None)["x"].url == href


@pytest.mark.parametrize(
    ("link", "pointer"),
    [(5, "/links/a~1b"), ([], "/links/a~1b"), ({}, "/links/a~1b/href"), ({"href": 1}, "/links/a~1b/href")],
)
def test_a_malformed_link_leaves_the_others_usable(link, pointer):
    found = links({"a/b": link, "self": "/s"})

    assert found.self.href == "/s"
    with pytest.raises(DecodeError) as caught:
        found["a/b"]
    assert caught.value.pointer == pointer


def test_the_place_of_a_malformed_link_is_that_of_its_owner():
    page = read(
        {"data": [article("0"), article(links={"self": 1}, relationships={"author": {"links": {"related": 2}}})]}
    )

    with pytest.raises(DecodeError) as caught:
        page[1].links.self  # noqa: B018 - reading it is the test
    assert caught.value.pointer == "/data/1/links/self"
    with pytest.raises(DecodeError) as caught:
        page[1].author.links.related  # noqa: B018 - reading it is the test
    assert caught.value.pointer == "/data/1/relationships/author/links/related"


def test_links_of_a_resource_are_its_own():
    resource = read({"data": article(links={"self": "/api/articles/1"}), "links": {"self": "/top"}})

    assert resource.links.self.url == "https://blog.example/api/articles/1"
    assert Links().self is None


def test_null_links_are_none_and_at_members_are_no_links():
    assert dict(links(None)) == {}
    found = links({"@x": "/a", "v:y": "/b", "custom": "/c"})
    assert list(found) == ["v:y", "custom"]
    assert len(found) == 2
    with pytest.raises(KeyError):
        found["@x"]
    with pytest.raises(DecodeError):
        links([1])


def test_links_pickle_and_compare():
    found = links({"self": "/a"})

    assert pickle.loads(pickle.dumps(found)) == found == copy.deepcopy(found)
    assert pickle.loads(pickle.dumps(found.self)) == found.self == Link("/a", "self", URL)
    assert len({found.self, Link("/a", "self", URL)}) == 1
    assert repr(found) == "Links(self)"
    lazy = read({"data": article(links={"self": "/a"})}).links
    assert pickle.loads(pickle.dumps(lazy)) == lazy
