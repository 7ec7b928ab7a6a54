"""Relationships: six states that stay apart, and the way to the target."""

import asyncio
import copy
import gc
import pickle
import weakref
from collections.abc import Mapping
from typing import Any, cast

import pytest

from commercelayer_async.errors import ConfigurationError, DecodeError, SessionError
from commercelayer_async.jsonapi import Follow, GenericRelationship, ResourceIdentifier, ToManyRelationship, parse
from commercelayer_async.jsonapi import RelationshipState as State
from tests.jsonapi.models import BLOG, URL, Article, Comment, Person, article, body_of, read, related

PERSON = {"type": "people", "id": "7", "attributes": {"name": "Ada"}}
TO_PERSON = {"type": "people", "id": "7"}


class Fetching:
    """A `Follow` that counts, and gives the same answer to all."""

    def __init__(self, answer=None):
        self.asked = []
        self.answer = answer

    async def follow(self, relationship, *, include=(), anew=False):
        self.asked.append((relationship.name, tuple(include), anew))
        return self.answer


@pytest.mark.parametrize(
    ("relationship", "state"),
    [
        ({}, State.ABSENT),
        ({"links": {}}, State.ABSENT),
        (None, State.ABSENT),
        ({"links": {"related": "/x"}}, State.LINKS_ONLY),
        ({"links": {"self": "/x"}, "meta": {}}, State.LINKS_ONLY),
        ({"links": {"related": {"href": "/x"}}}, State.LINKS_ONLY),
        ({"links": {"related": None}}, State.LINKS_ONLY),
        ({"links": {"@at": None}}, State.LINKS_ONLY),
        ({"meta": {"count": 3}}, State.META_ONLY),
        ({"data": None, "links": {"related": "/x"}}, State.EMPTY),
        ({"data": []}, State.EMPTY),
        ({"data": {"type": "people", "id": "9"}}, State.IDENTIFIED),
        ({"data": [TO_PERSON, {"type": "people", "id": "9"}]}, State.IDENTIFIED),
        ({"data": [TO_PERSON], "links": {"next": "/x?page=2"}}, State.IDENTIFIED),
        ({"data": [], "links": {"next": {"href": "/x?page=2"}}}, State.IDENTIFIED),
        ({"data": TO_PERSON}, State.INCLUDED),
        ({"data": [TO_PERSON]}, State.INCLUDED),
        ({"data": [TO_PERSON], "links": {"next": None}}, State.INCLUDED),
    ],
)
def test_the_six_states_stay_apart(relationship, state):
    many = isinstance((relationship or {}).get("data"), list)
    document = {**related(author=relationship, mentions=relationship), "included": [PERSON]}

    assert (read(document).mentions if many else read(document).author).state is state
    assert read(document).relationships["mentions" if many else "author"].state is state
    generic = read({"data": {**document["data"], "type": "novel"}, "included": [PERSON]})
    assert generic.relationships["author"].state is state


def test_a_relationship_that_the_document_lacks_is_absent():
    resource = read({"data": article()})

    assert resource.author.state is State.ABSENT
    assert dict(resource.relationships) == {}
    with pytest.raises(KeyError):
        resource.relationships["nonsense"]


@pytest.mark.parametrize("said", [{}, {"comments": {"data": []}}])
def test_reading_what_the_document_lacks_adds_no_relationship(said):
    """Declared ones are read by attribute and by name, with or without others that the document has."""
    resource = read({"data": article(relationships=said)})

    assert resource.author.state is State.ABSENT
    assert resource.relationships["next-part"].state is State.ABSENT
    assert resource.author is resource.author
    assert list(resource.relationships) == list(said)
    assert len(resource.relationships) == len(said)
    assert "author" not in list(resource.relationships)
    assert list(resource.to_dict().get("relationships", {})) == list(said)


