"""Classes inside attributes: their members obey the rules of attributes, wherever they stand, whoever reads them."""

import dataclasses
import pickle
from collections.abc import Callable, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Annotated, Any, ClassVar, Generic, Literal, NamedTuple, TypedDict, TypeVar

import attrs
import msgspec
import pytest
from cattrs import Converter
from cattrs.gen import make_dict_structure_fn, override
from hypothesis import given, note, settings
from hypothesis import strategies as st

from commercelayer_async.errors import ConfigurationError, DecodeError
from commercelayer_async.jsonapi import Registry, Resource, member
from commercelayer_async.jsonapi._decode.decoders import _decode_in_two_steps
from commercelayer_async.jsonapi._decode.strict import raw_document
from tests.jsonapi.models import body_of

T = TypeVar("T")


def is_positive(_instance: object, _attribute: object, value: int) -> None:
    if value < 0:
        raise ValueError("below 0")


@attrs.frozen
class Card:
    brand: str | None = attrs.field(default=None, alias="card_type")
    first_name: str | None = attrs.field(default=None, metadata=member("first-name"))
    _token: str | None = attrs.field(default=None, repr=False)
    amount: int = attrs.field(default=0, converter=int)
    left: int = attrs.field(default=0, validator=is_positive)
    charged_at: datetime | None = None
    price: Decimal | None = None
    anything: object = None


CARD = {
    "card_type": "visa",
    "first-name": "Ada",
    "token": "t",
    "amount": "5",
    "left": 1,
    "charged_at": "2024-01-01T00:00:00Z",
    "price": "1.10",
    "anything": [{"a": None}],
}


@attrs.frozen
class Wallet(Generic[T]):
    card: T
    cards: list[T] = attrs.field(factory=list)


@dataclasses.dataclass
class Note:
    card: Card
    author: str = dataclasses.field(default="", metadata=member("the author"))


class Bag(TypedDict, total=False):
    card: Card
    size: int


class Pair(NamedTuple):
    first: Card
    second: int = 0


@attrs.frozen
class Node:
    card: Card | None = None
    nodes: "tuple[Node, ...]" = ()


@attrs.frozen
class Bank:
    iban: str | None = None
    since: datetime | None = None


WITHOUT = ("first-name", "token", "left", "price", "anything")
PLACES: dict[str, tuple[Any, Callable[[Any], Any], Callable[[Any], Any], str]] = {
    "itself": (Card, lambda card: card, lambda value: value, ""),
    "or null": (Card | None, lambda card: card, lambda value: value, ""),
    "list": (list[Card], lambda card: [{}, card], lambda value: value[1], "/1"),
    "sequence": (Sequence[Card] | None, lambda card: [card], lambda value: value[0], "/0"),
    "tuple": (tuple[Card, ...], lambda card: [card], lambda value: value[0], "/0"),
    "tuple of two": (tuple[int, Card], lambda card: [1, card], lambda value: value[1], "/1"),
    "dict": (dict[str, Card], lambda card: {"a/b": card}, lambda value: value["a/b"], "/a~1b"),
    "mapping": (Mapping[int, Card], lambda card: {"7": card}, lambda value: value[7], "/7"),
    "deep": (list[dict[str, list[Card]]], lambda card: [{"x": [card]}], lambda value: value[0]["x"][0], "/0/x/0"),
    "annotated": (Annotated[Card, msgspec.Meta(title="A card")], lambda card: card, lambda value: value, ""),
    "union": (Card | str | list[int] | None, lambda card: card, lambda value: value, ""),
    "union of classes": (Bank | Card, lambda card: card, lambda value: value, ""),
    "union of lists": (list[Card] | Card, lambda card: [card], lambda value: value[0], "/0"),
    "generic": (Wallet[Card], lambda card: {"card": card}, lambda value: value.card, "/card"),
    "generic list": (
        Wallet[Card],
        lambda card: {"card": {}, "cards": [card]},
        lambda value: value.cards[0],
        "/cards/0",
    ),
    "dataclass": (Note, lambda card: {"card": card}, lambda value: value.card, "/card"),
    "typed dictionary": (Bag, lambda card: {"card": card}, lambda value: value["card"], "/card"),
    "named tuple": (Pair, lambda card: [card], lambda value: value.first, "/0"),
    "itself again": (
        Node,
        lambda card: {"nodes": [{"card": card}]},
        lambda value: value.nodes[0].card,
        "/nodes/0/card",
    ),
}
"""Where a card may stand: the annotation, the JSON around it, the way back to it, and its place below the attribute."""

