"""Compound documents: one object for each identity, cycles, local ids, pickles."""

import copy
import gc
import pickle
import sys
import weakref
from typing import Any

import pytest

from commercelayer_async.errors import ConfigurationError, DecodeError
from commercelayer_async.jsonapi import GenericResource, Registry, parse
from commercelayer_async.jsonapi import RelationshipState as State
from commercelayer_async.jsonapi._compound import response_of
from commercelayer_async.jsonapi._decode.decoders import MAX_SEEN_TYPES
from tests.jsonapi.models import BLOG, CLASSES, Article, Person, article, body_of, read, related


def to(type_, id_):
    return {"data": {"type": type_, "id": id_}}


def person(id_="7", **members):
    return {"type": "people", "id": id_, "attributes": {"name": f"P{id_}"}, **members}


CYCLE = {
    "data": article(relationships={"author": to("people", "7")}),
    "included": [person(relationships={"articles": {"data": [{"type": "articles", "id": "1"}]}})],
}


def test_cycles_lead_back_to_the_same_object():
    resource = read(CYCLE)

    assert resource.author.value.articles.value == (resource,)
    assert resource.author.value.articles.value[0] is resource
    for shown in (repr(resource), str(resource.author), repr(resource.author.value)):
        assert "P7" in shown or "articles/1" in shown or "Article" in shown


def test_cycles_are_compared_hashed_copied_and_pickled():
    resource = read(CYCLE)
    resource.author.value  # noqa: B018 - closes the cycle
    for double in (copy.copy(resource), copy.deepcopy(resource), pickle.loads(pickle.dumps(resource))):
        assert double == resource
        assert hash(double) == hash(resource)
        assert double.author.value.articles.value == (resource,)


def test_a_pickled_cycle_leads_back_to_itself():
    double = pickle.loads(pickle.dumps(read(CYCLE)))

    assert double.author.value.articles.value[0] is double


def test_a_resource_may_refer_to_itself_without_included():
    resource = read({"data": article(relationships={"next-part": to("articles", "1")})})

    assert resource.next_part.state is State.INCLUDED
    assert resource.next_part.value is resource


def test_primary_resources_may_refer_to_each_other_without_included():
    first, second = read({"data": [article("1"), article("2", relationships={"next-part": to("articles", "1")})]})

    assert second.next_part.value is first


def test_a_sibling_that_nobody_holds_is_read_again():
    _, second = read({"data": [article("1"), article("2", relationships={"next-part": to("articles", "1")})]})
    del _
    gc.collect()

    assert second.next_part.value == Article(id="1")
    assert second.next_part.value is second.next_part.value


def test_a_page_that_is_only_read_goes_with_its_last_reference():
    gc.disable()
    try:
        page = read({**CYCLE, "data": [CYCLE["data"]]})
        gone = weakref.ref(page[0])
        del page
        assert gone() is None
    finally:
        gc.enable()


@pytest.mark.parametrize("order", [("data", "included"), ("included", "data")])
def test_of_two_with_one_identity_primary_data_wins_then_the_first(order):
    document = {
        "data": article(
            attributes={"title": "primary"},
            relationships={"author": to("people", "7"), "next-part": to("articles", "1")},
        ),
        "included": [
            article(attributes={"title": "included"}),
            person(),
            {**person(), "attributes": {"name": "second"}},
        ],
    }
    resource = read({name: document[name] for name in order})

    assert resource.next_part.value is resource
    assert resource.title == "primary"
    assert resource.author.value.name == "P7"


def test_included_may_be_empty_null_or_unlinked():
    for included in ([], None, [person("8")]):
        resource = read({**related(author=to("people", "7")), "included": included})
        assert resource.author.state is State.IDENTIFIED
        assert resource.author.identifier.id == "7"


@pytest.mark.parametrize(
    ("included", "pointer"),
    [
        ({}, "/included"),
        ("x", "/included"),
        ([None], "/included/0"),
        ([person(), "x"], "/included/1"),
        ([{"id": "1"}], "/included/0/type"),
        ([{"type": "a", "id": 5}], "/included/0/id"),
    ],
)
def test_malformed_included_is_an_error_when_it_is_looked_at(included, pointer):
    resource = read({**related(author=to("people", "7")), "included": included})

    assert resource.id == "1"
    assert resource.raw["id"] == "1"
    with pytest.raises(DecodeError) as caught:
        resource.author.loaded  # noqa: B018 - reading it is the test
    assert caught.value.pointer == pointer


def test_local_ids_have_a_key_space_of_their_own():
    local = {
        "type": "people",
        "lid": "7",
        "attributes": {"name": "local"},
        "meta": {"m": 1},
        "relationships": {"articles": {"data": []}},
    }
    document = {
        **related(author={"data": {"type": "people", "lid": "7"}}, mentions={"data": [{"type": "people", "id": "7"}]}),
        "included": [person(), local],
    }
    resource = read(document)
    found = resource.author.value

    assert (found.name, found.id, found.lid, found.meta) == ("local", "", "7", {"m": 1})
    assert found.raw == local
    assert found.articles.owner.lid == "7"
    assert found.articles.value == ()
    assert resource.mentions.value[0].name == "P7"
    assert resource.mentions.value[0].lid is None
    assert found.to_dict()["lid"] == "7"
    assert pickle.loads(pickle.dumps(found)).lid == "7"
    assert resource.to_dict()["relationships"]["author"]["data"] == {"type": "people", "lid": "7"}


def test_a_resource_with_both_ids_is_found_by_either():
    document = {
        **related(author={"data": {"type": "people", "lid": "x"}}, mentions={"data": [{"type": "people", "id": "7"}]}),
        "included": [person(lid="x")],
    }
    resource = read(document)

    assert resource.author.value is resource.mentions.value[0]
    assert read(related(author={"data": {"type": "people", "lid": "y"}})).author.state is State.IDENTIFIED


