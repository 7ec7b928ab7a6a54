"""Classes are judged when they are registered, show no trace of the work on them, and go away when dropped."""

from __future__ import annotations

import decimal
import enum
import gc
import ipaddress
import pathlib
import sys
import types
import uuid
import weakref
from collections import deque
from collections.abc import Callable, Hashable, Iterable, Mapping, Sequence
from datetime import date, datetime, time, timedelta, timezone
from typing import TYPE_CHECKING, Any, ClassVar, Literal, NewType

import attrs
import msgspec
import pytest
from cattrs import Converter
from hypothesis import given, settings
from hypothesis import strategies as st
from yarl import URL

from commercelayer_async.errors import ConfigurationError, DecodeError
from commercelayer_async.jsonapi import Registry, Resource, ToMany, ToOne
from tests.jsonapi.models import body_of

if TYPE_CHECKING:
    from datetime import datetime as Moment  # noqa: N812 - a name that is known to type checkers alone


def read(registry: Registry, **attributes: Any) -> Any:
    return registry.read(body_of({"data": {"type": "things", "id": "1", "attributes": attributes}}))


def declare(**hints: Any) -> Any:
    """A resource class with attributes of these types."""
    fields = {name: attrs.field(default=None, type=hint) for name, hint in hints.items()}
    body = {"type": "things"}
    return attrs.make_class("Thing", fields, bases=(Resource,), frozen=True, kw_only=True, class_body=body)


class Color(enum.Enum):
    RED = "red"


class Stranger:
    """A class that nothing makes."""


@attrs.frozen
class Holder:
    inner: Stranger | None = None


Cents = NewType("Cents", int)

KNOWN: Sequence[tuple[Any, Any]] = [
    (str, "x"),
    (int | None, None),
    (uuid.UUID, "123e4567-e89b-12d3-a456-426614174000"),
    (decimal.Decimal, "1.10"),
    (Color, "red"),
    (Literal["a", "b"], "a"),
    (date | None, "2024-01-01"),
    (time, "12:00:00Z"),
    (timedelta, "PT1H"),
    (bytes, "eA=="),
    (pathlib.Path, "/x"),
    (deque[int], [1]),
    (Cents, 5),
    (object, {"a": [1]}),
    (Any, "x"),
    (Mapping[str, Any], {"a": 1}),
    (msgspec.Raw, 5),
    (str | int | None, 5),
    (dict[str, list[Color]], {"a": ["red"]}),
]
UNKNOWN: Sequence[Any] = [Stranger, ipaddress.IPv4Address, URL, complex, Iterable[int], Hashable, Callable[[int], str]]


def holder_of(hint: Any) -> Any:
    """A class with a member of a type."""
    return attrs.make_class("Member", {"field": attrs.field(type=hint)})


_LIST: Any = list
_TUPLE: Any = tuple
_DICT: Any = dict
AROUND: Mapping[str, Callable[[Any], Any]] = {
    "itself": lambda hint: hint,
    "or null": lambda hint: hint | None,
    "list": lambda hint: _LIST[hint],
    "tuple": lambda hint: _TUPLE[hint, ...],
    "dict": lambda hint: _DICT[str, hint],
    "deep": lambda hint: _LIST[_DICT[str, hint | None]],
    "member": holder_of,
    "member of a member": lambda hint: _LIST[holder_of(holder_of(hint))],
}


@pytest.mark.parametrize(("hint", "value"), KNOWN, ids=lambda one: str(one)[:40])
def test_types_of_which_values_are_made_are_accepted(hint: Any, value: Any) -> None:
    assert not read(Registry(declare(it=hint)).lenient(), it=value).invalid_attributes


@settings(deadline=None, max_examples=60)
@given(st.sampled_from(UNKNOWN), st.sampled_from(sorted(AROUND)), st.sampled_from([None, Converter()]))
def test_a_type_that_nothing_makes_is_told_at_registration_wherever_it_stands(
    unknown: Any, around: str, converter: Converter | None
) -> None:
    cls = declare(fine=int, it=AROUND[around](unknown))
    with pytest.raises(ConfigurationError) as caught:
        Registry(cls, converter=converter)

    name = getattr(unknown, "__name__", str(unknown))
    assert name.split("[")[0] in str(caught.value)
    assert ("Thing.it" in str(caught.value)) != (".field: " in str(caught.value))
    assert "attrs.field(converter=…)" in str(caught.value)
    assert "Registry(…, converter=…)" in str(caught.value)


