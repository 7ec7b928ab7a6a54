"""`model`: a class for what a service or a document holds, which reads all of it and shows nothing of it."""

import io
import json
import os
import shutil
import subprocess
import sys
from datetime import datetime
from pathlib import Path
from types import ModuleType
from typing import Any

import attrs
import pytest
from hypothesis import HealthCheck, assume, given, settings
from hypothesis import strategies as st

from commercelayer_async.cli.class_source import class_source
from commercelayer_async.cli.inference import infer
from commercelayer_async.cli.naming import class_name, is_plural, python_names, singular
from commercelayer_async.errors import ConfigurationError
from commercelayer_async.jsonapi import Registry, Resource, ResourceObject, parse
from commercelayer_async.jsonapi.resource import declared_relationships
from commercelayer_async.resources import RESOURCES
from tests.jsonapi import strategies
from tests.jsonapi.models import body_of

CANARY = "canary-5f1e9c"
WALLETS = "customer_payment_sources"
RUFF = shutil.which("ruff", path=str(Path(sys.executable).parent)) or shutil.which("ruff")
usual = settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))


def load(source: str) -> type[Resource]:
    """The one class of a written module, which is run as any other."""
    module = ModuleType("written")
    exec(compile(source, "written.py", "exec"), vars(module))
    [found] = [one for one in vars(module).values() if getattr(one, "__module__", "") == "written"]
    cls: type[Resource] = found
    return cls


def sample_of(body: bytes, type: str) -> list[ResourceObject]:
    document = parse(body)
    primary = document.data if isinstance(document.data, tuple) else (document.data,)
    return [one for one in (*primary, *document.included) if one is not None and one.type == type]


def written(body: bytes, type: str) -> str:
    return class_source(infer(type, sample_of(body, type)), class_name(type))


def things(*attributes: dict[str, Any], **relationships: Any) -> bytes:
    """A document of one resource for each of the `attributes`; all have the same relationships."""
    resources = [
        {"type": "things", "id": str(n), "attributes": one, "relationships": relationships}
        for n, one in enumerate(attributes)
    ]
    return body_of({"data": resources})


def lines_of(*attributes: dict[str, Any], **relationships: Any) -> list[str]:
    """The lines that a class has for attributes and relationships."""
    source = written(things(*attributes, **relationships), "things")
    _, _, body = source.partition('type: ClassVar[str] = "things"\n')
    return [line.removeprefix("    ") for line in body.splitlines() if line]


def all_read(registry: Registry, body: bytes) -> list[Resource]:
    """Every resource of a document, the included ones too."""
    found: Any = registry.read(body)
    primary = list(found) if isinstance(found, tuple) else [] if found is None else [found]
    return [*primary, *(registry.included_of(primary[0]._document) if primary else ())]


def assert_reads(body: bytes, type: str) -> None:
    """The class that is written for a sample reads all of it, strictly, and loses nothing."""
    cls = load(written(body, type))
    resources = [one for one in all_read(Registry(cls), body) if one.type == type]
    assert resources
    for resource in resources:
        plain = resource.to_dict()
        assert isinstance(resource, cls)
        assert dict(resource.extra) == {}
        assert repr(resource)
        assert set(plain["attributes"]) == set(resource.raw_attributes)
        for name, value in resource.raw_attributes.items():
            assert same(plain["attributes"][name], value)
        for relationship in resource.relationships.values():
            assert relationship.state


def same(value: Any, received: Any) -> bool:
    """Equal in every digit; of moments only the writing may differ."""
    if isinstance(received, dict):
        return set(value) == set(received) and all(same(value[name], received[name]) for name in received)
    if isinstance(received, list):
        return len(value) == len(received) and all(map(same, value, received))
    if isinstance(received, str) and value != received:
        return moment(value) == moment(received)
    return isinstance(value, bool) == isinstance(received, bool) and bool(value == received)


def moment(text: str) -> datetime:
    return datetime.fromisoformat(text.upper())


