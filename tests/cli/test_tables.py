"""`list` and `get` at any width, into files, and as tab-separated values; and following a link."""

import json
import os
import re
import stat

import pytest
from rich.cells import cell_len

from commercelayer_async.sandbox import Answer
from tests.support.documents import WALLET_ID

WALLETS = "customer_payment_sources"
WIDTHS = [40, 59, 60, 80, 120, 200]
COLOURS = re.compile(r"\x1b\[[0-9;]*m")
MOMENT = re.compile(r"\b20\d\d-\d\d-\d\d \d\d:\d\d\b")
WIDE = {"name": "東京のお店 😀 e\u0301 " * 8, "note": "x" * 300, "city": "Zürich", "order_id": "QwErTyUiOp"}


@pytest.fixture
def things(environment, api):
    """A list of things with wide characters."""
    environment(organization=api.url, access_token="canary-5f1e9c")
    path = "/api/things?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
    data = [{"type": "things", "id": f"thing{n}ABCDE", "attributes": WIDE} for n in range(3)]
    api.responses[path] = (200, {"data": data, "meta": {"record_count": 3}, "links": {}})
    return api


@pytest.mark.parametrize("width", WIDTHS)
def test_a_list_fits_the_terminal_and_breaks_no_id(run_on_terminal, organization, width):
    result = run_on_terminal("list", WALLETS, "--limit", "9", "--include", "customer", width=width)

    lines = COLOURS.sub("", result.out).splitlines()
    assert (result.code, result.err) == (0, "")
    assert max(map(cell_len, lines)) <= width
    for id in organization.world.wallet_ids()[:9]:
        assert re.search(rf"\b{id}\b", "\n".join(lines))
    assert lines.count("Times are in UTC.") == bool(MOMENT.search("\n".join(lines)))
    assert ("id: " in result.out.replace("\x1b[0m", "")) == (width < 60)


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("plain", [True, False])
@pytest.mark.usefixtures("things")
def test_wide_characters_are_measured_by_cells(run_on_terminal, monkeypatch, width, plain):
    monkeypatch.setenv("TERM", "dumb" if plain else "xterm")
    result = run_on_terminal("list", "things", width=width)

    lines = COLOURS.sub("", result.out).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert [sum(f"thing{n}ABCDE" in line for line in lines) for n in range(3)] == [1, 1, 1]


@pytest.mark.parametrize("width", WIDTHS)
def test_one_resource_fits_too(run_on_terminal, organization, width):
    result = run_on_terminal("get", WALLETS, WALLET_ID, "--include", "customer", width=width)

    lines = COLOURS.sub("", result.out).splitlines()
    assert max(map(cell_len, lines)) <= width
    assert any(WALLET_ID in line for line in lines)


def test_the_least_important_columns_go_first_and_are_named(run_on_terminal, organization):
    result = run_on_terminal("list", WALLETS, "--limit", "3", width=80)

    text = COLOURS.sub("", result.out)
    assert text.splitlines()[2].split() == ["id", "name", "reference", "created_at"]
    assert "Not shown for want of room: reference_origin, updated_at. --columns chooses." in text
    assert "2 columns are masked: customer_token, payment_source_token." in text


def test_a_width_that_was_asked_for_holds_without_a_terminal_too(run, organization, monkeypatch):
    monkeypatch.setenv("COLUMNS", "80")

    result = run("list", WALLETS, "--limit", "3")

    assert max(map(cell_len, result.out.splitlines())) <= 80


def test_without_a_terminal_every_record_is_a_line_however_long(run, organization):
    result = run("list", WALLETS, "--limit", "3")

    header = result.out.splitlines()[2].split()
    assert header == ["id", "name", "reference", "reference_origin", "created_at", "updated_at"]
    assert "want of room" not in result.out


def test_no_color_leaves_no_colours(run_on_terminal, organization, monkeypatch):
    monkeypatch.setenv("NO_COLOR", "1")

    out = run_on_terminal("list", WALLETS, "--limit", "3").out

    assert not re.search(r"\x1b\[3\d", out)


def test_columns_are_as_chosen(run, organization):
    result = run("list", WALLETS, "--limit", "1", "--columns", "created_at,id,customer.id", "--include", "customer")

    header, row = result.out.splitlines()[2:4]
    assert header.split() == ["created_at", "id", "customer.id"]
    assert row.split()[:3] == ["2018-01-01", "12:00", WALLET_ID]


def test_a_chosen_column_is_shown_though_masked(run, organization):
    result = run("list", WALLETS, "--limit", "1", "--columns", "id,customer_token")

    assert result.out.splitlines()[3].split() == [WALLET_ID, "[masked]"]


