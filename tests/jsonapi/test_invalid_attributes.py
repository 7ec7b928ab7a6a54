"""Attributes that do not fit: precise errors, or kept by a lenient registry."""

import pickle
from typing import Any

import attrs
import cattrs
import pytest

from commercelayer_async.errors import ConfigurationError, DecodeError
from commercelayer_async.jsonapi import Registry, Resource
from tests.jsonapi.models import BLOG, CLASSES, Article, article, body_of, read


def refused(attributes, type_="articles"):
    with pytest.raises(DecodeError) as caught:
        read({"data": [{"type": type_, "id": "1", "attributes": attributes}]})
    return caught.value


@pytest.mark.parametrize(
    ("name", "value", "expected", "got"),
    [
        ("title", 5, "a string or null", "a number (5)"),
        ("views", "5", "a whole number or null", "a string ('5')"),
        ("views", 1.5, "a whole number or null", "a number (1.5)"),
        ("views", True, "a whole number or null", "a boolean (True)"),
        ("public", 1, "true or false or null", "a number (1)"),
        ("rating", "x", "a number or null", "a string ('x')"),
        ("created_at", "yesterday", "a date-time (RFC 3339)", "a string ('yesterday')"),
        (
            "created_at",
            "2018-01-01T12:00:00",
            "a date-time with its offset from UTC (or a converter: attrs.field(converter=…), Registry(converter=…))",
            "a string ('2018-01-01T12:00:00')",
        ),
        ("created_at", 5, "a date-time or null", "a number (5)"),
        ("mood", "angry", "one of the known values", "a string ('angry')"),
        ("settings", [], "an object or null", "an array"),
    ],
)
def test_an_attribute_of_another_type_says_whose_and_which(name, value, expected, got):
    error = refused({name: value})

    assert (error.pointer, error.resource) == (f"/data/0/attributes/{name}", "articles/1")
    assert (error.expected, error.got) == (expected, got)


def test_the_place_inside_an_attribute_is_told():
    assert refused({"tags": ["a", 5]}).pointer == "/data/0/attributes/tags/1"


def test_a_missing_attribute_is_named():
    error = refused({}, "people")

    assert (error.expected, error.got, error.pointer) == (
        "name, which people always have",
        "nothing",
        "/data/0/attributes/name",
    )


def test_values_of_secrets_and_containers_are_never_shown():
    assert refused({"name": "n", "email": 12345}, "people").got == "a number"
    assert "12345" not in str(refused({"name": "n", "email": [12345]}, "people"))


def test_no_cause_that_may_hold_payload_hangs_on():
    error = refused({"views": "secret"})

    assert error.__cause__ is error.__context__ is None


def test_absent_null_and_present_are_told_apart():
    resource = read({"data": article(attributes={"title": None, "views": 1})})

    assert resource.title is resource.rating is None
    assert "title" in resource.raw_attributes
    assert "rating" not in resource.raw_attributes


def test_the_text_of_a_date_stays_available():
    assert (
        read({"data": article(attributes={"created_at": "2018-01-01T12:00:00.000Z"})})
        .raw_attributes["created_at"]
        .endswith("000Z")
    )


def test_a_lenient_registry_keeps_what_does_not_fit():
    registry = BLOG.lenient()
    odd = {"title": 5, "views": 7, "settings": "x", "new": 1}
    first, second = read(
        {"data": [article(attributes=odd), article("2", attributes={"title": "t"})]}, registry=registry
    )

    assert isinstance(first, Article)
    values: tuple[object, ...] = (first.title, first.views, first.settings, first.rating)
    assert values == (5, 7, "x", None)
    assert set(first.invalid_attributes) == {"title", "settings"}
    assert first.invalid_attributes["title"].pointer == "/data/0/attributes/title"
    assert first.extra == {"new": 1}
    assert first.to_dict()["attributes"] == odd
    assert second.invalid_attributes == {}
    assert pickle.loads(pickle.dumps(first)) == first
    assert set(pickle.loads(pickle.dumps(first)).invalid_attributes) == {"title", "settings"}


def test_a_lenient_registry_gives_none_for_what_is_missing():
    person = read({"data": {"type": "people", "id": "1"}}, registry=BLOG.lenient())

    assert person.name is None
    assert person.invalid_attributes["name"].got == "nothing"


def test_a_lenient_registry_still_refuses_malformed_structure():
    with pytest.raises(DecodeError):
        read({"data": article(attributes=[1])}, registry=BLOG.lenient())


def test_leniency_goes_along_with_variants():
    lenient = BLOG.lenient()

    assert lenient is BLOG.lenient() is lenient.lenient()
    assert repr(lenient) == "Registry(Article, Person, Comment).lenient()"
    for registry in (lenient.without("people"), lenient.preferring(Article), pickle.loads(pickle.dumps(lenient))):
        assert read({"data": article(attributes={"title": 5})}, registry=registry).invalid_attributes


def positive(_instance, _attribute, value):
    if value < 0:
        raise ValueError(f"{value} is below 0")


@attrs.frozen(kw_only=True)
class Checked(Resource):
    type = "checked"

    amount: int = attrs.field(default=0, validator=positive)
    code: int | None = attrs.field(default=None, converter=attrs.converters.optional(int), repr=False)
    plain: str = "p"
    made: list[str] = attrs.field(factory=list)
    own: str = attrs.field(init=False, default=attrs.Factory(lambda self: f"own {self.id}", takes_self=True))

    def __attrs_post_init__(self):
        if self.plain == "refused":
            raise RuntimeError("secret text")


def checked(registry=None, /, **attributes):
    registry = registry or Registry(Checked)
    return registry.read(body_of({"data": {"type": "checked", "id": "1", "attributes": attributes}}))