def test_what_the_error_says_to_write_works() -> None:
    cls = attrs.make_class(
        "Thing",
        {"host": attrs.field(type=ipaddress.IPv4Address, converter=ipaddress.IPv4Address)},
        bases=(Resource,),
        kw_only=True,
        class_body={"type": "things"},
    )
    converter = Converter()
    converter.register_structure_hook(URL, lambda value, _: URL(value))

    assert read(Registry(cls), host="192.0.2.1").host == ipaddress.IPv4Address("192.0.2.1")
    assert read(Registry(declare(url=URL | None), converter=converter), url="https://x.example").url.host == "x.example"
    assert read(Registry(declare(urls=list[URL]), converter=converter).lenient(), urls=["/a"]).urls == [URL("/a")]


def test_a_type_that_is_not_imported_at_run_time_is_told_at_registration() -> None:
    @attrs.frozen(kw_only=True)
    class Thing(Resource):
        type: ClassVar[str] = "things"
        at: Moment | None = None

    with pytest.raises(ConfigurationError, match=r"^Thing\.at: the type 'Moment' .* TYPE_CHECKING"):
        Registry(Thing)


def test_types_resolved_by_hand_are_not_resolved_again() -> None:
    class Size(enum.Enum):
        BIG = "big"

    @attrs.frozen
    class Box:
        size: Size

    @attrs.frozen(kw_only=True)
    class Thing(Resource):
        type: ClassVar[str] = "things"
        box: Box | None = None

    with pytest.raises(ConfigurationError, match=r"attrs\.resolve_types\(Thing"):
        Registry(Thing)
    for cls in (Thing, Box):
        attrs.resolve_types(cls, globals(), locals())

    assert read(Registry(Thing), box={"size": "big"}).box == Box(Size.BIG)


@attrs.frozen
class Part:
    int: int
    str: str = ""


@attrs.frozen(kw_only=True)
class Shadowing(Resource):
    """Attributes that are called as the types of others."""

    type: ClassVar[str] = "things"
    float: float
    list: list[str] | None = None
    tags: list[str] | None = None  # type: ignore[valid-type] # mypy reads the attribute
    datetime: datetime | None = None
    at: datetime | None = None  # type: ignore[valid-type] # as above
    part: Part | None = None
    date = ToOne["Shadowing"]()
    day: date | None = None  # type: ignore[valid-type] # as above


def test_an_attribute_may_be_called_as_a_type() -> None:
    given_here = {"float": 1.5, "list": ["a"], "tags": ["b"], "datetime": "2024-01-01T00:00:00Z", "day": "2024-01-01"}
    thing = read(Registry(Shadowing), **given_here, part={"int": 5, "str": "x"})

    assert (thing.float, thing.list, thing.tags, thing.part) == (1.5, ["a"], ["b"], Part(5, "x"))
    assert (thing.datetime.year, thing.day.year) == (2024, 2024)


def test_an_annotation_that_met_a_default_is_no_type() -> None:
    with pytest.raises(ConfigurationError, match=r"^Thing\.it: its annotation is not a type but 0\.5"):
        Registry(declare(it=0.5))


def module_with(name: str, **classes: Any) -> None:
    module = types.ModuleType(name)
    vars(module).update(classes)
    sys.modules[name] = module