BY_MSGSPEC_ALONE = {"mapping", "union", "union of classes", "union of lists", "typed dictionary", "named tuple"}
"""Where cattrs has rules of its own, of a caller's converter too."""


def declare(annotation: Any) -> type[Resource]:
    """A resource class with the attributes of a card, and another in which one stands."""
    fields = {field.name: field for field in attrs.fields(Card)}
    namespace: dict[str, Any] = {"type": "orders", "__module__": __name__}
    annotations = {"type": ClassVar[str], **{name: field.type for name, field in fields.items()}, "it": annotation}
    for name, field in fields.items():
        options: Any = {"default": field.default, "converter": field.converter, "validator": field.validator}
        options |= {"repr": field.repr, "metadata": field.metadata, "alias": field.alias}
        namespace[name] = attrs.field(**options)
    namespace["it"] = attrs.field(default=None)
    return attrs.frozen(kw_only=True)(type("Order", (Resource,), {**namespace, "__annotations__": annotations}))


def in_one_pass(registry: Registry) -> Registry:
    return registry


def in_two_steps(registry: Registry) -> Registry:
    decoders: Any = registry._compiled
    decoders._decode_document = _decode_in_two_steps
    return registry


def by_field(registry: Registry) -> Registry:
    decoders: Any = registry._compiled
    decoders._decode_document = lambda _: 1 / 0
    decoders._fallback = raw_document
    decoders._fill_of = lambda _: None
    return registry


WAYS: dict[str, Callable[[type[Resource]], Registry]] = {
    "one pass": lambda cls: in_one_pass(Registry(cls)),
    "two steps": lambda cls: in_two_steps(Registry(cls)),
    "by field": lambda cls: by_field(Registry(cls)),
    "lenient": lambda cls: by_field(Registry(cls).lenient()),
    "another's converter": lambda cls: Registry(cls, converter=caller_converter()),
}


def caller_converter() -> Converter:
    """A converter of a caller's that knows the leaves of these classes."""
    converter = Converter()
    converter.register_structure_hook(datetime, lambda value, _: aware(value))
    converter.register_structure_hook(Decimal, lambda value, _: Decimal(value))
    converter.register_structure_hook_func(lambda hint: hint is object, lambda value, _: value)
    converter.register_structure_hook(str, lambda value, _: text(value))
    converter.register_structure_hook(int, lambda value, _: number(value))
    return converter


def aware(value: Any) -> datetime:
    found = datetime.fromisoformat(value)
    if found.tzinfo is None:
        raise ValueError("no offset")
    return found


def text(value: Any) -> str:
    if not isinstance(value, str):
        raise TypeError("not a text")
    return value


def number(value: Any) -> int:
    return int(value)


def read(registry: Registry, attributes: Any) -> Any:
    return registry.read(body_of({"data": {"type": "orders", "id": "1", "attributes": attributes}}))


def places(way: str) -> list[str]:
    return [name for name in PLACES if way != "another's converter" or name not in BY_MSGSPEC_ALONE]


EVERYWHERE = [(way, place) for way in WAYS for place in places(way)]


@pytest.mark.parametrize(("way", "place"), EVERYWHERE)
def test_a_member_obeys_the_rules_of_an_attribute(way: str, place: str) -> None:
    annotation, around, back, _ = PLACES[place]
    resource = read(WAYS[way](declare(annotation)), {**CARD, "it": around(CARD)})
    card = back(resource.it)

    assert isinstance(card, Card)
    for field in attrs.fields(Card):
        assert getattr(card, field.name) == getattr(resource, field.name) is not None
    assert (card.brand, card.amount, card.price) == ("visa", 5, Decimal("1.10"))
    assert not resource.invalid_attributes