def test_tab_separated_values_have_a_column_for_each_attribute(run, organization):
    result = run("list", WALLETS, "--limit", "2", "--include", "customer", "--tsv")

    header, *rows = [line.split("\t") for line in result.out.splitlines()]
    assert [len(row) for row in rows] == [len(header)] * 2
    first = dict(zip(header, rows[0], strict=True))
    assert first["id"] == WALLET_ID
    assert first["created_at"] == "2018-01-01T12:00:00+00:00"
    assert first["customer_token"] == "[masked]"
    assert first["customer.type"] == "customers"
    assert first["customer.status"]
    assert json.loads(first["metadata"])
    assert "customers/" not in result.out


def test_values_do_not_break_the_lines_of_tsv(run, environment, api):
    environment(organization=api.url, access_token="canary-5f1e9c")
    path = "/api/things?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
    attributes = {"name": "a\tb\nc\r\\d", "none": None, "n": 1.5, "yes": True}
    api.responses[path] = (200, {"data": [{"type": "things", "id": "a", "attributes": attributes}], "links": {}})

    result = run("list", "things", "--tsv")

    assert result.out == "id\tname\tnone\tn\tyes\na\ta\\tb\\nc\\r\\\\d\t\t1.5\ttrue\n"


def test_a_file_appears_whole_and_private(run, organization, tmp_path):
    path = tmp_path / "wallets.json"
    path.write_text("before")

    result = run("list", WALLETS, "--limit", "3", "--json", "-o", str(path))

    assert (result.code, result.out, result.err) == (0, "", "")
    assert len(json.loads(path.read_text())["data"]) == 3
    assert [*tmp_path.iterdir()] == [path]
    if os.name == "posix":
        assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_a_failure_leaves_the_file_as_it_was(run, organization, tmp_path):
    path = tmp_path / "wallets.jsonl"
    path.write_text("before")
    organization.faults.add(Answer.errors(403), where=lambda request: "number%5D=2" in request.raw_path)

    result = run("list", WALLETS, "--limit", "40", "--jsonl", "-o", str(path))

    assert result.code == 4
    assert path.read_text() == "before"
    assert [*tmp_path.iterdir()] == [path]


@pytest.mark.skipif(os.name != "posix", reason="devices as POSIX has them")
def test_what_is_no_file_is_written_to(run, organization):
    assert run("list", WALLETS, "--limit", "1", "-o", os.devnull).code == 0
    assert run("list", WALLETS, "--limit", "1", "-o", "-").out.startswith(f"\n{WALLETS}:\n")


def test_a_link_to_one_is_followed(run, organization):
    result = run("get", WALLETS, WALLET_ID, "customer")

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("\nCustomer customers/")
    assert run("get", WALLETS, WALLET_ID, "customer", "--json").document["data"]["type"] == "customers"


def test_a_link_to_many_is_listed(run, organization):
    customer = run("get", WALLETS, WALLET_ID, "customer", "--json").document["data"]["id"]

    result = run("get", "customers", customer, WALLETS, "--limit", "1")
    document = run("get", "customers", customer, WALLETS, "--json").document

    assert result.out.startswith(f"\n{WALLETS}:\n")
    assert WALLET_ID in [one["id"] for one in document["data"]]
    assert document["count"] == len(document["data"])


def test_a_link_to_nothing_says_so(run, environment, api):
    environment(organization=api.url, access_token="canary-5f1e9c")
    api.serve(attributes={}, relationships={"part": {"data": None}})

    result = run("get", "things", "abc", "part")

    assert (result.code, result.out) == (0, "things/abc has no part\n")
    assert run("get", "things", "abc", "part", "--json").document == {"data": None, "included": [], "masked": []}


def test_a_link_of_a_type_without_a_class_shows_what_it_leads_to(run, environment, api):
    environment(organization=api.url, access_token="canary-5f1e9c")
    link = "/api/things/abc/parts"
    api.serve(attributes={}, relationships={"parts": {"links": {"related": link}}})
    parts = {"data": [{"type": "parts", "id": f"part{n}", "attributes": {"n": n}} for n in range(2)], "links": {}}
    api.responses[link] = (200, parts)
    api.responses[f"{link}?page%5Bsize%5D=25"] = (200, parts)
    api.responses[f"{link}?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"] = (200, parts)

    result = run("get", "things", "abc", "parts")

    assert (result.code, result.err) == (0, "")
    assert [line.split()[0] for line in result.out.splitlines()[3:5]] == ["part0", "part1"]


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("custmer", "CustomerPaymentSource has no relationship 'custmer'; did you mean 'customer'"),
        ("event_stores", "has no relationship 'event_stores', so there is no link to follow"),
    ],
)
def test_a_link_that_is_not_there_is_2(run, organization, name, sentence):
    result = run("get", WALLETS, WALLET_ID, name)

    assert (result.code, result.out) == (2, "")
    assert sentence in result.err.replace("\nhint: ", "; ")