def test_of_two_classes_of_one_name_a_relationship_means_that_of_its_module() -> None:
    made: dict[str, dict[str, Any]] = {}
    to_one: Any = ToOne
    to_many: Any = ToMany
    for place in ("shop", "blog"):
        body = {"type": f"{place}_people", "__module__": f"tests_{place}"}
        person = attrs.frozen(kw_only=True)(type("Person", (Resource,), body))
        note_body = {"type": f"{place}_notes", "__module__": f"tests_{place}", "author": to_one["Person | None"]()}
        note = attrs.frozen(kw_only=True)(type("Note", (Resource,), {**note_body, "readers": to_many["Nobody"]()}))
        module_with(f"tests_{place}", Person=person, Note=note)
        made[place] = {"person": person, "note": note}
    registry = Registry(*(cls for place in made.values() for cls in place.values()))
    try:
        for place, classes in made.items():
            assert registry.target_of(f"{place}_notes", "author") == (classes["person"],)
            assert registry.target_of(f"{place}_notes", "readers") is None
        own = attrs.frozen(kw_only=True)(type("Reader", (made["shop"]["person"],), {"type": "shop_people"}))
        assert registry.preferring(own).target_of("shop_notes", "author") == (own,)
        del sys.modules["tests_shop"].Person
        assert Registry(*registry.classes).target_of("shop_notes", "author") is None
    finally:
        del sys.modules["tests_shop"], sys.modules["tests_blog"]


def test_reading_shows_no_second_class_to_hooks_of_bases_and_metaclasses() -> None:
    seen: list[str] = []

    class Meta(type):
        def __new__(cls, name: str, bases: tuple[type, ...], body: dict[str, Any]) -> Any:
            seen.append(f"new {name}")
            return super().__new__(cls, name, bases, body)

        def __init__(cls, *arguments: Any) -> None:
            seen.append(f"init {cls.__name__}")
            super().__init__(*arguments)

    class Base(Resource, metaclass=Meta):
        __slots__ = ()

        def __init_subclass__(cls, **options: Any) -> None:
            super().__init_subclass__(**options)
            seen.append(f"subclass {cls.__name__}")

    @attrs.frozen(kw_only=True)
    class Thing(Base):
        type: ClassVar[str] = "things"
        number: int = 0

    before, subclasses = list(seen), Base.__subclasses__()
    thing = read(Registry(Thing), number=5)

    assert seen == before
    assert Base.__subclasses__() == subclasses
    assert type(thing) is Thing
    assert thing == Thing(id="1", number=5)


@pytest.mark.parametrize("inner", [int, list[Holder], Any])
def test_a_class_is_freed_when_it_is_dropped(inner: Any) -> None:
    def used() -> weakref.ref[Any]:
        part = attrs.make_class("Part", {"number": attrs.field(type=int), "x": attrs.field(default=None, alias="y")})
        cls = declare(it=int, parts=list[part] | None)  # type: ignore[valid-type] # made at run time
        for registry in (Registry(cls), Registry(cls).lenient(), Registry(cls, converter=Converter())):
            thing = read(registry, it=1, parts=[{"number": 5, "y": 1}])
            assert thing.to_dict()["attributes"]["parts"] == [{"number": 5, "y": 1}]
            assert (thing.extra, dict(thing.relationships)) == ({}, {})
        return weakref.ref(cls)

    refs = [used() for _ in range(100)]
    gc.collect()
    assert sum(one() is not None for one in refs) == 0


def test_the_error_about_a_datetime_without_an_offset_says_what_to_write() -> None:
    with pytest.raises(
        DecodeError, match=r"its offset from UTC \(or a converter: attrs\.field\(converter=…\)"
    ) as caught:
        read(Registry(declare(at=list[datetime])), at=["2024-01-01T00:00:00"])
    assert caught.value.pointer == "/data/attributes/at/0"

    def in_rome(text: str) -> datetime:
        return datetime.fromisoformat(text).replace(tzinfo=timezone(timedelta(hours=1)))

    cls = attrs.make_class(
        "Thing",
        {"at": attrs.field(type=datetime, converter=in_rome)},
        bases=(Resource,),
        kw_only=True,
        class_body={"type": "things"},
    )
    converter = Converter()
    converter.register_structure_hook(datetime, lambda value, _: in_rome(value))
    for registry in (Registry(cls), Registry(declare(at=datetime), converter=converter)):
        assert read(registry, at="2024-01-01T00:00:00").at.isoformat() == "2024-01-01T00:00:00+01:00"
