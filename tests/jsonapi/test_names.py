"""Names of attributes and relationships: none hides what every resource has, none hides another, any may be shown."""

import pickle
from typing import Any, ClassVar

import attrs
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from commercelayer_async.errors import ConfigurationError
from commercelayer_async.jsonapi import GenericResource, Links, Registry, Resource, ToMany, ToOne, member
from tests.jsonapi.models import body_of

RESERVED = [name for name in dir(Resource) if name[:2] != "__"]
MEMBERS = [*(name for name in RESERVED if name[:1] != "_"), "type", "class", "first-name", "größe", "__proto__"]
"""Names that documents may use, whatever they mean in Python."""


def declare(**body: Any) -> type[Resource]:
    """A resource class with these names in its body."""
    annotations: dict[str, Any] = {"type": ClassVar[str]}
    annotations |= {name: int | None for name, value in body.items() if not isinstance(value, ToOne | ToMany)}
    namespace = {"__annotations__": annotations, "type": "blogs", "__module__": __name__, **body}
    return attrs.frozen(kw_only=True)(type("Blog", (Resource,), namespace))


def read(cls: type[Resource], **members: Any) -> Any:
    body = {"data": {"type": "blogs", "id": "1", "links": {"self": "/blogs/1"}, **members}}
    return Registry(cls).read(body_of(body), url="https://blog.example/blogs/1")


@pytest.mark.parametrize("name", [*RESERVED, "type", "__hash__"])
@pytest.mark.parametrize("relationship", [ToOne, ToMany])
def test_a_relationship_may_not_hide_what_every_resource_has(name: str, relationship: Any) -> None:
    with pytest.raises(ConfigurationError) as caught:
        declare(**{name: relationship["Person"]()})

    assert f'{name}_ = {relationship.__name__}["…"]({name!r})' in str(caught.value)


def test_what_the_error_says_to_write_works() -> None:
    resource = read(declare(links_=ToMany["Person"]("links")), relationships={"links": {"data": []}})

    assert (resource.links_.value, list(resource.relationships)) == ((), ["links"])
    assert isinstance(resource.links, Links)
    assert resource.to_dict()["relationships"] == {"links": {"data": []}}


def test_a_relationship_of_a_base_may_not_hide_anything_either() -> None:
    class Mixin:
        __slots__ = ()
        meta = ToOne["Person"]()

    with pytest.raises(ConfigurationError, match="would hide a member of Resource"):

        @attrs.frozen(kw_only=True)
        class _Blog(Mixin, Resource):  # type: ignore[misc]  # pyright: ignore[reportIncompatibleVariableOverride] - refused
            type: ClassVar[str] = "blogs"


def test_a_relationship_may_not_vanish_behind_an_attribute_of_a_base() -> None:
    with pytest.raises(ConfigurationError, match=r'would hide an attribute of a base; .*: email_ = ToOne\["…"\]'):

        @attrs.frozen(kw_only=True)
        class _Author(Person):
            email = ToOne["Person"]()


def test_the_name_type_is_told_from_the_type_of_the_class() -> None:
    with pytest.raises(ConfigurationError, match=r'alias=\'type\'.*type: ClassVar\[str\] = "…"'):

        @attrs.frozen(kw_only=True)
        class _Blog(Resource):
            type: str = "blogs"  # type: ignore[misc]  # pyright: ignore[reportIncompatibleVariableOverride] - refused


@pytest.mark.parametrize(
    "body",
    [
        {"author": attrs.field(default=None, metadata=member("person")), "person": ToOne["Person"]()},
        {"author": ToOne["Person"]("person"), "person": attrs.field(default=None)},
        {"author": ToOne["Person"]("person"), "person": ToMany["Person"]()},
        {name: attrs.field(default=None, metadata=member("person")) for name in ("author", "other")},
    ],
    ids=["attribute and relationship", "relationship and attribute", "two relationships", "two attributes"],
)
def test_attributes_and_relationships_share_a_namespace(body: dict[str, Any]) -> None:
    with pytest.raises(ConfigurationError, match="one member name, 'person'"):
        declare(**body)