# The property: whatever the sample, the class reads it


TRICKY = (
    *(name for name in dir(Resource) if name[:1] != "_"),
    *("type", "class", "None", "first-name", "firstName", "first_name", "FirstName", "größe", "_x", "x", "mro"),
    *("date", "date_", "datetime", "str", "Any", "any", "member", "attrs", "list", "dict", "float", "ToOne", "self"),
    *("__proto__", "2fa", "日本", "ﬁ", "a\"b'c\\", "\n", "\u202e", "-", "x" * 200, "größe" * 50, "e\u0301"),
)
names = st.sampled_from(TRICKY) | st.text(min_size=1, max_size=6).filter(
    lambda name: name[0] != "@" and ":" not in name
)
texts = st.sampled_from(
    [
        *("2018-01-01T12:00:00.000Z", "2018-01-01t12:00:00.123456+02:00", "2018-01-01T12:00:00.1234567Z"),
        *("2018-01-01T12:00:00", "2018-01-01", "2018-02-30", "2018-01-01T24:00:00Z", "2018-01-01T23:59:60Z"),
        *("0000-01-01T00:00:00Z", "9999-12-31T23:59:59.999999-12:00", "2018-01-01T00:00:00+25:00", "", "[masked]"),
        *("0001-01-01T00:00:00+10:00", "٢٠١٨-01-01", "2018-01-01T12:00:00Z\n", CANARY),
    ]
)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.sampled_from([0, 1, 1.5, 1e300, 2**53 + 1, 10**25]) | texts,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=2),
    max_leaves=8,
)
linkages = st.none() | strategies.identifiers() | st.lists(strategies.identifiers(), max_size=2)
relationships = st.dictionaries(
    names, st.fixed_dictionaries({}, optional={"data": linkages, "links": strategies.links}), max_size=3
)
records = st.fixed_dictionaries(
    {"attributes": st.dictionaries(names, values, max_size=5), "relationships": relationships}
)


@usual
@given(strategies.legal)
def test_the_class_reads_every_legal_sample(case: tuple[Any, bytes]) -> None:
    document, body = case
    objects = all_objects(document)
    # Two resource objects of one identity are not legal: its attributes are those of either.
    assume(len({(one["type"], one.get("id"), one.get("lid")) for one in objects}) == len(objects))
    for type in sorted({one["type"] for one in objects}):
        assert_reads(body, type)


@usual
@given(st.lists(records, min_size=1, max_size=4))
def test_the_class_reads_whatever_names_and_values_there_are(sample: list[dict[str, Any]]) -> None:
    body = body_of({"data": [{"type": "people", "id": str(n), **one} for n, one in enumerate(sample)]})

    assert_reads(body, "people")


def all_objects(document: dict[str, Any]) -> list[dict[str, Any]]:
    data = document["data"]
    primary = data if isinstance(data, list) else [data] if data else []
    return [*primary, *(document.get("included") or [] if primary else [])]


@pytest.mark.skipif(RUFF is None, reason="ruff is not installed")
def test_the_module_is_formatted(tmp_path: Path) -> None:
    @usual
    @given(st.lists(records, min_size=1, max_size=3))
    def write(sample: list[dict[str, Any]]) -> None:
        body = body_of({"data": [{"type": "people", "id": str(n), **one} for n, one in enumerate(sample)]})
        (tmp_path / f"m{len(list(tmp_path.iterdir()))}.py").write_text(written(body, "people"), encoding="utf-8")

    write()
    done = subprocess.run(
        [RUFF or "", "format", "--isolated", "--diff", tmp_path], capture_output=True, text=True, check=False
    )

    assert (done.returncode, done.stdout) == (0, "")


