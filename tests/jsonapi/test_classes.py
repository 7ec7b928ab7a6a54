"""Classes of one's own: names, types, subclasses, converters; and the way back to plain JSON."""

import json
import pickle
from collections.abc import Mapping
from datetime import UTC, datetime
from decimal import Decimal
from typing import Any, ClassVar, Generic, TypeVar

import attrs
import pytest
from cattrs import Converter

from commercelayer_async.errors import ConfigurationError, DecodeError
from commercelayer_async.jsonapi import GenericResource, Registry, Resource, ToOne, member
from commercelayer_async.jsonapi.query import fieldset, include_paths, path_of, query_of
from tests.jsonapi.models import BLOG, Article, Comment, Person, article, body_of, read, related

T = TypeVar("T")


class Money:
    """A type that msgspec does not know."""

    def __init__(self, cents: int) -> None:
        self.cents = int(cents)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Money) and other.cents == self.cents

    __hash__ = None  # type: ignore[assignment] # equal by value, and may change


def one(cls, registry=None, /, **attributes):
    registry = registry or Registry(cls)
    return registry.read(body_of({"data": {"type": cls.type, "id": "1", "attributes": attributes}}))


@attrs.frozen(kw_only=True)
class Named(Resource):
    type: ClassVar[str] = "named"

    first_name: str | None = attrs.field(default=None, metadata=member("first-name"))
    links_: int | None = attrs.field(default=None, alias="links")
    _hidden: str = "h"


def test_names_in_documents_may_differ_from_names_here():
    resource = one(Named, **{"first-name": "Ada", "links": 5, "hidden": "x", "other": 1})

    assert (resource.first_name, resource.links_, resource._hidden) == ("Ada", 5, "x")
    assert resource.extra == {"other": 1}
    assert resource.to_dict()["attributes"] == {"first-name": "Ada", "links": 5, "hidden": "x", "other": 1}
    with pytest.raises(DecodeError, match="/data/attributes/first-name"):
        one(Named, **{"first-name": 5})


def test_a_subclass_adds_and_narrows():
    @attrs.frozen(kw_only=True)
    class Rated(Article):
        rating: float
        stars: int = 0
        editor = ToOne["Person | None"]()

    registry = BLOG.preferring(Rated)
    resource = read(
        {"data": article(attributes={"rating": 5, "title": "t"}, relationships={"editor": {"data": None}})},
        registry=registry,
    )

    assert (resource.rating, resource.title, resource.stars, resource.editor.value) == (5.0, "t", 0, None)
    assert registry is BLOG.preferring(Rated)
    assert BLOG.preferring(Article) is BLOG
    with pytest.raises(DecodeError):
        read({"data": article()}, registry=registry)


def test_a_class_with_a_dict_and_a_generic_one_are_filled_too():
    @attrs.frozen(kw_only=True, slots=False)
    class Loose(Resource):
        type: ClassVar[str] = "l"
        size: int = 0

    @attrs.frozen(kw_only=True)
    class OfAny(Resource, Generic[T]):
        type: ClassVar[str] = "g"
        size: int = 0

    for cls in (Loose, OfAny):
        assert one(cls, size=5).size == 5


def test_a_type_that_msgspec_does_not_know_is_made_by_cattrs():
    @attrs.frozen(kw_only=True)
    class Priced(Resource):
        type: ClassVar[str] = "priced"
        price: Money | None = None
        prices: list[Money] = attrs.field(factory=list)

    converter = Converter()
    converter.register_structure_hook(Money, lambda value, _: Money(value))
    converter.register_unstructure_hook(Money, lambda money: money.cents)
    registry = Registry(Priced, converter=converter)
    resource = one(Priced, registry, price="5", prices=[1, 2])

    assert (resource.price, resource.prices) == (Money(5), [Money(1), Money(2)])
    assert resource.to_dict()["attributes"] == {"price": 5, "prices": [1, 2]}
    assert registry.converter is converter
    with pytest.raises(DecodeError, match="/data/attributes/price"):
        one(Priced, registry, price="many")
    with pytest.raises(ConfigurationError, match=r"^Priced\.price: .*Money.*converter=…"):
        Registry(Priced)


def test_a_value_object_of_attrs_is_filled_without_a_converter():
    @attrs.frozen
    class Size:
        width: int
        height: int = 1

    @attrs.frozen(kw_only=True)
    class Boxed(Resource):
        type: ClassVar[str] = "boxed"
        size: Size | None = None
        times: tuple[datetime, ...] = ()

    Boxed.__annotations__.update(size=Size | None)
    resource = one(Boxed, size={"width": 2}, times=["2018-01-01T12:00:00Z"])

    assert resource.size == Size(2)
    assert resource.times == (datetime(2018, 1, 1, 12, tzinfo=UTC),)
    assert resource.to_dict()["attributes"] == {"size": {"width": 2, "height": 1}, "times": ["2018-01-01T12:00:00Z"]}
    with pytest.raises(DecodeError) as caught:
        one(Boxed, size={})
    assert caught.value.expected == "an object with width"
    with pytest.raises(DecodeError) as caught:
        one(Boxed, times=["2018-01-01T12:00:00"])
    assert caught.value.pointer == "/data/attributes/times/0"