@pytest.mark.parametrize(("way", "place"), EVERYWHERE)
def test_what_was_read_is_written_back_under_its_member_names(way: str, place: str) -> None:
    """Members that the class does not declare are not lost."""
    annotation, around, back, _ = PLACES[place]
    given_card = {**CARD, "amount": 5, "new": {"deep": [1]}, "anything": 0.5}
    resource = read(WAYS[way](declare(annotation)), {"it": around(given_card)})
    plain = resource.to_dict()["attributes"]["it"]
    again = read(WAYS[way](declare(annotation)), {"it": plain})

    written = plain if place == "named tuple" else back_in_json(place, plain)
    assert (written[0] if place == "named tuple" else written) == given_card
    assert back(again.it) == back(resource.it)
    assert back_in_json(place, resource.detached().to_dict()["attributes"]["it"]).keys() == CARD.keys()
    assert pickle.loads(pickle.dumps(attrs.evolve(back(resource.it)))) == back(resource.it)


def back_in_json(place: str, value: Any) -> Any:
    """The card in the JSON of a place."""
    for name in filter(None, PLACES[place][3].split("/")):
        value = value[name.replace("~1", "/")] if isinstance(value, dict) else value[int(name)]
    return value


WRONG: dict[str, Any] = {
    "card_type": 5,
    "first-name": ["secret"],
    "token": 55555,
    "amount": "many",
    "left": -1,
    "charged_at": "2024-01-01T00:00:00",
    "price": "x",
}


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("place", PLACES)
def test_the_error_of_a_member_is_that_of_an_attribute_further_down(name: str, place: str) -> None:
    annotation, around, _, below = PLACES[place]
    registry = Registry(declare(annotation))
    with pytest.raises(DecodeError) as outside:
        read(registry, {name: WRONG[name]})
    with pytest.raises(DecodeError) as inside:
        read(registry, {"it": around({**CARD, name: WRONG[name]})})

    assert inside.value.pointer == f"/data/attributes/it{below}/{name}"
    assert (inside.value.expected, inside.value.got) == (outside.value.expected, outside.value.got)
    assert "55555" not in str(inside.value)
    assert inside.value.__cause__ is inside.value.__context__ is None


@pytest.mark.parametrize("name", WRONG)
@pytest.mark.parametrize("place", [place for place in PLACES if place not in BY_MSGSPEC_ALONE])
def test_the_error_of_another_s_converter_has_the_place_too(name: str, place: str) -> None:
    annotation, around, _, below = PLACES[place]
    with pytest.raises(DecodeError) as inside:
        read(WAYS["another's converter"](declare(annotation)), {"it": around({**CARD, name: WRONG[name]})})

    assert inside.value.pointer.startswith(f"/data/attributes/it{below}/{name}")
    assert "55555" not in str(inside.value)


@pytest.mark.parametrize("place", PLACES)
def test_a_lenient_registry_keeps_the_whole_attribute(place: str) -> None:
    annotation, around, _, below = PLACES[place]
    odd = around({**CARD, "token": 55555})
    resource = read(Registry(declare(annotation)).lenient(), {**CARD, "it": odd})

    assert (resource.it, resource.amount) == (odd, 5)
    assert resource.invalid_attributes["it"].pointer == f"/data/attributes/it{below}/token"
    assert resource.to_dict()["attributes"]["it"] == odd


def test_a_secret_around_hides_what_is_inside() -> None:
    @attrs.frozen(kw_only=True)
    class Order(Resource):
        type: ClassVar[str] = "orders"
        card: Card | None = attrs.field(default=None, repr=False)

    with pytest.raises(DecodeError) as caught:
        read(Registry(Order), {"card": {"left": -55555}})

    assert (caught.value.pointer, caught.value.got) == ("/data/attributes/card/left", "a number")