async def test_null_and_empty_linkage_never_cost_a_request():
    resource = read(related(author={"data": None, "links": {"related": "/x"}}, comments={"data": []}))

    assert resource.author.loaded
    assert await resource.author is None
    assert await resource.comments == ()


async def test_links_only_is_not_none_but_asks():
    follow = Fetching("answer")
    resource = read(related(author={"links": {"related": "/x"}})).bind(follow)

    assert not resource.author.loaded
    assert await resource.author == "answer"
    assert await resource.author == "answer"
    assert follow.asked == [("author", (), False)]
    assert await resource.author.fetch(include=["articles"]) == "answer"
    assert follow.asked[1:] == [("author", ("articles",), True)]


async def test_without_a_session_asking_is_an_error_that_says_so():
    resource = read(related(author={"links": {"related": "/x"}}))

    with pytest.raises(SessionError, match=r"articles/1\.author"):
        await resource.author
    with pytest.raises(ConfigurationError):
        Article(id="1").bind(Fetching())  # type: ignore[arg-type] # it only follows


async def test_an_included_target_costs_no_request():
    resource = read({**related(author={"data": TO_PERSON}), "included": [PERSON]})

    assert (await resource.author).name == "Ada"
    assert resource.author.value is await resource.author


def test_value_is_what_is_loaded_and_refuses_to_guess():
    resource = read(
        {**related(author={"data": TO_PERSON}, comments={"links": {"related": "/c"}}), "included": [PERSON]}
    )

    assert resource.author.value.name == "Ada"
    with pytest.raises(ConfigurationError, match=r"articles/1\.comments is not loaded \(links only\)"):
        resource.comments.value  # noqa: B018 - reading it is the test


def test_meta_and_links_of_a_relationship_are_kept():
    links = {
        "self": "/articles/1/relationships/comments",
        "related": "/articles/1/comments",
        "next": "?page=2",
        "x:y": None,
    }
    comments = read(related(comments={"links": links, "meta": {"count": 3}, "data": [TO_PERSON]})).comments

    assert comments.meta == {"count": 3}
    assert comments.links.self.href.endswith("/relationships/comments")
    assert comments.links.related.url == "https://blog.example/articles/1/comments"
    assert comments.links.next.url == "https://blog.example/api/articles/1?page=2"
    assert comments.links["x:y"] is None
    assert comments.to_many


def test_cardinality_is_the_classs_or_unknown():
    resource = read(related(author={"links": {"related": "/x"}}, other={"links": {"related": "/y"}}))

    assert resource.author.to_many is False
    assert resource.relationships["other"].to_many is None


def test_names_of_relationships_are_any_text():
    resource = read(
        related(**{"next-part": {"data": {"type": "articles", "id": "2"}}, "class": {"meta": {}}, "Class": {}})
    )

    assert resource.next_part.identifier == ResourceIdentifier("articles", "2")
    assert list(resource.relationships) == ["next-part", "class", "Class"]


def test_order_and_duplicates_of_linkage_are_kept_with_the_meta_of_each_reference():
    linkage = [
        {"type": "people", "id": "1", "meta": {"weight": 2}},
        {"type": "martians", "id": "1"},
        {"type": "people", "id": "1", "meta": {"weight": 9}, "future": 1},
    ]
    identifiers = read(related(comments={"data": linkage})).comments.identifiers

    assert [one.meta for one in identifiers] == [{"weight": 2}, {}, {"weight": 9}]
    assert identifiers[0] == identifiers[2] != identifiers[1]
    assert hash(identifiers[0]) == hash(identifiers[2])


def test_linkage_of_several_types_gives_each_its_class():
    document = {
        **related(mentions={"data": [TO_PERSON, {"type": "martians", "id": "1"}]}),
        "included": [{"type": "martians", "id": "1"}, PERSON],
    }
    person, martian = read(document).mentions.value

    assert isinstance(person, Person)
    assert martian.type == "martians"