def test_to_dict_is_the_resource_as_plain_json():
    attributes = {
        "title": None,
        "created_at": "2018-01-01T12:00:00.500Z",
        "rating": 1.5,
        "tags": ["a"],
        "new": {"b": [1]},
        "mood": "calm",
    }
    document = {
        **related(
            author={"data": {"type": "people", "id": "7", "meta": {"m": 1}}},
            comments={"data": []},
            other={"links": {"related": "/x"}},
        )
    }
    document["data"]["attributes"] = attributes
    made = read(document).to_dict()

    assert made == {
        "type": "articles",
        "id": "1",
        "attributes": {**attributes, "created_at": "2018-01-01T12:00:00.500000Z"},
        "relationships": {
            "author": {"data": {"type": "people", "id": "7", "meta": {"m": 1}}},
            "comments": {"data": []},
        },
    }
    assert list(made["attributes"]) == list(attributes)
    assert json.loads(json.dumps(made)) == made


def test_to_dict_keeps_every_digit_of_a_decimal_as_text():
    body = b'{"data":{"type":"martians","id":"1","attributes":{"x":{"y":0.12345678901234567890}}}}'

    assert read(body).to_dict()["attributes"] == {"x": {"y": "0.12345678901234567890"}}
    assert GenericResource(type="a", id="1", attributes={"n": Decimal("1.10")}).to_dict()["attributes"] == {"n": "1.10"}


def test_to_dict_of_a_resource_made_by_hand_has_all_its_fields():
    assert Comment(id="1").to_dict() == {"type": "comments", "id": "1", "attributes": {"body": None}}


def test_what_cannot_be_written_is_a_typed_error():
    @attrs.frozen(kw_only=True)
    class Odd(Resource):
        type: ClassVar[str] = "odd"
        what: Any = None

    with pytest.raises(DecodeError, match="/attributes/what"):
        Odd(id="1", what=object()).to_dict()


def test_raw_is_what_was_received():
    given = {
        "id": "1",
        "future": 1,
        "type": "articles",
        "@at": 2,
        "attributes": {"z": 1.10, "a": {"c": 1, "b": [None]}},
        "links": None,
    }
    resource = read({"data": [article("0"), given]})[1]

    assert resource.raw == given
    assert list(resource.raw) == list(given)
    assert list(resource.raw["attributes"]) == ["z", "a"]


def test_equal_means_class_id_and_attributes():
    resource = read({"data": article(attributes={"title": "t"}, meta={"a": 1})})

    assert resource == Article(id="1", title="t")
    assert hash(resource) == hash(Article(id="1", title="t"))
    assert resource != Article(id="2", title="t")
    assert resource != Person(id="1", name="t")
    known = {Article(id="1", settings={"a": [1]}), Article(id="2")}
    assert read({"data": article(attributes={"settings": {"a": [1]}})}) in known


def test_a_field_may_not_hide_what_every_resource_has():
    with pytest.raises(ConfigurationError, match="alias='meta'"):

        @attrs.frozen(kw_only=True)
        class _Hiding(Resource):
            meta: Mapping[str, Any] = attrs.field(factory=dict)


def test_a_registry_refuses_what_is_no_resource_class():
    class Plain(Resource):
        pass

    wrong: Any
    for wrong in (Plain, str, "articles", Resource):
        with pytest.raises(ConfigurationError):
            Registry(wrong)


def test_a_type_that_is_unknown_at_run_time_is_named():
    @attrs.frozen(kw_only=True)
    class Lost(Resource):
        type: ClassVar[str] = "lost"
        what: "Nowhere | None" = None  # type: ignore[name-defined] # noqa: F821 - unknown on purpose

    with pytest.raises(ConfigurationError, match="'Nowhere'"):
        one(Lost)


def test_registries_know_their_classes_and_pickle():
    assert BLOG.get("articles") is Article
    assert BLOG.get("martians") is GenericResource
    assert BLOG.without("articles").get("articles") is GenericResource
    assert BLOG.without("martians") is BLOG
    assert pickle.loads(pickle.dumps(BLOG)).classes == BLOG.classes
    assert repr(Registry(Article)) == "Registry(Article)"
    assert read({"data": {"type": "a", "id": "1"}}, registry=Registry()).type == "a"


def test_a_sparse_class_asks_for_its_fields_by_their_names_in_documents():
    @attrs.frozen(kw_only=True)
    class Small(Resource):
        type: ClassVar[str] = "small things"
        sparse: ClassVar[bool] = True
        title: str | None = None
        first_name: str | None = attrs.field(default=None, metadata=member("größe x"))
        author = ToOne["Person | None"]()

    assert fieldset(Article) is None
    assert fieldset(Small) == ("title", "größe x", "author")
    assert query_of(Small, ("author", "editor.name")) == (
        "?include=author,editor.name&fields%5Bsmall%20things%5D=title,gr%C3%B6%C3%9Fe%20x,author,editor"
    )
    assert query_of(Article) == ""


def test_includes_and_paths_are_checked_before_anything_is_sent():
    assert include_paths("author,comments.author", Article) == ("author", "comments.author")
    assert include_paths((), Article) == include_paths("", Article) == ()
    assert include_paths(["x"], GenericResource) == ("x",)
    for wrong in ("autor", "a..b", "a b", [""]):
        with pytest.raises(ConfigurationError):
            include_paths(wrong, Article)
    assert path_of("articles", "1") == "/articles/1"
    id_: Any
    for id_ in ("../x", "", None, 5, "a/b", "x" * 65):
        with pytest.raises(ConfigurationError):
            path_of("articles", id_)