def test_a_plain_class_inside_stays_in_one_pass() -> None:
    @attrs.frozen
    class Size:
        width: int
        unit: str | None = None

    @attrs.frozen(kw_only=True)
    class Box(Resource):
        type: ClassVar[str] = "orders"
        size: Size | None = None
        sizes: list[Size] = attrs.field(factory=list)

    registry = Registry(Box)
    decoders: Any = registry._compiled
    decoders._fallback = None  # nothing but the first way is left

    resource = read(registry, {"size": {"width": 2}, "sizes": [{"width": 1, "new": 5}]})
    assert (resource.size, resource.sizes) == (Size(2), [Size(1)])
    assert resource.to_dict()["attributes"]["sizes"] == [{"width": 1, "new": 5, "unit": None}]


def test_members_not_declared_follow_their_entry() -> None:
    """A converter may change the order: then nobody can say whose they are, and only what is declared is written."""

    @attrs.frozen
    class Line:
        number: int

    @attrs.frozen(kw_only=True)
    class Order(Resource):
        type: ClassVar[str] = "orders"
        lines: list[Line] = attrs.field(factory=list)

    order = read(Registry(Order), {"lines": [{"number": 2, "x": "two"}, {"number": 1, "x": "one"}, {"number": 3}]})
    order.lines.sort(key=lambda line: line.number)

    assert order.to_dict()["attributes"]["lines"] == [{"number": 1}, {"number": 2}, {"number": 3}]


def test_typed_dictionaries_and_sets_keep_members_that_are_not_declared() -> None:
    @attrs.frozen
    class Tag:
        name: str

    fields: dict[str, Any] = {"bag": Bag, "tags": frozenset[Tag]}
    order = attrs.make_class(
        "Order",
        {name: attrs.field(type=hint) for name, hint in fields.items()},
        bases=(Resource,),
        kw_only=True,
        class_body={"type": "orders"},
    )
    given_here = {"bag": {"size": 1, "new": [0.5]}, "tags": [{"name": "a", "x": 1}, {"name": "b", "x": 2}]}
    written = read(Registry(order), given_here).to_dict()["attributes"]

    assert written["bag"] == given_here["bag"]
    assert sorted(written["tags"], key=lambda tag: str(tag["name"])) == given_here["tags"]


def test_a_union_takes_the_class_that_declares_most_of_what_is_there() -> None:
    @attrs.frozen
    class Cash:
        kind: Literal["cash"]
        amount: int = 0

    @attrs.frozen
    class Coupon:
        kind: Literal["coupon"]
        code: str | None = None

    registry = Registry(declare(list[Cash | Coupon | Bank]))
    found = read(registry, {"it": [{"kind": "coupon", "amount": 5}, {"kind": "cash"}, {"iban": "IT1"}]}).it

    assert found == [Coupon("coupon"), Cash("cash"), Bank("IT1")]
    with pytest.raises(DecodeError, match="/data/attributes/it/0/kind"):
        read(registry, {"it": [{"kind": "gold"}]})
    with pytest.raises(DecodeError, match=r"expected an object, got a number \(5\) at /data/attributes/it/0"):
        read(registry, {"it": [5]})


def test_hooks_of_another_s_converter_win() -> None:
    converter = caller_converter()
    converter.register_structure_hook(Card, lambda value, _: Card(card_type=value))
    converter.register_unstructure_hook(Card, lambda card: card.brand)
    renamed = make_dict_structure_fn(Bank, converter, iban=override(rename="number"))
    converter.register_structure_hook(Bank, renamed)
    fields: dict[str, Any] = {"cards": list[Card], "bank": Bank, "note": Note | None}
    order = attrs.make_class(
        "Order",
        {name: attrs.field(default=None, type=hint) for name, hint in fields.items()},
        bases=(Resource,),
        frozen=True,
        kw_only=True,
        class_body={"type": "orders"},
    )
    given_here = {"cards": ["visa"], "bank": {"number": "IT1"}, "note": {"card": "amex", "the author": "Ada"}}
    resource = read(Registry(order, converter=converter), given_here)

    assert (resource.cards, resource.bank.iban) == ([Card(card_type="visa")], "IT1")
    assert resource.note == Note(Card(card_type="amex"), "Ada")
    assert resource.to_dict()["attributes"]["cards"] == ["visa"]
    assert resource.to_dict()["attributes"]["note"] == given_here["note"]