@pytest.mark.parametrize(
    ("data", "pointer"),
    [
        ("people/1", "/data"),
        (5, "/data"),
        ({}, "/data/type"),
        ({"type": "people"}, "/data/id"),
        ({"type": "people", "id": 1}, "/data/id"),
        ({"type": "people", "id": ""}, "/data/id"),
        ({"type": "people", "lid": 1}, "/data/lid"),
        ({"type": "people", "id": "1", "meta": [1]}, "/data/meta"),
        ([TO_PERSON, None], "/data/1"),
        ([{"type": 1, "id": "1"}], "/data/0/type"),
    ],
)
def test_malformed_linkage_is_an_error_with_its_place(data, pointer):
    page = read({"data": [article("0"), article(relationships={"author": {"data": data}, "comments": {"data": []}})]})
    author = page[1].author

    assert "malformed" in repr(author)
    with pytest.raises(DecodeError) as caught:
        author.state  # noqa: B018 - reading it is the test
    assert caught.value.pointer == f"/data/1/relationships/author{pointer}"
    assert page[1].comments.state is State.EMPTY


@pytest.mark.parametrize(
    ("relationships", "pointer"),
    [
        ([1], ""),
        ("x", ""),
        ({"author": [1]}, "/author"),
        ({"author": {"links": [1]}}, "/author/links"),
        ({"author": {"meta": 1}}, "/author/meta"),
    ],
)
def test_relationships_of_other_kinds_are_refused_when_read(relationships, pointer):
    resource = read({"data": article(attributes={"title": "t"}, relationships=relationships)})

    assert resource.title == "t"
    with pytest.raises(DecodeError) as caught:
        resource.author.loaded  # noqa: B018 - reading it is the test
    assert caught.value.pointer == f"/data/relationships{pointer}"


def test_null_members_of_a_relationship_count_as_absent():
    resource = read(related(author={"links": None, "meta": None, "data": None}))

    assert resource.author.state is State.EMPTY
    assert read({"data": article(relationships=None)}).author.state is State.ABSENT


LINKS = [
    {},
    {"related": "/x"},
    {"related": None},
    {"related": {"href": "/x"}},
    {"other": "/x"},
    {"related": "/x", "self": 5},
]


@pytest.mark.parametrize("links", LINKS)
def test_a_relationship_knows_its_owner_and_holds_no_cycle(links):
    resource = read(related(author={"links": links}))
    owner, gone, kept = resource.author.owner, weakref.ref(resource), resource.author.links
    gc.disable()
    try:
        assert resource.author.loaded is False
        del resource
        assert gone() is None
    finally:
        gc.enable()
    assert owner == ResourceIdentifier("articles", "1")
    assert list(kept) == list(links)


@pytest.mark.parametrize("links", LINKS)
@pytest.mark.parametrize("data", [TO_PERSON, {"lid": "a", "type": "people"}, None])
def test_what_a_relationship_says_does_not_depend_on_what_is_read_first(links, data):
    """Its links may be of a kind that msgspec makes, or of another; its linkage too."""
    facts = {
        "links": lambda one: dict(one.links) if 5 not in links.values() else list(one.links),
        "meta": lambda one: dict(one.meta),
        "linkage": lambda one: one.linkage,
        "loaded": lambda one: one.loaded,
        "state": lambda one: one.state,
        "absent": lambda one: one.is_absent,
    }

    def said(order):
        author = read(related(author={"links": links, "data": data, "meta": {"n": 1}})).author
        return {name: facts[name](author) for name in order}

    names = list(facts)
    first = said(names)
    assert all(said(names[n:] + names[:n]) == first for n in range(len(names)))
    assert first["meta"] == {"n": 1}
    assert list(first["links"]) == list(links)
    assert first["absent"] is False


async def test_many_await_one_relationship():
    follow = Fetching("answer")
    author = read(related(author={"links": {"related": "/x"}})).bind(follow).author

    assert await asyncio.gather(*(_await(author) for _ in range(3))) == ["answer"] * 3


