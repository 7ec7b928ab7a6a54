"""Of any document: what is legal reads as it says, and what is not ends in `DecodeError`."""

import copy
import gc
import json
import os
import pickle
from datetime import datetime
from decimal import Decimal
from typing import Any

import pytest
from hypothesis import HealthCheck, given, note, settings
from hypothesis import strategies as st

from commercelayer_async.errors import ConfigurationError, DecodeError
from commercelayer_async.jsonapi import GenericResource, Registry, Resource, parse
from commercelayer_async.jsonapi._decode.decoders import _decode_in_two_steps, _decode_raw_list
from commercelayer_async.jsonapi._decode.strict import raw_document
from tests.jsonapi import models
from tests.jsonapi.reference import DECLARED, as_list, fits_declaration, key_of, state_of, table_of, without_extensions
from tests.jsonapi.strategies import legal, wrong_documents

usual = settings(max_examples=100, deadline=None, suppress_health_check=list(HealthCheck))
many = settings(
    max_examples=int(os.environ.get("PROPERTY_EXAMPLES", "10000")),
    deadline=None,
    suppress_health_check=list(HealthCheck),
)
any_documents = st.one_of(wrong_documents(), legal.map(lambda case: case[1]))


def loads(body: bytes) -> Any:
    return json.loads(body, parse_float=Decimal)


def same(value: Any, received: Any) -> bool:
    """Whether a decoded value is what was received; decimals may be floats if they are equal in every digit."""
    if isinstance(received, dict):
        return (
            isinstance(value, dict)
            and list(value) == list(received)
            and all(same(value[name], received[name]) for name in received)
        )
    if isinstance(received, list):
        return len(value) == len(received) and all(map(same, value, received))
    if isinstance(received, Decimal):
        return (Decimal(repr(value)) if isinstance(value, float) else value) == received
    return type(value) is type(received) and value == received


def fits(value: object, received: Any) -> bool:
    """Whether an attribute of a class is what was received, given its declared type."""
    if isinstance(value, datetime):
        return bool(value == datetime.fromisoformat(received))
    if isinstance(value, float) and isinstance(received, Decimal | int):
        return bool(value == float(received))
    if isinstance(value, tuple):
        return bool(list(value) == received)
    return same(str(value) if isinstance(value, models.Mood) else value, received)


def every_way() -> dict[str, Registry]:
    """Registries that are held to one of the ways of reading."""
    met, steps, by_hand = (Registry(*models.CLASSES) for _ in range(3))
    met.read(b'{"data": {"type": "martians", "id": "1"}}')
    in_steps: Any = steps._compiled
    in_steps._decode_document, in_steps._decode_list = _decode_in_two_steps, _decode_raw_list
    slow: Any = by_hand._compiled
    slow._decode_document = slow._decode_list = lambda _: 1 / 0
    slow._fallback = raw_document
    slow._fill_of = lambda _: None
    return {"all types met": met, "steps": steps, "by hand": by_hand}


WAYS = every_way()


def check_legal(case: tuple[dict[str, Any], bytes]) -> None:
    document, body = case
    received = loads(body)
    table = table_of(received)
    found = models.read(body)
    assert isinstance(found, tuple) == isinstance(document["data"], list)
    assert isinstance(found, Resource) == isinstance(document["data"], dict)
    primary = found if isinstance(found, tuple) else [found] if found is not None else []
    assert [(one.type, one.id) for one in primary] == [(one["type"], one["id"]) for one in as_list(received["data"])]
    seen: dict[tuple[str, str, str], Resource] = {}
    for resource in primary:
        if seen.setdefault(resource.key, resource) is resource:
            check_resource(resource, table, seen)


def check_resource(resource: Resource, table: dict[Any, Any], seen: dict[Any, Resource]) -> None:
    received = table[resource.key]
    attributes = without_extensions(received.get("attributes", {}))
    assert same(resource.raw, received)
    assert same(resource.raw_attributes, attributes)
    assert same(dict(resource.meta), received.get("meta", {}))
    assert set(resource.links) == {name for name in received.get("links", {}) if name[:1] != "@"}
    if isinstance(resource, GenericResource):
        assert resource.type == "martians"
        assert same(resource.attributes, attributes)
    else:
        for name, value in attributes.items():
            assert name in resource.extra or fits(getattr(resource, name), value), name
    relationships = without_extensions(received.get("relationships", {}))
    assert list(resource.relationships) == list(relationships)
    for name, value in resource.relationships.items():
        if not fits_declaration(resource.type, name, relationships[name], table):
            with pytest.raises(DecodeError):
                _ = value.state
            continue
        many, _ = DECLARED.get((resource.type, name), (None, None))
        assert value.state == state_of(relationships[name], table, many=many)
        linkage = relationships[name].get("data")
        assert [one.key for one in value.identifiers] == [key_of(one) for one in as_list(linkage)]
        assert all(
            same(dict(one.meta), raw.get("meta", {}))
            for one, raw in zip(value.identifiers, as_list(linkage), strict=True)
        )
        assert same(dict(value.meta), relationships[name].get("meta", {}))
        targets = value.value if value.loaded else None
        for target, raw in zip(listed(targets), as_list(linkage) if value.loaded else (), strict=True):
            assert target.key == key_of(raw)
            known = seen.setdefault(target.key, target)
            assert known is target
            check_once(target, table, seen)


def listed(found: Any) -> list[Any]:
    """One, none or many as a list."""
    return list(found) if isinstance(found, tuple) else [found] if found is not None else []


def check_once(resource: Resource, table: dict[Any, Any], seen: dict[Any, Resource]) -> None:
    marker = ("checked", *resource.key)
    if marker not in seen:
        seen[marker] = resource
        check_resource(resource, table, seen)