def test_what_does_not_fit_on_a_line_is_broken_and_a_type_that_cannot_be_is_left_out() -> None:
    name, long = "n" * 50, "l" * 60
    sources = [{"type": cls.type, "id": "1"} for cls in RESOURCES if cls.type.endswith("_payments")]
    union = " | ".join(sorted(cls.__name__ for cls in RESOURCES if cls.type.endswith("_payments")))
    body = things({name: "x", long: 1}, {name: [{}], long: 1}, {name: True, long: 1}, sources={"data": sources})

    source = written(body, "things")

    assert f"\n    # str | bool | list[dict[str, Any]]\n    {name}: Any\n" in source
    assert f'{"l" * 50}: int = attrs.field(\n        metadata=member("{long}"),\n    )\n' in source
    assert f'    sources = ToMany[\n        "{union}"\n    ]()\n' in source
    assert "resources import (  # noqa: F401 - named in quotes\n    AdyenPayment,\n" in source
    assert_reads(body, "things")


# Types


@pytest.mark.parametrize(
    ("values", "line"),
    [
        (["a", ""], "a: str"),
        ([1, 2], "a: int"),
        ([1.5, 2], "a: float"),
        ([1.5, 2**53 + 1], "a: int | float"),
        ([True, False], "a: bool"),
        (["2024-01-01T00:00:00.000Z", "2024-01-01T00:00:00+02:00"], "a: datetime"),
        (["2024-01-01", "2024-02-29"], "a: date"),
        (["2024-01-01", "2024-01-01T00:00:00Z"], "a: str"),
        (["2024-01-01T00:00:00"], "a: str"),
        (["2024-02-30"], "a: str"),
        (["2024-01-01T00:00:00.1234567Z"], "a: str"),
        ([{"x": 1}, {}], "a: dict[str, Any]"),
        ([["x"], []], "a: list[str]"),
        ([[1, None], [2.5]], "a: list[float | None]"),
        ([[["x"]], [[1]]], "a: list[list[str | int]]"),
        ([[]], "a: list[Any]"),
        ([["2024-01-01"]], "a: list[date]"),
        (["x", 1, True, {"y": 1}, ["z"]], "a: str | int | bool | dict[str, Any] | list[str]"),
        (["x", None], "a: str | None = None"),
        ([None, None], "a: Any = None  # null wherever it is there"),
    ],
)
def test_the_type_is_the_narrowest_that_reads_all_values(values: list[Any], line: str) -> None:
    assert lines_of(*({"a": value} for value in values)) == [line]
    assert_reads(things(*({"a": value} for value in values)), "things")


def test_a_number_that_a_float_would_round_keeps_its_digits() -> None:
    body = b'{"data": [{"type": "things", "id": "1", "attributes": {"a": 0.12345678901234567890123}}]}'
    [resource] = all_read(Registry(load(written(body, "things"))), body)

    assert str(getattr(resource, "a")) == "0.12345678901234567890123"  # noqa: B009 - of a class made here
    assert "    a: Any  # with numbers that a float would round\n" in written(body, "things")


def test_arrays_are_looked_into_to_a_depth_that_has_an_end() -> None:
    deep: Any = "x"
    for _ in range(100):
        deep = [deep]

    assert lines_of({"a": deep}) == ["a: list[list[list[list[Any]]]]"]


def test_what_is_nested_too_deep_to_be_looked_through_is_not_shown() -> None:
    deep: Any = {}
    for _ in range(400):
        deep = {"a": deep}

    assert lines_of({"a": deep}) == ["a: dict[str, Any] | None = attrs.field(default=None, repr=False)"]
    assert all_read(Registry(load(written(things({"a": deep}), "things"))), things({"a": deep}))


def test_what_is_absent_from_a_record_has_a_default_and_a_comment() -> None:
    assert lines_of({"a": 1, "b": 1}, {"a": 1}) == ["a: int", "b: int | None = None  # absent from 1 of 2 records"]


# Names