def test_another_s_converter_may_forbid_members() -> None:
    converter = Converter(forbid_extra_keys=True)
    converter.register_structure_hook(datetime, lambda value, _: aware(value))
    order = attrs.make_class(
        "Order", {"bank": attrs.field(type=Bank)}, bases=(Resource,), kw_only=True, class_body={"type": "orders"}
    )

    assert read(Registry(order, converter=converter), {"bank": {"iban": "IT1"}}).bank == Bank("IT1")
    with pytest.raises(DecodeError, match="/data/attributes/bank"):
        read(Registry(order, converter=converter), {"bank": {"iban": "IT1", "swift": "x"}})


def test_containers_that_only_cattrs_knows_hold_classes_by_the_same_rules() -> None:
    from collections import deque  # noqa: PLC0415 - for this alone

    registry = Registry(declare(deque[Card]))

    assert next(iter(read(registry, {"it": [CARD]}).it)).brand == "visa"
    with pytest.raises(DecodeError) as caught:
        read(registry, {"it": [CARD, {**CARD, "left": -1}]})
    assert caught.value.pointer == "/data/attributes/it/1/left"


def test_a_generic_base_binds_its_type_variable() -> None:
    @attrs.frozen(kw_only=True)
    class Box(Resource, Generic[T]):
        type: ClassVar[str] = "orders"
        content: T
        more: list[T] | None = None

    @attrs.frozen(kw_only=True)
    class CardBox(Box[Card]):
        pass

    @attrs.frozen(kw_only=True)
    class NumberBox(Box[int]):
        pass

    assert read(Registry(CardBox), {"content": CARD, "more": [CARD]}).more[0].brand == "visa"
    assert read(Registry(NumberBox), {"content": 5}).content == 5
    assert read(Registry(Box), {"content": {"any": "thing"}}).content == {"any": "thing"}
    with pytest.raises(DecodeError, match="expected a whole number, got a string"):
        read(Registry(NumberBox), {"content": "5"})
    with pytest.raises(ConfigurationError, match="not a resource class"):
        Registry(Box[int])


names = st.sampled_from(
    ["links", "meta", "type", "id", "first-name", "größe", "class", "_x", "a/b", "a.b", "plain", "b"]
)
leaves: dict[Any, tuple[st.SearchStrategy[Any], st.SearchStrategy[Any]]] = {
    int: (st.integers(-(2**70), 2**70), st.sampled_from(["5", 1.5, True, [], None])),
    float: (st.floats(allow_nan=False, allow_infinity=False), st.sampled_from(["x", {}, None])),
    str: (st.text(max_size=5), st.sampled_from([5, [], {}, None])),
    datetime: (
        st.sampled_from(["2024-01-01T00:00:00Z", "2020-02-29T12:00:00.5+02:00"]),
        st.sampled_from(["2024-01-01T00:00:00", "yesterday", None]),
    ),
    Decimal: (st.decimals(allow_nan=False, allow_infinity=False).map(str), st.sampled_from(["x", {}, None])),
    Any: (st.none() | st.integers() | st.lists(st.booleans(), max_size=2), st.nothing()),
}


def shout(value: Any) -> Any:
    """A converter that refuses some values."""
    if value in (5, [], {}):
        raise ValueError("secret")
    return f"{value}!"