def everything(found: Any) -> None:
    """Read all that can be read; whatever is not `DecodeError` comes through."""
    waiting = listed(found)
    known: set[int] = set()
    while waiting:
        resource = waiting.pop()
        if id(resource) not in known:
            known.add(id(resource))
            all_of_resource(resource)
            for relationship in attempt(lambda one=resource: list(one.relationships.values())) or ():
                waiting.extend(all_of_relationship(relationship))


def all_of_resource(resource: Any) -> None:
    repr(resource)
    hash(resource)
    assert copy.copy(resource) is resource
    assert copy.deepcopy(resource) == resource
    assert pickle.loads(pickle.dumps(resource)) == resource
    for name in (
        "links",
        "meta",
        "raw",
        "raw_attributes",
        "extra",
        "invalid_attributes",
        "lid",
        "key",
        "relationships",
    ):
        attempt(lambda name=name: getattr(resource, name))
    attempt(lambda: json.dumps(resource.to_dict()))
    for link in attempt(lambda: list(resource.links)) or ():
        attempt(lambda link=link: all_of_link(resource.links[link]))


def all_of_relationship(relationship: Any) -> list[Any]:
    repr(relationship)
    for name in ("state", "loaded", "identifiers", "linkage", "meta", "owner"):
        attempt(lambda name=name: getattr(relationship, name))
    for link in attempt(lambda: list(relationship.links)) or ():
        attempt(lambda link=link: all_of_link(relationship.links[link]))
    try:
        return listed(relationship.value)
    except (DecodeError, ConfigurationError):
        return []


def all_of_link(link: Any) -> Any:
    return link and (str(link), link.url, link.title, link.type, link.hreflang, link.describedby, link.meta, hash(link))


def attempt(call: Any) -> Any:
    """What `call` gives; None where it raises `DecodeError`, which must hold on to no other error and so no payload."""
    try:
        return call()
    except DecodeError as error:
        failure = error
    assert failure.__context__ is None
    assert failure.__cause__ is None
    assert failure.pointer == "" or failure.pointer.startswith("/")
    return None


def check_wrong(body: bytes) -> None:
    note(repr(body))
    attempt(lambda: parse(body, models.URL))
    everything(attempt(lambda: models.read(body)))
    everything(attempt(lambda: models.read(body, registry=models.BLOG.lenient())))


def outcome(registry: Registry, body: bytes) -> Any:
    try:
        found: Any = registry.read(body, url=models.URL)
    except DecodeError as error:
        return ("refused", error.pointer)
    resources = found if isinstance(found, tuple) else [found]
    return (type(found), [(type(one), repr(one), one) for one in resources])


def included(registry: Registry, body: bytes) -> Any:
    """What becomes of the included resources."""
    try:
        found: Any = registry.read(body, url=models.URL)
        resources = found if isinstance(found, tuple) else [found]
        document = resources[0]._document if resources and resources[0] is not None else None
        return [(type(one), repr(one), one) for one in registry.included_of(document)] if document else None
    except DecodeError as error:
        return ("refused", error.pointer)


def is_utf8(body: bytes) -> bool:
    try:
        body.decode()
    except UnicodeDecodeError:
        return False
    return True


def check_ways(body: bytes) -> None:
    """Each way gives the same; but the faster ones leave bytes that are not UTF-8 to whoever reads their part."""
    note(repr(body))
    if not is_utf8(body):
        for registry in (Registry(*models.CLASSES), *WAYS.values()):
            outcome(registry, body)
        return
    expected = outcome(WAYS["by hand"], body), included(WAYS["by hand"], body)
    for registry in (Registry(*models.CLASSES), WAYS["all types met"], WAYS["steps"]):
        assert (outcome(registry, body), included(registry, body)) == expected


@usual
@given(legal)
def test_legal_documents_read_as_a_slow_reader_reads_them(case):
    check_legal(case)


@usual
@given(legal)
def test_legal_documents_parse(case):
    _, body = case
    parsed = parse(body, models.URL)
    received = loads(body)

    assert same([one.raw for one in listed(parsed.data)], as_list(received["data"]))
    assert same([one.raw for one in parsed.included], received.get("included", []))
    assert same(dict(parsed.meta), received.get("meta", {}))
    everything(models.BLOG.decode(parsed))


@usual
@given(wrong_documents())
def test_wrong_documents_never_raise_anything_but_decode_error(body):
    check_wrong(body)


@usual
@given(any_documents)
def test_all_ways_of_reading_agree(body):
    check_ways(body)


@usual
@given(st.binary(max_size=40))
def test_any_bytes_never_raise_anything_but_decode_error(body):
    check_wrong(body)


@pytest.mark.slow
@many
@given(legal)
def test_many_legal_documents_read_as_a_slow_reader_reads_them(case):
    check_legal(case)


@pytest.mark.slow
@many
@given(wrong_documents())
def test_many_wrong_documents_never_raise_anything_but_decode_error(body):
    check_wrong(body)


@pytest.mark.slow
@many
@given(any_documents)
def test_all_ways_of_reading_agree_on_many_documents(body):
    check_ways(body)


def test_a_page_that_is_only_read_makes_no_cycle():
    """It goes away with its last reference."""
    models.read({"data": [models.article()]})  # compiles the decoders, which makes cycles of its own
    while gc.collect():
        pass  # what other tests made: a class that goes leaves what was compiled for it to the next turn
    gc.disable()
    try:
        for _ in range(100):
            found = models.read(
                {"data": [models.article(str(n)) for n in range(10)], "included": [models.article("x")]}
            )
        del found
        assert gc.collect() < 10
    finally:
        gc.enable()