def test_converters_validators_defaults_and_hooks_of_attrs_run():
    resource = checked(amount=5, code="12")

    assert (resource.amount, resource.code, resource.plain, resource.made, resource.own) == (5, 12, "p", [], "own 1")


@pytest.mark.parametrize(
    ("attributes", "pointer", "expected", "got"),
    [
        ({"code": "x1"}, "/data/attributes/code", "a value that raises no ValueError", "a string"),
        (
            {"plain": "refused"},
            "/data/attributes",
            "attributes that Checked accepts",
            "RuntimeError from its own checks",
        ),
        ({"amount": "1"}, "/data/attributes/amount", "a whole number", "a string ('1')"),
    ],
)
def test_what_a_class_itself_refuses_is_told_without_its_words(attributes, pointer, expected, got):
    with pytest.raises(DecodeError) as caught:
        checked(**attributes)

    assert (caught.value.pointer, caught.value.expected, caught.value.got) == (pointer, expected, got)
    assert "x1" not in str(caught.value)
    assert "secret text" not in str(caught.value)


def test_a_validator_of_attrs_names_its_field():
    @attrs.frozen(kw_only=True)
    class Strict(Resource):
        type = "strict"
        size: int = attrs.field(default=1, validator=attrs.validators.instance_of(str))  # type: ignore[arg-type] # wrong on purpose

    with pytest.raises(DecodeError) as caught:
        Registry(Strict).read(body_of({"data": {"type": "strict", "id": "1", "attributes": {"size": 5}}}))
    assert caught.value.pointer == "/data/attributes/size"


def test_leniency_extends_to_converters_and_checks_of_the_class():
    lenient = Registry(Checked).lenient()

    assert checked(lenient, code="x1", amount="2", plain="p").code == "x1"
    assert set(checked(lenient, code="x1", amount="2").invalid_attributes) == {"code", "amount"}
    resource = checked(lenient, plain="refused", code="5")
    assert (resource.plain, resource.code, resource.own) == ("refused", 5, "own 1")
    assert set(resource.invalid_attributes) == {""}
    assert checked(lenient, code=5).invalid_attributes == {}


text: Any = str
"""Defaults are what a document might have, and go through the converter too."""
converting: Any = attrs.Converter


def doubled(value: Any, field: Any) -> int:
    assert field.name == "double"
    return int(value) * 2


def added_to_cents(value: Any, resource: Any) -> int:
    cents: int = resource.cents
    return int(value) + cents


doubling: Any = converting(doubled, takes_field=True)
adding: Any = converting(added_to_cents, takes_self=True)


@attrs.frozen(kw_only=True)
class Converted(Resource):
    type = "converted"

    cents: int = attrs.field(default=text(7), converter=int)
    double: Any = attrs.field(default="4", converter=doubling)  # type: ignore[misc] # unknown to mypy's plugin
    more: Any = attrs.field(default=0, converter=adding)  # type: ignore[misc] # as above
    small: int = attrs.field(default=0, validator=attrs.validators.le(9))
    number: int = 0
    total: int = attrs.field(init=False, default=0)

    def __attrs_post_init__(self) -> None:
        object.__setattr__(self, "total", self.cents + self.double)


@pytest.mark.parametrize("given", [{}, {"cents": "5"}, {"double": "3"}, {"more": 1, "small": 5}])
def test_what_fits_is_read_leniently_as_strictly(given: dict[str, Any]) -> None:
    """With converters, those of defaults too, once; and with what the class makes of it."""

    def read_with(registry: Registry, attributes: dict[str, Any]) -> Any:
        return registry.read(body_of({"data": {"type": "converted", "id": "1", "attributes": attributes}}))

    strict = read_with(Registry(Converted), given)
    lenient = read_with(Registry(Converted).lenient(), {**given, "number": "x"})

    assert lenient.number == "x"
    assert set(lenient.invalid_attributes) == {"number"}
    for name in ("cents", "double", "more", "small", "total"):
        assert getattr(lenient, name) == getattr(strict, name)


def test_what_a_validator_refuses_is_kept_as_received() -> None:
    lenient: Any = Registry(Converted).lenient()
    resource = lenient.read(
        body_of({"data": {"type": "converted", "id": "1", "attributes": {"small": 10, "number": "x", "cents": "q"}}})
    )

    assert (resource.small, resource.number, resource.cents, resource.double) == (10, "x", "q", 8)
    # `more` is made of `cents`, and the sum too: both fail with it.
    assert set(resource.invalid_attributes) == {"small", "number", "cents", "more", ""}
    assert resource.invalid_attributes["small"].pointer == "/data/attributes/small"


def test_classes_of_both_kinds_are_read_together():
    registry = Registry(Checked, *CLASSES)
    first, second = read(
        {"data": [{"type": "checked", "id": "1", "attributes": {"code": "1"}}, article()]}, registry=registry
    )

    assert (first.code, second) == (1, Article(id="1"))


class Money:
    """A type that msgspec does not know."""

    def __init__(self, cents):
        self.cents = cents


@attrs.frozen(kw_only=True)
class Priced(Resource):
    type = "priced"

    price: Money | int | None = None


def test_a_union_that_msgspec_refuses_is_left_to_the_converter():
    """Of a type that msgspec does not know and another, it can read neither."""
    body = body_of({"data": {"type": "priced", "id": "1", "attributes": {"price": 5}}})
    converter = cattrs.Converter()
    converter.register_structure_hook(Money | int | None, lambda value, _: Money(value))

    with pytest.raises(ConfigurationError, match=r"^Priced\.price: .*Money.*converter=…"):
        Registry(Priced)

    priced: Any = Registry(Priced, converter=converter).read(body)

    assert priced.price.cents == 5
