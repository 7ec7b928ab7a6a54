"""`commercelayer-async demo`."""

import os
import re
import subprocess
import sys
from pathlib import Path

import pytest

from commercelayer_async.sandbox import Sandbox
from tests.support.documents import WALLET_PATH

SECRETS = ("cus_xxxyyyzzz", "pm_xxxyyyzzz", "eyJ", "_secret_", "@example.com")
WALLET = WALLET_PATH
PATHS = [WALLET, f"{WALLET}/customer", f"{WALLET}/payment_source"]


def at(document, pointer):
    for token in pointer.split("/")[1:]:
        document = document[int(token) if isinstance(document, list) else token]
    return document


def strings(value):
    if isinstance(value, dict | list):
        return [text for entry in (value.values() if isinstance(value, dict) else value) for text in strings(entry)]
    return [value]


@pytest.fixture
def document(run):
    return run("demo", "--json").document


def test_plain_text_shows_each_request_and_its_result(run):
    result = run("demo", "--verbose")

    assert (result.code, result.err) == (0, "")
    assert [line.split()[1] for line in result.out.splitlines() if line.startswith("  GET ")] == PATHS
    assert result.out.count("  Authorization: Bearer [masked]\n") == 3
    assert result.out.count("  200, application/vnd.api+json, ") == 3
    assert "\nCustomerPaymentSource customer_payment_sources/xYZkjABcde:\n" in result.out
    assert "\nCustomer customers/" in result.out
    assert "\nStripePayment stripe_payments/" in result.out


@pytest.mark.parametrize("options", [[], ["--verbose"]])
def test_five_lines_say_what_happened(run, options):
    result = run("demo", *options)

    lines = result.out.partition("\nsummary:\n")[2].splitlines()[:5]
    cost = r"[\d,]+ bytes in [\d.]+ ms"
    for line, pattern in zip(
        lines,
        [
            f"Retrieve a wallet: CustomerPaymentSource, {cost}",
            f"Follow the link to its customer: Customer, {cost}",
            f"Follow the link to its payment source: StripePayment, {cost}",
            "Ask for the customer again: Customer, no request",
            f"4 resources by 3 requests: {cost}",
        ],
        strict=True,
    ):
        assert re.fullmatch(f"  {pattern}", line), line
        assert len(line) < 80
    assert ("GET " in result.out) == bool(options)
    assert "\x1b" not in result.out


def next_steps(out):
    """The commands at its end."""
    return [
        line.strip() for line in out.partition("\nNext steps, in this shell:\n")[2].splitlines() if line[:2] == "  "
    ]


@pytest.mark.parametrize("folder", [Path(sys.executable).parent, Path(sys.executable).parents[1], Path("/")])
def test_the_next_steps_run_as_they_are_printed(run, folder, monkeypatch):
    """In a shell that knows nothing of the environment, and in the folder where the demo ran."""
    monkeypatch.chdir(folder)
    monkeypatch.setenv("PATH", os.defpath)
    verbose, sandbox, list_ = next_steps(run("demo").out)

    def started(line, before=""):
        return subprocess.Popen(["/bin/sh", "-c", f"{before}\nexec {line}"], stdout=subprocess.PIPE, text=True)

    with started(verbose) as process:
        assert "\n  GET " in process.stdout.read()
    with started(sandbox) as process:
        pasted: list[str] = []
        while not pasted or pasted[-1] not in ("# Stop with Ctrl-C.\n", ""):
            pasted.append(process.stdout.readline())
        with started(list_, "".join(pasted)) as listing:
            assert "xYZkjABcde" in listing.stdout.read()
        process.terminate()
        process.stdout.read()
    assert (process.returncode, listing.returncode) == (0, 0)


def test_the_next_steps_name_python_where_the_shell_finds_it(run, monkeypatch):
    monkeypatch.setenv("PATH", str(Path(sys.executable).parent))

    assert {line.split()[0] for line in next_steps(run("demo").out)} == {"python"}


