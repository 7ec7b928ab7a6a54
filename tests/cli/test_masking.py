"""Which values are masked."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from commercelayer_async.cli.masking import MASKED, Mask, class_of, clean, own_secrets
from commercelayer_async.resources import Customer

CANARY = "canary-5f1e9c"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
NAMES = ("token", "client_secret", "paymentNonce", "Authorization", "api-key", "session_id", "customer_email", "otp")

words = st.text(alphabet="abcdxyz_", max_size=6)
values = st.recursive(
    st.none() | st.booleans() | st.integers() | words,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(words | st.sampled_from(NAMES), inner, max_size=3),
    max_leaves=12,
)


def at(document, pointer):
    for token in pointer.split("/")[1:]:
        document = document[int(token) if isinstance(document, list) else token.replace("~1", "/").replace("~0", "~")]
    return document


@pytest.mark.parametrize("name", NAMES)
@pytest.mark.parametrize("value", [CANARY, 1234, [CANARY], {"a": CANARY}])
def test_a_name_like_a_secrets_masks_whatever_it_holds(name, value):
    mask = Mask(reveal=False)

    assert mask.value({name: value}, "") == {name: MASKED}
    assert mask.pointers == [f"/{name}"]


@pytest.mark.parametrize("name", ["shipping", "optional", "spin", "number", "status", "publishable_key", "options"])
def test_an_ordinary_name_masks_nothing(name):
    assert Mask(reveal=False).value({name: CANARY}, "") == {name: CANARY}


@pytest.mark.parametrize("value", [None, True, False, "", {}, []])
def test_what_holds_nothing_is_shown(value):
    assert Mask(reveal=False).value({"token": value}, "") == {"token": value}


@pytest.mark.parametrize(
    "text",
    [
        JWT,
        f"a {JWT} b",
        f"[masked] {JWT}",
        "\x01" * 500 + JWT,
        f"\U000e0001{JWT}",
        f"Authorization: Bearer {CANARY}",
        f"https://example.com/a?b=c&access_token={CANARY}",
        f"https://example.com/#id_token={CANARY}",
        f"https://somebody:{CANARY}@example.com/",
    ],
)
def test_text_with_a_token_is_masked_under_any_name(text):
    assert Mask(reveal=False).value({"note": [text]}, "") == {"note": [MASKED]}


@pytest.mark.parametrize("text", ["[masked]", "https://example.com:8080/a?b=c", "12:30 @ home", "eyJ", ""])
def test_text_without_a_token_is_shown(text):
    assert Mask(reveal=False).value(text, "") == text


@given(values)
def test_reveal_changes_nothing(value):
    assert Mask(reveal=True).value(value, "") == value


@given(values, st.sampled_from(NAMES))
def test_pointers_lead_to_exactly_what_was_masked(value, name):
    mask = Mask(reveal=False)

    masked = mask.value({"a/b~c": value, "deep": [{name: {"x": CANARY}}]}, "")

    assert CANARY not in json.dumps(masked)
    assert [at(masked, pointer) for pointer in mask.pointers] == [MASKED] * len(mask.pointers)
    assert json.dumps(masked).count(json.dumps(MASKED)) == len(mask.pointers)


@pytest.mark.parametrize(
    "document",
    [
        {"data": None},
        {"data": []},
        {"data": [5]},
        {"data": {"type": 5, "attributes": 5, "relationships": 5}},
        {"errors": [{"title": "x"}]},
    ],
)
def test_a_document_of_any_shape_is_let_through(document):
    assert Mask(reveal=False).document(document) == document


def test_each_resource_of_a_list_is_masked_by_its_class():
    customer = {"type": "customers", "id": "a", "attributes": {"email": CANARY, "status": "repeat"}}

    masked = Mask(reveal=False).document({"data": [customer], "included": [customer]})

    assert CANARY not in json.dumps(masked)
    assert json.dumps(masked).count("repeat") == 2


def test_a_flag_named_like_a_secret_is_shown_where_its_class_shows_it():
    payment = {"type": "axerve_payments", "id": "a", "attributes": {"request_token": True}}

    assert Mask(reveal=False).document({"data": payment}) == {"data": payment}


def test_types_have_classes_or_none():
    assert class_of("customers") is Customer
    assert class_of("things") is None


def test_own_secrets_are_those_of_the_environment_that_are_long_enough():
    environment = {"COMMERCELAYER_ACCESS_TOKEN": "a", "COMMERCELAYER_CLIENT_SECRET": CANARY, "OTHER": "other-secret"}

    assert own_secrets(environment) == (CANARY,)


@given(st.text())
def test_clean_text_is_printable_and_cleaning_it_again_changes_nothing(text):
    shown = clean(text, ())

    assert shown.isprintable()
    assert clean(shown, ()) == shown


def test_clean_text_has_none_of_the_secrets():
    assert clean(f"a {CANARY} b", (CANARY,)) == "a [masked] b"
