"""`commercelayer-async get`."""

import json
import re

import pytest

from tests.support.documents import WALLET_ID

CANARY = "canary-5f1e9c"
TOKEN = "token-of-the-environment"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
WALLET = ("get", "customer_payment_sources", WALLET_ID)


@pytest.fixture
def things(environment, api):
    """The server of the test's own as the organization, and its type `things`."""
    environment(organization=api.url, access_token=TOKEN)
    return api


def test_a_resource_is_a_table_of_attributes_and_one_of_relationships(run, organization):
    result = run(*WALLET)

    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[1] == "CustomerPaymentSource customer_payment_sources/xYZkjABcde:"
    assert "  customer_token        [masked]" in lines
    assert '  metadata              {"foo": "bar"}' in lines
    assert f"  customer        links only  {organization.url}/api/{'/'.join(WALLET[1:])}/customer" in lines
    assert "  mode  test" in lines
    assert lines[-1] == "2 values are masked; --reveal shows what is there."


def test_reveal_shows_secrets(run, organization):
    result = run(*WALLET, "--reveal")

    assert "  customer_token        cus_xxxyyyzzz\n" in result.out
    assert "masked" not in result.out


def test_a_terminal_gets_tables(run_on_terminal, organization):
    result = run_on_terminal(*WALLET)

    assert "\x1b[36mname\x1b[0m" in result.out
    assert "cus_xxxyyyzzz" not in result.out


def test_included_resources_are_shown_too(run, organization):
    result = run(*WALLET, "--include", "customer,payment_source.payment_gateway")

    assert result.out.count("\nincluded\n--------\n") == 3
    assert "\nCustomer customers/" in result.out
    assert "\nGenericResource stripe_gateways/" in result.out
    assert re.search(r"^  customer +included +customers/\w+$", result.out, re.MULTILINE)


def test_client_credentials_of_the_environment_are_used(run, environment, commercelayer_sandbox):
    environment(
        organization=commercelayer_sandbox.url,
        client_id=commercelayer_sandbox.client_id,
        client_secret=commercelayer_sandbox.client_secret,
    )

    assert run(*WALLET).code == 0


def test_json_is_the_resource_object_as_received(run, organization):
    result = run(*WALLET, "--json", "--reveal")

    assert list(result.document) == ["data", "included", "masked"]
    assert list(result.document["data"]) == ["id", "type", "links", "attributes", "relationships", "meta"]
    assert result.document["data"]["attributes"]["created_at"] == "2018-01-01T12:00:00.000Z"
    assert result.document["data"]["attributes"]["customer_token"] == "cus_xxxyyyzzz"
    assert result.document["included"] == result.document["masked"] == []


def test_json_masks_and_points_to_it(run, organization):
    result = run(*WALLET, "--json", "--include", "customer")

    assert result.document["data"]["attributes"]["customer_token"] == "[masked]"
    assert result.document["included"][0]["attributes"]["email"] == "[masked]"
    assert {
        "/data/attributes/customer_token",
        "/data/attributes/payment_source_token",
        "/included/0/attributes/email",
    } <= set(result.document["masked"])


def test_json_lists_each_included_resource_once_nearest_first(run, organization):
    customer = run(*WALLET, "--json", "--include", "customer").document["included"][0]["id"]

    result = run("get", "customers", customer, "--json", "--include", "customer_payment_sources.customer")

    included = result.document["included"]
    assert {resource["type"] for resource in included} == {"customer_payment_sources"}
    assert len({resource["id"] for resource in included}) == len(included) > 0


def test_json_is_ascii_whatever_the_server_sends(run, things):
    things.serve(attributes={"name": "Zoë\x9b2J\u202e"})

    result = run("get", "things", "abc", "--json")

    assert result.out.isascii()
    assert result.document["data"]["attributes"]["name"] == "Zoë\x9b2J\u202e"