@st.composite
def cases(draw: st.DrawFn) -> tuple[dict[str, Any], dict[str, Any], str, Any]:
    """Fields of a class, a value for each, a container for it, and what is declared as `repr=False`."""
    fields: dict[str, Any] = {}
    values: dict[str, Any] = {}
    for n, name in enumerate(draw(st.lists(names, min_size=1, max_size=4, unique=True))):
        hint = draw(st.sampled_from(list(leaves)))
        right, wrong = leaves[hint]
        values[name] = draw(right if draw(st.booleans()) or wrong.is_empty else wrong)
        fields[f"field_{n}"] = attrs.field(
            default=None,
            type=hint,
            metadata=member(name),
            converter=draw(st.sampled_from([None, None, shout])),
            repr=draw(st.booleans()),
        )
    return fields, values, draw(st.sampled_from(sorted(PLACES))), draw(st.booleans())


def outcome(registry: Registry, attributes: Any, at: str) -> Any:
    """What becomes of a document: the resource, or the error with its pointer below `at`."""
    try:
        return read(registry, attributes)
    except DecodeError as error:
        failure = error
    assert failure.pointer.startswith(at)
    assert failure.__context__ is None
    return failure.pointer[len(at) :], failure.expected, failure.got


def place_for(cls: Any, place: str) -> Any:
    """The annotation of a place, with another class instead of the card."""
    leaf: Any = attrs.make_class("Leaf", {"card": attrs.field(type=cls)})
    leaves_of: Any = list[leaf]
    typed_dict: Any = TypedDict
    own: dict[str, Any] = {
        "dataclass": dataclasses.make_dataclass("Note", [("card", cls)]),
        "typed dictionary": typed_dict("Bag", {"card": cls}),
        "named tuple": NamedTuple("Pair", [("first", cls)]),
        "itself again": attrs.make_class("Root", {"nodes": attrs.field(type=leaves_of)}),
        "union of classes": Bank | cls,
    }
    return own.get(place) or substituted(PLACES[place][0], cls)


def substituted(hint: Any, cls: Any) -> Any:
    if hint is Card:
        return cls
    arguments = getattr(hint, "__args__", ())
    if hasattr(hint, "__metadata__"):
        return Annotated[cls, "x"]
    if not arguments:
        return hint
    parts = tuple(substituted(one, cls) for one in arguments)
    if "Union" in type(hint).__name__:
        found = parts[0]
        for one in parts[1:]:
            found = found | one
        return found
    return hint.__origin__[parts]


@settings(deadline=None, max_examples=60)
@given(cases())
def test_any_class_inside_an_attribute_obeys_what_its_fields_would_obey_as_attributes(case: Any) -> None:
    """The same fields as attributes and as members: the same values or the same error, at every place, on every way."""
    fields, values, place, _ = case
    note(f"{ {name: (field.metadata, field._default) for name, field in fields.items()} } {values} {place}")
    inner = attrs.make_class("Inner", dict(fields), frozen=True)
    body = {"type": "orders", "__module__": __name__}
    top = attrs.make_class("Top", dict(fields), bases=(Resource,), frozen=True, kw_only=True, class_body=body)
    it = {"it": attrs.field(type=place_for(inner, place))}
    outer = attrs.make_class("Outer", it, bases=(Resource,), frozen=True, kw_only=True, class_body=dict(body))
    _, around, back, below = PLACES[place]
    if place == "itself again":
        below = "/nodes/0/card"
    attributes = {"it": around(values)}
    expected = outcome(Registry(top), values, "/data/attributes")
    for way in ("one pass", "two steps", "by field"):
        found = outcome(
            WAYS[way](outer), attributes, f"/data/attributes/it{below}" if expected.__class__ is tuple else ""
        )
        if isinstance(expected, tuple):
            assert found == expected
            continue
        inside = back(found.it)
        assert [getattr(inside, name) for name in fields] == [getattr(expected, name) for name in fields]
        written = back_in_json(place, found.to_dict()["attributes"]["it"])
        assert written == expected.to_dict()["attributes"]
    lenient = read(Registry(outer).lenient(), attributes)
    assert bool(lenient.invalid_attributes) == isinstance(expected, tuple)