def test_a_subclass_may_put_another_field_in_the_place_of_one() -> None:
    @attrs.frozen(kw_only=True)
    class Post(Resource):
        type: ClassVar[str] = "blogs"
        author = ToOne["Post"]()

    @attrs.frozen(kw_only=True)
    class Flat(Post):
        author: str | None = None  # type: ignore[assignment] # on purpose

    assert read(Flat, attributes={"author": "Ada"}).author == "Ada"
    assert "author" not in Flat(id="1").relationships


@settings(deadline=None)
@given(
    st.dictionaries(st.sampled_from(MEMBERS), st.integers() | st.none(), max_size=6),
    st.sets(st.sampled_from(MEMBERS), max_size=3),
)
def test_any_member_name_can_be_an_attribute_or_a_relationship(values: dict[str, Any], related: set[str]) -> None:
    """Whatever stands under it, the resource's own members are what they are, and the way back is whole."""
    related -= set(values)
    fields = {f"a{n}": attrs.field(default=None, metadata=member(name)) for n, name in enumerate(values)}
    targets = {f"r{n}": ToOne["Person"](name) for n, name in enumerate(sorted(related))}
    relationships = {name: {"data": None} for name in related}
    resource = read(declare(**fields, **targets), attributes=values, relationships=relationships)

    assert [getattr(resource, name) for name in fields] == list(values.values())
    assert (resource.type, resource.id, resource.key, resource.lid) == ("blogs", "1", ("blogs", "id", "1"), None)
    assert (resource.raw_attributes, dict(resource.extra), dict(resource.meta)) == (values, {}, {})
    assert str(resource.links.self) == "/blogs/1"
    assert set(resource.relationships) == related
    assert repr(resource)
    for one in (resource, attrs.evolve(resource), resource.detached()):
        plain = one.to_dict()
        assert (plain["type"], plain["id"], plain["attributes"]) == ("blogs", "1", values)


def test_a_type_in_the_attributes_is_written_back() -> None:
    """It is not legal (JSON:API 1.1, "Fields"), but seen; a resource without a class keeps it too."""
    generic: Any = Registry().read(body_of({"data": {"type": "blogs", "id": "1", "attributes": {"type": "x"}}}))

    assert isinstance(generic, GenericResource)
    assert generic.to_dict()["attributes"] == {"type": "x"}


@attrs.frozen(kw_only=True)
class Person(Resource):
    type: ClassVar[str] = "people"
    email: str = ""

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Person) and other.email.lower() == self.email.lower()

    def __hash__(self) -> int:
        return hash(self.email.lower())

    def __repr__(self) -> str:
        return f"<{self.email}>"


def test_the_equality_and_hash_of_a_class_of_ones_own_stay() -> None:
    first, second = Person(id="1", email="A@x"), Person(id="2", email="a@x")

    assert first == second
    assert len({first, second}) == 1
    assert repr(first) == "<A@x>"
    assert pickle.loads(pickle.dumps(first)) == first


def test_a_hash_of_ones_own_is_inherited() -> None:
    @attrs.frozen(kw_only=True)
    class Author(Person):
        books: list[str] = attrs.field(factory=list)

    assert hash(Author(id="1", email="A@x")) == hash("a@x")


def test_a_class_with_an_equality_and_no_hash_has_none() -> None:
    """As for any class of Python: the hash of the base would tell equal resources apart."""

    @attrs.frozen(kw_only=True)
    class Author(Resource):  # noqa: PLW1641 - that it has no hash is the test
        type: ClassVar[str] = "authors"

        def __eq__(self, other: object) -> bool:
            return isinstance(other, Author)

    with pytest.raises(TypeError, match="unhashable"):
        hash(Author(id="1"))