async def _await(relationship):
    return await relationship


def test_a_resource_made_by_hand_has_no_relationships():
    comment = Comment(id="1", body="b")

    assert comment.author.state is State.ABSENT
    assert repr(comment.author) == "<ToOneRelationship comments/1.author: absent>"
    assert (comment.raw, comment.raw_attributes, comment.meta, dict(comment.links), comment.invalid_attributes) == (
        {},
        {},
        {},
        {},
        {},
    )
    assert repr(Comment.author) == "ToOne('author')"
    assert repr(Article.comments) == "ToMany('comments')"


@pytest.mark.parametrize("linkage", [None, []])
async def test_a_service_that_does_not_tell_null_from_an_empty_array_is_understood(linkage):
    resource = read(related(author={"data": linkage}, comments={"data": linkage}))

    assert resource.author.state is resource.comments.state is State.EMPTY
    assert await resource.author is resource.author.linkage is resource.author.identifier is None
    assert await resource.comments == resource.comments.linkage == resource.comments.identifiers == ()
    assert [one async for one in resource.comments] == []
    assert await resource.comments.count() == 0
    assert await resource.comments.first() is None


@pytest.mark.parametrize(
    ("name", "linkage", "expected"),
    [
        ("author", [TO_PERSON], "a resource identifier or null"),
        ("comments", TO_PERSON, "an array of resource identifiers"),
    ],
)
@pytest.mark.parametrize("included", [True, False])
async def test_linkage_of_another_cardinality_than_declared_is_refused(name, linkage, expected, included):
    document = {**related(**{name: {"data": linkage}}), "included": [PERSON] if included else []}
    relationship = getattr(read(document), name)

    for reading in (
        lambda: relationship.state,
        lambda: relationship.loaded,
        lambda: relationship.value,
        lambda: relationship.linkage,
        lambda: relationship.identifiers,
    ):
        with pytest.raises(DecodeError) as caught:
            reading()
        assert caught.value.expected == expected
        assert caught.value.pointer == f"/data/relationships/{name}/data"
        assert caught.value.resource == f"articles/1.{name}"
    with pytest.raises(DecodeError):
        await relationship
    assert "malformed" in repr(relationship)


async def test_one_page_of_linkage_is_not_taken_for_all():
    """JSON:API 1.1, "Fetching Relationships": pagination links page the linkage."""
    first_page = {"data": [TO_PERSON], "links": {"next": "/api/articles/1/comments?page=2"}}
    document = {**related(comments=first_page), "included": [PERSON]}
    follow = Fetching("all of them")
    resource: Any = BLOG.read(body_of(document), url=URL, follow=cast("Follow", follow))

    assert not resource.comments.loaded
    assert await resource.comments == "all of them"
    assert follow.asked == [("comments", (), False)]
    for reading in (aiter, ToManyRelationship.count, ToManyRelationship.first):
        with pytest.raises(SessionError):
            reading(read(document).comments)


def test_a_forgotten_await_is_named():
    resource = read({**related(author={"data": TO_PERSON}), "included": [PERSON]})

    with pytest.raises(AttributeError, match=r"articles/1\.author is a relationship .*\(await ….author\)\.name"):
        resource.author.name_  # noqa: B018 - reading it is the test
    for relationship in (resource.author, resource.comments, resource.relationships["author"]):
        with pytest.raises(ConfigurationError, match="is neither true nor false: await it"):
            bool(relationship)
    assert not hasattr(resource.author, "email")
    assert not hasattr(resource.author, "__fspath__")


def test_relationships_can_be_read_while_iterating_over_them():
    resource = read(related(comments={"data": []}, other={"data": None}))

    for name in resource.relationships:
        assert resource.author.is_absent
        assert not resource.relationships[name].is_absent
    assert list(resource.relationships) == ["comments", "other"]
    assert "author" not in resource.relationships
    assert resource.relationships["author"] is resource.author


