"""Public names: each reports the package that users import it from, and pickles name no private module."""

import importlib
import inspect
import pickle
import pickletools
from datetime import datetime
from typing import Any, ClassVar, cast, get_type_hints

import attrs
import pytest

import commercelayer_async
from commercelayer_async import errors, jsonapi, redis, resources, shared
from commercelayer_async.jsonapi import Registry, Resource, ToOne, parse
from commercelayer_async.jsonapi._schema import checked_types
from commercelayer_async.resources import RESOURCES, CustomerPaymentSource

ROOT = "commercelayer_async"
PAGE = b"""{
    "data": [{
        "type": "customer_payment_sources",
        "id": "xYZkjABcde",
        "attributes": {"created_at": "2018-01-01T12:00:00.000Z", "updated_at": "2018-01-01T12:00:00.000Z", "name": 5},
        "relationships": {"customer": {"data": {"type": "customers", "id": "a"}, "links": {"self": "/a"}}},
        "links": {"self": "/b"}
    }],
    "included": [{"type": "customers", "id": "a"}]
}"""
DEEP = b'{"data": {"type": "martians", "id": "1", "attributes": {"a": ' + b"[" * 300 + b"]" * 300 + b"}}}"


@attrs.frozen(kw_only=True)
class Lamp(Resource):
    """A class of a user's, with annotations in quotes."""

    type: ClassVar[str] = "lamps"

    lit: "bool"
    since: "datetime | None" = None

    owner = ToOne["Lamp | None"]()


def public_names() -> list[Any]:
    """Every class and function that the packages export, and the package that it is to report."""
    found = []
    packages = (ROOT, commercelayer_async), (f"{ROOT}.jsonapi", jsonapi), (f"{ROOT}.resources", resources)
    for home, package in (*packages, (f"{ROOT}.shared", shared), (f"{ROOT}.redis", redis)):
        for name in package.__all__:
            thing = getattr(package, name)
            if inspect.isclass(thing) or inspect.isfunction(thing):
                expected = f"{ROOT}.jsonapi" if name in jsonapi.__all__ else home
                found.append(pytest.param(thing, expected, id=f"{home}.{name}"))
    return found


@pytest.mark.parametrize(("thing", "home"), public_names())
def test_a_public_name_reports_the_package_that_has_it(thing: Any, home: str) -> None:
    assert thing.__module__ == home
    assert getattr(importlib.import_module(home), thing.__name__) is thing


def modules_of(pickled: bytes) -> set[str]:
    """The modules that a pickle names: of whatever version, they are among its texts."""
    texts = [argument for _, argument, _ in pickletools.genops(pickled) if isinstance(argument, str)]
    return {word for text in texts for word in text.split() if word.startswith(ROOT)}


def private(module: str) -> bool:
    """Whether a module is not for users: one of its parts is private, or it is a part of the JSON:API layer."""
    return any(part.startswith("_") for part in module.split(".")) or module.startswith(f"{ROOT}.jsonapi.")


def samples() -> dict[str, Any]:
    """Something of each kind that pickles."""
    registry = Registry(*RESOURCES).lenient()
    read: Any = registry.read
    (lenient,) = read(PAGE)
    document = parse(PAGE, url="https://x.example/api")
    return {
        "resource": read(PAGE.replace(b"5", b'"Visa"'))[0],
        "lenient": lenient,
        "included": lenient.customer.value,
        "detached": lenient.detached(),
        "deep": registry.read(DEEP),
        "links": lenient.links,
        "link": lenient.links.self,
        "document": document,
        "identifier": lenient.customer.identifier,
        "state": lenient.customer.state,
        "registry": registry,
        "class": CustomerPaymentSource,
        "error object": jsonapi.ErrorObject(title="?"),
    }


@pytest.mark.parametrize("protocol", range(2, pickle.HIGHEST_PROTOCOL + 1))
@pytest.mark.parametrize("what", samples())
def test_a_pickle_of_what_was_read_names_public_packages_alone(what: str, protocol: int) -> None:
    pickled = pickle.dumps(samples()[what], protocol=protocol)

    assert modules_of(pickled)
    assert not list(filter(private, modules_of(pickled)))
    assert type(pickle.loads(pickled)) is type(samples()[what])


EXPORT_ERRORS: list[Any] = [errors.ExportError, *errors.ExportError.__subclasses__()]

ERRORS: list[Any] = [
    errors.CommerceLayerError("x"),
    errors.ConfigurationError("x"),
    errors.SessionError("x"),
    errors.DecodeError(expected="a", got="b", pointer="/data", url="https://x.example", resource="a/1", offset=3),
    errors.LinkRefused(link="//x", reason="why"),
    *(cls("x", url="u", phase="connect") for cls in (errors.TransportError, errors.ConnectError, errors.TLSError)),
    errors.TimeoutError("x", url="u", phase="body", seconds=1.0),
    errors.BodyTooLarge("x", url="u", limit=5),
    errors.SharedBudgetError("x", store="file"),
    errors.TokenStoreError("x", store="file"),
    errors.AuthError("x", status=401, code="invalid_client"),
    *(
        cls(status=status, method="GET", url="u", errors=(jsonapi.ErrorObject(code="C"),))
        for cls in cast("list[type[errors.ApiError]]", [errors.ApiError, *errors.ApiError.__subclasses__()])
        for status in cls.statuses[:1] or (418,)
    ),
    *(cls("x", path="p") for cls in EXPORT_ERRORS),
    errors.BulkError.of({"a": errors.ConfigurationError("x")}, {"b": Lamp(id="1", lit=True)}),
]


@pytest.mark.parametrize("error", ERRORS, ids=lambda error: type(error).__name__)
def test_a_pickle_of_an_error_names_public_packages_alone(error: errors.CommerceLayerError) -> None:
    pickled = pickle.dumps(error)
    again = pickle.loads(pickled)

    assert (type(again), str(again)) == (type(error), str(error))
    assert not list(filter(private, modules_of(pickled)))


def test_every_class_of_error_is_pickled_here() -> None:
    names = {name for name in errors.__all__ if inspect.isclass(getattr(errors, name))}

    assert {type(error).__name__ for error in ERRORS} == names


@pytest.mark.parametrize("cls", [*RESOURCES, jsonapi.GenericResource, Resource], ids=lambda cls: cls.__name__)
def test_annotations_resolve_in_the_package_that_a_class_reports(cls: type[Resource]) -> None:
    hints = get_type_hints(cls)

    assert {field.name for field in attrs.fields(cls)} <= set(hints)
    assert not [hint for hint in hints.values() if isinstance(hint, str)]


def test_annotations_in_quotes_resolve_in_the_module_of_a_users_class() -> None:
    assert get_type_hints(Lamp)["since"] == datetime | None
    assert checked_types(Lamp)["lit"] is bool
    lamp: Any = Registry(Lamp).read(
        b'{"data": {"type": "lamps", "id": "1", "attributes": {"lit": true, "since": "2018-01-01T12:00:00Z"}}}'
    )
    assert (type(lamp), lamp.lit, lamp.since.year) == (Lamp, True, 2018)