def test_names_of_documents_become_names_of_python() -> None:
    names = python_names(
        [
            "createdAt",
            "first-name",
            "class",
            "links",
            "HTTPStatus",
            "größe",
            "date",
            "x",
            "X",
            "-x-",
            "2fa",
            "?",
            "_y",
            "self",
        ]
    )

    assert list(names.values()) == [
        *("created_at", "first_name", "class_", "links_", "http_status", "größe", "date_"),
        *("x", "x_2", "x_3", "field_2fa", "field", "y", "self_"),
    ]


def test_a_member_that_is_a_name_of_python_keeps_it_wherever_it_comes() -> None:
    assert python_names(["createdAt", "created_at"]) == {"createdAt": "created_at_2", "created_at": "created_at"}


def test_an_attribute_gets_its_member_name() -> None:
    assert lines_of({"createdAt": 1, "class": 'a"'}) == [
        'created_at: int = attrs.field(metadata=member("createdAt"))',
        'class_: str = attrs.field(metadata=member("class"))',
    ]


def test_names_that_text_is_not_written_as_are_escaped() -> None:
    [line] = lines_of({'a"\\\n\u202e': 1})

    assert line == r'a: int = attrs.field(metadata=member("a\x22\\\x0a\u202e"))'


def test_an_empty_name_is_refused() -> None:
    with pytest.raises(ConfigurationError, match="empty name"):
        written(things({"": 1}), "things")


@pytest.mark.parametrize("cls", RESOURCES, ids=lambda cls: cls.type)
def test_the_class_has_the_name_that_this_package_would_give_it(cls: type[Resource]) -> None:
    assert class_name(cls.type) == cls.__name__


@pytest.mark.parametrize(
    ("type", "name"),
    [
        ("order_copies", "OrderCopy"),
        ("customer_addresses", "CustomerAddress"),
        ("skus", "Sku"),
        ("statuses", "Status"),
        ("warehouses", "Warehouse"),
        ("tax_boxes", "TaxBox"),
        ("people", "Person"),
        ("series", "Series"),
        ("analysis", "Analysis"),
        ("blog-posts", "BlogPost"),
        ("blogPosts", "BlogPost"),
        ("App\\Post", "AppPost"),
        ("resources", "ResourceRecord"),
        ("nones", "NoneRecord"),
    ],
)
def test_the_name_of_a_class_is_the_singular_of_its_type(type: str, name: str) -> None:
    assert class_name(type) == name


@pytest.mark.parametrize("type", ["", "?!", "-"])
def test_a_type_of_which_no_name_can_be_made_is_refused(type: str) -> None:
    with pytest.raises(ConfigurationError, match="give one with --class"):
        class_name(type)


def test_a_singular_has_no_other_singular() -> None:
    for word in ("person", "status", "address", "bus", "order", "x", ""):
        assert singular(word) == word
        assert not is_plural(word)


# Secrets


@pytest.mark.parametrize("name", ["token", "client_secret", "email"])
@pytest.mark.parametrize("value", [CANARY, 1, None, "", [], {}])
def test_what_is_named_like_a_secret_is_not_shown(name: str, value: object) -> None:
    assert "attrs.field(default=None, repr=False)" in lines_of({name: value})[-1]


def test_what_holds_a_secret_is_not_shown() -> None:
    assert lines_of({"a": {"b": [{"token": CANARY}]}, "url": f"https://x/?token={CANARY}"}) == [
        "a: dict[str, Any] | None = attrs.field(default=None, repr=False)",
        "url: str | None = attrs.field(default=None, repr=False)",
    ]


def test_whether_there_is_a_secret_is_not_one() -> None:
    assert lines_of({"has_token": True}, {"has_token": None}) == ["has_token: bool | None = None"]


def test_values_that_were_masked_may_be_anything() -> None:
    assert lines_of({"code": "[masked]"}, {"code": 5}) == [
        "code: Any = attrs.field(default=None, repr=False)  # masked in the sample"
    ]