@pytest.mark.parametrize("included", [True, False])
async def test_a_relationship_that_no_class_declares_leads_to_many_as_well(included):
    data = {"type": "novel", "id": "1", "relationships": {"writers": {"data": [TO_PERSON]}, "editor": {"data": None}}}
    document = {"data": data, "included": [PERSON] if included else []}
    follow = Fetching()
    generic: Any = BLOG.read(body_of(document), url=URL, follow=cast("Follow", follow))
    writers = generic.relationships["writers"]

    assert type(writers) is GenericRelationship
    assert await writers.count() == 1
    if included:
        assert [one.name async for one in writers] == ["Ada"]
        assert (await writers.first()).name == "Ada"
    for reading in (generic.relationships["editor"].count, generic.relationships["editor"].pages):
        with pytest.raises(ConfigurationError, match=r"novel/1\.editor leads to one resource at most: await it"):
            reading()


@pytest.mark.parametrize("name", ["author", "comments", "other", "next-part"])
def test_a_pickled_relationship_says_what_its_document_says(name):
    relationships = {"author": {"data": TO_PERSON}, "comments": {"data": []}, "other": {"meta": {"x": 1}}}
    document = {**related(**relationships), "included": [PERSON]}
    relationship = read(document).relationships[name]
    for again in (pickle.loads(pickle.dumps(relationship)), copy.deepcopy(relationship)):
        assert type(again) is type(relationship)
        assert again.state is relationship.state
        assert again.owner == relationship.owner
        assert again.is_absent == relationship.is_absent
        assert again.meta == relationship.meta
        assert not again.loaded or again.value == relationship.value


USUAL = {"self": "/api/articles/1/relationships/author", "related": "/api/articles/1/author"}


@pytest.mark.parametrize(
    "links",
    [
        USUAL,
        {"related": "/x"},
        {},
        {**USUAL, "first": "/1", "last": "/9", "prev": "/0", "next": "/2", "describedby": "/d"},
        {**USUAL, "related": None},
        {**USUAL, "related": {"href": "/x", "meta": {"count": 3}}},
        {**USUAL, "other": "/o", "@x": "/y", "_base": "https://evil.example", "_members": "/m", "_pointer": "/p"},
    ],
)
def test_links_say_the_same_whatever_stands_beside_them(links):
    """Those of a relationship are made in one pass where they are as usual; those of a document never are."""
    document = parse(body_of({"data": None, "links": links}), URL).links
    relationship = read(related(author={"links": links})).author.links

    assert relationship == document
    assert dict(relationship.items()) == dict(document.items())
    assert len(relationship) == len(document)
    for name in ("self", "related", "first", "last", "prev", "next", "describedby"):
        assert getattr(relationship, name) == getattr(document, name) == document.get(name)
    assert pickle.loads(pickle.dumps(relationship)) == copy.deepcopy(relationship) == document
    assert isinstance(relationship, Mapping)


@pytest.mark.parametrize("many", [False, True])
async def test_an_included_resource_of_another_class_than_declared_is_refused(many):
    """As one that is fetched is; a class that is not registered by that name takes anything."""
    linkage = {"type": "comments", "id": "7"} if not many else {"type": "people", "id": "7"}
    name = "comments" if many else "author"
    document = {
        **related(**{name: {"data": [linkage] if many else linkage}}, other={"data": linkage}),
        "included": [{**PERSON, "type": linkage["type"]}],
    }
    resource = read(document)

    relationship = getattr(resource, name)
    for reading in (lambda: relationship.loaded, lambda: relationship.value, lambda: relationship.state):
        with pytest.raises(DecodeError) as caught:
            reading()
        assert caught.value.expected == ("comments" if many else "people")
        assert caught.value.got == f"{linkage['type']}/7"
        assert caught.value.pointer == f"/data/relationships/{name}/data"
    with pytest.raises(DecodeError):
        await relationship
    assert (await resource.relationships["other"]).id == "7"