def test_a_terminal_gets_the_same_in_panels(run_on_terminal):
    result = run_on_terminal("demo", "--verbose")

    assert result.code == 0
    assert "\x1b[" in result.out
    for words in (*PATHS, "╭─", "Next steps, in this shell:", "StripePayment"):
        assert words in result.out


def test_no_color_takes_the_colours_of_a_terminal_away(run_on_terminal, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    result = run_on_terminal("demo")

    assert "╭─" in result.out
    assert not any(f"\x1b[3{n}m" in result.out for n in range(8))


def test_a_dumb_terminal_gets_plain_text(run_on_terminal, monkeypatch):
    monkeypatch.setenv("TERM", "dumb")

    assert "╭" not in run_on_terminal("demo").out


def test_no_output_shows_a_secret(run, run_on_terminal):
    for result in (
        run("demo"),
        run("demo", "--verbose"),
        run("demo", "--json"),
        run_on_terminal("demo", "--verbose", width=400),
    ):
        assert not any(secret in result.out + result.err for secret in SECRETS)


def test_json_has_the_requests_of_each_step(document):
    steps = document["steps"]

    assert [[request["path"] for request in step["requests"]] for step in steps] == [*([path] for path in PATHS), []]
    for request in (request for step in steps for request in step["requests"]):
        assert request["method"] == "GET"
        assert request["status"] == 200
        assert request["content_type"] == "application/vnd.api+json"
        assert request["size"] > 0
        assert request["milliseconds"] > 0
        assert request["headers"].keys() == {"Accept", "Accept-Encoding", "Authorization", "User-Agent"}
        assert request["headers"]["Authorization"] == "Bearer [masked]"


def test_json_has_the_resource_of_each_step(document):
    resources = [step["resource"] for step in document["steps"]]

    assert [resource["class"] for resource in resources] == [
        "CustomerPaymentSource",
        "Customer",
        "StripePayment",
        "Customer",
    ]
    assert list(resources[0]) == ["class", "type", "id", "attributes", "relationships", "meta"]
    assert resources[0]["attributes"]["created_at"] == "2018-01-01T12:00:00+00:00"
    assert resources[1] == resources[3]


def test_json_has_the_relationships_before_and_after(document):
    for name, relationship in document["relationships"].items():
        link = f"{document['sandbox']}{WALLET}/{name}"
        before = {"state": "links only", "loaded": False, "identifiers": [], "link": link}
        assert relationship == {"before": before, "after": {**before, "loaded": True}}
    assert list(document["relationships"]) == ["customer", "payment_source"]


def test_json_points_to_what_it_masks(document):
    pointers = document.pop("masked")

    assert {at(document, pointer) for pointer in pointers} == {"[masked]"}
    assert strings(document).count("[masked]") == len(pointers) == len(set(pointers))


def test_reveal_shows_the_documented_tokens_but_never_the_bearer(run):
    result = run("demo", "--json", "--reveal")

    attributes = result.document["steps"][0]["requests"][0]["body"]["data"]["attributes"]
    assert attributes["customer_token"] == "cus_xxxyyyzzz"
    assert attributes["payment_source_token"] == "pm_xxxyyyzzz"
    assert result.document["masked"] == []
    assert "eyJ" not in result.out


def test_reveal_leaves_nothing_masked(run):
    result = run("demo", "--verbose", "--reveal")

    assert "cus_xxxyyyzzz" in result.out
    assert "--reveal shows them" not in result.out
    assert "eyJ" not in result.out


def test_only_a_body_with_many_relationships_is_shortened(run):
    result = run("demo", "--verbose")

    assert result.out.count("\nbody:\n") == 2
    assert result.out.count("\nbody, shortened; --json has all of it:\n") == 1
    assert '"...": "12 more like these"' in result.out


def test_a_sandbox_that_cannot_listen_is_one_sentence(run, monkeypatch):
    def listen(self):
        raise OSError(98, "cannot listen on port 0 of 127.0.0.1: Address already in use")

    monkeypatch.setattr(Sandbox, "_listen", listen)

    result = run("demo")

    assert (result.code, result.out) == (1, "")
    assert result.err == "error: cannot listen on port 0 of 127.0.0.1: Address already in use\n"