@usual
@given(st.lists(st.dictionaries(names, st.just(CANARY) | st.just([{"a": CANARY}]), max_size=4), min_size=1, max_size=3))
def test_no_value_is_ever_written(sample: list[dict[str, Any]]) -> None:
    body = things(*sample, friend={"data": {"type": "people", "id": CANARY}, "meta": {"a": CANARY}})

    assert CANARY not in written(body, "things")


# Relationships


PERSON = {"type": "people", "id": "1"}


@pytest.mark.parametrize(
    ("relationship", "line"),
    [
        ({"data": {"type": "customers", "id": "1"}}, 'a = ToOne["Customer"]()'),
        ({"data": [{"type": "customers", "id": "1"}]}, 'a = ToMany["Customer"]()'),
        ({"data": {"type": "things", "id": "1"}}, 'a = ToOne["Thing"]()'),
        ({"data": PERSON}, 'a = ToOne["Resource"]()  # leads to people'),
        ({"data": [PERSON, {"type": "x/y", "id": "1"}]}, 'a = ToMany["Resource"]()  # leads to people, x/y'),
        (
            {"data": [{"type": "customers", "id": "1"}, {"type": "stripe_payments", "id": "1"}]},
            'a = ToMany["Customer | StripePayment"]()',
        ),
        ({"data": None}, 'a = ToOne["Resource | None"]()  # no record names a target'),
        ({"data": []}, 'a = ToMany["Resource"]()  # no record names a target'),
    ],
)
def test_a_relationship_leads_where_linkage_shows(relationship: dict[str, Any], line: str) -> None:
    assert lines_of({}, a=relationship) == [line]


@pytest.mark.parametrize(("name", "kind"), [("orders", 'ToMany["Resource"]'), ("order", 'ToOne["Resource | None"]')])
def test_without_linkage_the_cardinality_is_a_guess_that_is_marked(name: str, kind: str) -> None:
    lines = lines_of({}, **{name: {"links": {"related": "/x"}}})

    assert lines == [
        "# No record shows whether these lead to one or to many: it is a guess by the name.",
        f"{name} = {kind}()",
    ]


def test_a_relationship_that_is_null_somewhere_may_be_none() -> None:
    assert lines_of_linkage(PERSON, None) == ['a = ToOne["Resource | None"]()  # leads to people']


def test_a_relationship_to_one_and_to_many_is_not_declared() -> None:
    assert lines_of_linkage(PERSON, [PERSON]) == [
        "# not declared: a, to one in some records, to many in others; it is in `relationships`"
    ]


def test_an_empty_array_beside_a_target_is_null_as_in_reading() -> None:
    assert lines_of_linkage(PERSON, []) == ['a = ToOne["Resource | None"]()  # leads to people']
    assert lines_of_linkage([PERSON], None) == ['a = ToMany["Resource"]()  # leads to people']


def lines_of_linkage(*linkage: object) -> list[str]:
    """The lines of a class whose records have these linkages."""
    resources = [{"type": "things", "id": "1", "relationships": {"a": {"data": one}}} for one in linkage]
    return written(body_of({"data": resources}), "things").partition('"things"\n\n')[2].replace("    ", "").splitlines()


def test_a_relationship_under_the_name_of_an_attribute_is_not_declared() -> None:
    assert lines_of({"a": 1}, a={"data": None}) == [
        "a: int",
        "# not declared: a, there is an attribute of that name; it is in `relationships`",
    ]


# The command


LISTED = [cls for cls in RESOURCES if cls.type != "event_stores"]
"""Event stores are read from the record that they are about."""


@pytest.mark.parametrize("own", LISTED, ids=lambda cls: cls.type)
def test_the_class_for_a_type_of_the_service_is_like_this_packages_own(
    run: Any, organization: Any, own: type[Resource]
) -> None:
    """It reads all records of the type; what it knows of their members, this package's class says too."""
    result = run("model", own.type, "--records", "1000")
    everything = run("list", own.type, "--limit", "1000", "--json", "--reveal")

    assert (result.code, result.err) == (0, "")
    cls = load(result.out)
    body = everything.out.encode()
    assert cls.__name__ == own.__name__
    assert_reads(body, own.type)
    assert all(not one.extra for one in all_read(Registry(cls), body))
    assert shape_of(cls).items() <= shape_of(own).items()
    assert kinds_of(cls) == kinds_of(own)