def test_a_primary_resource_needs_an_id():
    with pytest.raises(DecodeError) as caught:
        read({"data": [{"type": "people", "lid": "x"}]})
    assert caught.value.pointer == "/data/0/id"


def test_unknown_types_are_generic_wherever_they_stand():
    martian = {
        "type": "martians",
        "id": "1",
        "attributes": {"tentacles": 3},
        "relationships": {"friend": to("people", "7")},
    }
    primary = read({"data": [martian, article()], "included": [person(), {**martian, "id": "2"}]})

    assert primary[0] == GenericResource(type="martians", id="1", attributes={"tentacles": 3})
    assert primary[0].extra == {}
    assert primary[0].relationships["friend"].value.name == "P7"
    assert isinstance(primary[1], Article)


@pytest.mark.parametrize(
    "types", [["martians"], [f"martians {n}" for n in range(2 * MAX_SEEN_TYPES)], ["\0"], ["a", "\0", "b"]]
)
def test_unknown_types_read_alike_however_many_were_met(types):
    registry = Registry(*CLASSES)
    for type_ in [*types, *reversed(types)]:
        odd = {"type": type_, "id": "1", "attributes": {"tentacles": 0.1, "@at": 1, "x:y": 2}}
        bare = {"type": type_, "id": "2", "relationships": {"home": {"data": {"type": type_, "id": "1"}}}}
        wrong = {**odd, "attributes": [1]}
        expected = GenericResource(type=type_, id="1", attributes={"tentacles": 0.1})

        assert read({"data": odd}, registry=registry) == expected
        page = read({"data": [article(), bare], "included": [odd, article("2")]}, registry=registry)
        assert [type(one) for one in page] == [Article, GenericResource]
        assert page[1] == GenericResource(type=type_, id="2")
        assert page[1].relationships["home"].value == expected
        with pytest.raises(DecodeError) as caught:
            read({"data": [article(), wrong]}, registry=registry)
        assert caught.value.pointer == "/data/1/attributes"


def test_a_detached_resource_lets_go_of_its_document():
    body = body_of(
        {"data": [article(attributes={"title": "t", "odd": 1}, relationships={"author": to("people", "7")})]}
    )
    before = sys.getrefcount(body)
    (resource,) = read(body)
    alone = resource.detached()
    assert sys.getrefcount(body) > before
    del resource

    assert sys.getrefcount(body) == before
    assert alone == read(body)[0]
    assert (alone.title, alone.raw, alone.raw_attributes, alone.extra) == ("t", {}, {}, {})
    assert alone.author.state is State.ABSENT
    assert pickle.loads(pickle.dumps(alone)) == alone == alone.detached()
    with pytest.raises(ConfigurationError, match="articles/1"):
        alone.bind(None)


def test_a_detached_resource_keeps_its_local_id_and_what_did_not_fit():
    document = {
        "data": article(
            attributes={"views": "many"}, relationships={"author": {"data": {"type": "people", "lid": "x"}}}
        ),
        "included": [{"type": "people", "lid": "x", "attributes": {"name": "P"}}],
    }
    resource = read(document, registry=BLOG.lenient())

    assert resource.detached().views == "many"
    assert list(resource.detached().invalid_attributes) == ["views"]
    assert resource.author.value.detached().lid == "x"


def test_resources_pickle_alone_and_find_the_rest_again():
    resource = read(CYCLE)
    author = pickle.loads(pickle.dumps(resource.author.value))
    first, second = pickle.loads(pickle.dumps([resource, resource.author.value]))

    assert author.articles.value[0] == resource
    assert author.articles.value[0].author.value is author
    assert first.author.value is second
    assert first.links == resource.links


def test_an_open_resource_pickles_and_copies_with_its_relationships():
    resource = read({**CYCLE})
    resource.relationships["author"].value  # noqa: B018 - opens them

    assert pickle.loads(pickle.dumps(resource)).author.state is State.INCLUDED
    assert copy.deepcopy(resource).author.state is State.INCLUDED


def test_a_chain_of_fifty_thousand_is_walked_and_pickled_without_recursion():
    length = 50_000
    chain = [article(str(n), relationships={"next-part": to("articles", str(n + 1))}) for n in range(length)]
    resource = read({"data": chain[0], "included": [*chain[1:], article(str(length))]})
    steps = 0
    while (relationship := resource.next_part).state is State.INCLUDED:
        resource = relationship.value
        steps += 1

    assert steps == length
    assert repr(resource).startswith("Article")
    assert copy.deepcopy(resource) == resource == pickle.loads(pickle.dumps(resource))


def test_persons_of_a_page_are_shared():
    page = read(
        {
            "data": [article(str(n), relationships={"author": to("people", "7")}) for n in range(3)],
            "included": [person()],
        }
    )

    assert len({id(one.author.value) for one in page}) == 1
    assert isinstance(page[0].author.value, Person)


def test_resources_lead_back_to_the_response_that_they_came_in_until_they_are_pickled():
    response = object()
    body = body_of({"data": article(relationships={"author": to("people", "7")}), "included": [person()]})

    resource: Any = BLOG.read(body, response=response)
    decoded = BLOG.decode(parse(body), response=response)

    assert response_of(resource) is response_of(resource.author.value) is response_of(decoded) is response
    assert response_of(copy.deepcopy(resource)) is response
    assert response_of(pickle.loads(pickle.dumps(resource))) is None
    assert response_of(resource.detached()) is response_of(Article(id="1")) is response_of(read(body)) is None