def test_a_type_without_a_class_is_masked_by_names_at_any_depth(run, things):
    things.serve(
        attributes={
            "token": CANARY,
            "cart": {"clientSecret": CANARY, "lines": [{"api_key": CANARY}]},
            "hook": f"https://example.com/?a=1&access_token={CANARY}",
            "note": f"use {JWT}",
            "shipping": "express",
            "has_password": True,
            "nonce": None,
        },
        meta={"session": CANARY},
        relationships={"tokens": {"data": None}},
    )

    result = run("get", "things", "abc")
    document = run("get", "things", "abc", "--json").document

    assert CANARY not in result.out
    assert JWT not in result.out
    assert document["data"]["attributes"] == {
        "token": "[masked]",
        "cart": {"clientSecret": "[masked]", "lines": [{"api_key": "[masked]"}]},
        "hook": "[masked]",
        "note": "[masked]",
        "shipping": "express",
        "has_password": True,
        "nonce": None,
    }
    assert document["data"]["meta"] == {"session": "[masked]"}
    assert document["data"]["relationships"] == {"tokens": {"data": None}}
    assert len(document["masked"]) == 6


def test_an_attribute_unknown_to_its_class_is_shown_and_masked_by_name(run, things):
    times = {"created_at": "2018-01-01T12:00:00Z", "updated_at": "2018-01-01T12:00:00Z"}
    things.serve(type="customers", attributes={"secret_word": CANARY, **times, "shoe_size": 42})

    result = run("get", "customers", "abc")

    assert "  secret_word  [masked]\n" in result.out
    assert "  shoe_size    42\n" in result.out
    assert result.out.splitlines()[-1] == "1 value is masked; --reveal shows what is there."


def test_the_own_token_is_never_shown_whatever_the_server_echoes(run, run_on_terminal, things):
    things.serve(attributes={"echo": f"got {TOKEN}", "list": [TOKEN]})

    for result in (
        run("get", "things", "abc", "--reveal"),
        run("get", "things", "abc", "--reveal", "--json"),
        run_on_terminal("get", "things", "abc", "--reveal"),
    ):
        assert result.code == 0
        assert TOKEN not in result.out
        assert "[masked]" in result.out


def test_what_steers_a_terminal_or_looks_like_markup_is_only_text(run, run_on_terminal, things):
    things.serve(attributes={"na\x1b[2Jme": "[red]a\x1b]0;title\x07[/red]\nb"}, meta={"\u202e": "[/]"})

    plain, rich = run("get", "things", "abc"), run_on_terminal("get", "things", "abc")

    for result in (plain, rich):
        assert result.code == 0
        assert "[red]a\\u001b]0;title\\u0007[/red]\\u000ab" in result.out
        assert not any(mark in result.out for mark in ("\x1b[2J", "\x1b]0", "\x07", "\u202e"))
        assert "[/]" in result.out


def test_a_long_linkage_is_cut(run, things):
    linkage = [{"type": "parts", "id": f"p{n}"} for n in range(7)]
    things.serve(attributes={}, relationships={"parts": {"data": linkage}, "nothing": {"data": None}})

    result = run("get", "things", "abc")

    assert "  parts    identified  parts/p0, parts/p1, parts/p2, parts/p3, parts/p4 and 2 more\n" in result.out
    assert "  nothing  empty\n" in result.out


def test_linkage_by_local_id_is_shown(run, things):
    things.serve(attributes={}, relationships={"part": {"data": {"type": "parts", "lid": "l1"}}})

    assert "parts/l1" in run("get", "things", "abc").out


def test_a_resource_without_relationships_and_meta_is_one_table(run, things):
    things.serve(attributes={"name": "x"})

    assert run("get", "things", "abc").out == "\nGenericResource things/abc:\n  attribute  value\n  name       x\n"


def test_a_response_that_turns_out_wrong_late_leaves_stdout_empty(run, things):
    things.serve(attributes={}, relationships={"part": {"data": 5}})

    result = run("get", "things", "abc")

    assert (result.code, result.out) == (1, "")
    assert "/data/relationships/part" in result.err
    assert json.dumps(CANARY) not in result.err