LIST = "list[dict[str, Any]]"


def shape_of(cls: type[Resource]) -> dict[str, str]:
    """The types of attributes without null, those of which nothing is known left out."""
    types = {field.name: repr(field.type | None) for field in attrs.fields(cls) if field.type is not None}
    for name, one in types.items():
        words = one.replace("collections.abc.Mapping", "dict").replace("collections.abc.Sequence", "list")
        types[name] = words.removesuffix(" | None").replace("typing.", "").replace("tuple[dict[str, Any], ...]", LIST)
    return {name: one for name, one in types.items() if "Optional" not in one}


def kinds_of(cls: type[Resource]) -> dict[str, str]:
    return {name: type(one).__name__ for name, one in declared_relationships(cls).items()}


def test_include_shows_the_targets(run: Any, organization: Any) -> None:
    result = run("model", WALLETS, "--include", "customer,payment_method", "--records", "30")

    assert '    customer = ToOne["Customer"]()\n' in result.out
    assert '    payment_method = ToOne["PaymentMethod | None"]()\n' in result.out
    assert f"resources of the type {WALLETS}, as 30 records showed them." in result.out.splitlines()[0]
    assert len(organization.requests) == 2
    assert "cus_xxxyyyzzz" not in result.out


def test_no_more_records_are_read_than_asked_for(run: Any, organization: Any) -> None:
    result = run("model", WALLETS, "--records", "2")

    assert "as 2 records showed them" in result.out
    assert len(organization.requests) == 1


ARTICLES = {
    "data": {
        "type": "articles",
        "id": "1",
        "attributes": {"title": "x"},
        "relationships": {"author": {"data": PERSON}},
    },
    "included": [{**PERSON, "attributes": {"name": CANARY}}],
}


@pytest.fixture
def articles(tmp_path: Path) -> str:
    file = tmp_path / "articles.json"
    file.write_bytes(body_of(ARTICLES))
    return str(file)


def test_a_file_needs_no_credentials(run: Any, articles: str) -> None:
    result = run("model", "articles", "--json-file", articles)

    assert result.code == 0
    assert load(result.out).__name__ == "Article"


def test_a_file_may_hold_the_type_among_what_is_included(run: Any, articles: str) -> None:
    result = run("model", "people", "--json-file", articles, "--class", "Author")

    assert "class Author(Resource):" in result.out
    assert "    name: str\n" in result.out
    assert CANARY not in result.out


def test_a_file_may_have_a_document_on_each_line(run: Any, organization: Any, tmp_path: Path) -> None:
    file = tmp_path / "wallets.jsonl"
    run("export", WALLETS, "--to", str(file), "--include", "customer")

    result = run("model", "customers", "--json-file", str(file), "--records", "1000")

    assert (result.code, result.err) == (0, "")
    for line in file.read_bytes().splitlines():
        cls = load(result.out)
        assert all(type(one) is cls for one in all_read(Registry(cls), line) if one.type == "customers")


def test_stdin_is_a_file_too(run: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(sys, "stdin", io.TextIOWrapper(io.BytesIO(body_of(ARTICLES))))

    assert "class Article(Resource):" in run("model", "articles", "--json-file", "-").out


@pytest.mark.parametrize(
    ("arguments", "document", "code", "message"),
    [
        (["martians"], ARTICLES, 2, "there are no records of the type martians in "),
        (["articles"], {"data": []}, 2, "there are no records of the type articles in "),
        (["articles"], {"data": None}, 2, "there are no records of the type articles in "),
        (["articles"], {"meta": {}}, 2, "is a document with no data; give one that holds records"),
        (["articles"], {"errors": [{"status": "404"}]}, 2, "is a document with errors, and no data"),
        (["articles"], "{\n{}", 2, "is not a JSON:API document: expected JSON, got"),
        (["articles"], [], 2, "is not a JSON:API document: expected a JSON:API document (an object), got an array"),
        (["articles", "--include", "author"], ARTICLES, 2, "--include asks the API for more"),
        (["articles", "--class", "ToOne"], ARTICLES, 2, "--class: 'ToOne' cannot be the name of the class"),
        (["articles", "--class", "a b"], ARTICLES, 2, "--class: 'a b' cannot be the name of the class"),
        (["articles", "--class", ""], ARTICLES, 2, "--class: '' cannot be the name of the class"),
        (["?!"], ARTICLES, 2, "no class name can be made from the type '?!'; give one with --class"),
        (["a"], {"data": {"type": "a", "id": "1", "attributes": {"": 1}}}, 2, "has an empty name"),
        (["a"], {"data": {"type": "a", "id": 1}}, 2, "is not a JSON:API document: expected a string"),
    ],
)
def test_what_cannot_be_written_is_refused_in_a_sentence(
    run: Any, tmp_path: Path, *, arguments: list[str], document: object, code: int, message: str
) -> None:
    file = tmp_path / "document.json"
    file.write_text(document if isinstance(document, str) else json.dumps(document))

    result = run("model", *arguments, "--json-file", str(file))

    assert (result.code, result.out) == (code, "")
    first, *hints = result.err.splitlines()
    assert first.startswith("error: ")
    assert all(hint.startswith("hint: ") for hint in hints)
    assert message in result.err.replace("\nhint: ", "; ")


def test_a_file_that_is_not_there_is_named(run: Any, tmp_path: Path) -> None:
    result = run("model", "articles", "--json-file", str(tmp_path / "missing.json"))

    assert (result.code, result.out) == (2, "")
    assert "missing.json" in result.err


def test_a_type_that_is_not_there_is_not_found(run: Any, organization: Any) -> None:
    result = run("model", "custmers")

    assert (result.code, result.out) == (3, "")
    assert "did you mean 'customers'?" in result.err


def test_a_type_without_records_shows_nothing(run: Any, environment: Any, api: Any) -> None:
    environment(organization=api.url, access_token="token-of-a-test")
    api.responses["/api/orders?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"] = (200, {"data": []})

    result = run("model", "orders")

    assert (result.code, result.out) == (2, "")
    assert "there are no records of the type orders, so nothing shows what they hold" in result.err


def test_a_credential_is_not_written_though_a_server_makes_a_name_of_it(
    run: Any, environment: Any, tmp_path: Path
) -> None:
    environment(access_token=CANARY)
    file = tmp_path / "echo.json"
    file.write_bytes(things({CANARY: 1}))

    result = run("model", "things", "--json-file", str(file))

    assert (result.code, result.out) == (2, "")
    assert CANARY not in result.err


@pytest.mark.slow
def test_the_module_passes_the_strictest_type_check(run: Any, organization: Any, tmp_path: Path) -> None:
    bodies = {name: {name: 1, "after": "2024-01-01T00:00:00Z", "day": "2024-01-01"} for name in TRICKY}
    for number, attributes in enumerate(bodies.values()):
        (tmp_path / f"odd{number}.py").write_text(written(things(attributes, {}), "things"), encoding="utf-8")
    for cls in LISTED:
        (tmp_path / f"{cls.type}.py").write_text(run("model", cls.type).out, encoding="utf-8")

    done = subprocess.run(
        [sys.executable, "-m", "mypy", "--strict", "--config-file", "", "--cache-dir", tmp_path / "cache", tmp_path],
        capture_output=True,
        text=True,
        check=False,
        env={**os.environ, "MYPYPATH": str(Path(__file__).parents[2])},
    )

    assert (done.returncode, done.stderr) == (0, ""), done.stdout
