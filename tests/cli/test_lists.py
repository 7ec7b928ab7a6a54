"""`list`, `count`, `whoami`, `sandbox`, and completion."""

import json
import os
import signal

import pytest

from commercelayer_async.cli import main
from commercelayer_async.sandbox import Answer, Rates, Sandbox

CANARY = "canary-5f1e9c"
JWT = "eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl"
WALLETS = "customer_payment_sources"
PATIENCE = 30.0


# list


def test_a_list_is_a_table_with_a_line_each(run, organization):
    result = run("list", WALLETS, "--limit", "3")

    lines = result.out.splitlines()
    assert (result.code, result.err) == (0, "")
    assert lines[1] == f"{WALLETS}:"
    assert lines[2].split()[:2] == ["id", "name"]
    assert [line.split()[0] for line in lines[3:6]] == list(organization.world.wallet_ids()[:3])
    assert lines[7:] == [
        f"3 of 300 {WALLETS}",
        "--limit shows more, `commercelayer-async export` writes all to a file.",
        "Times are in UTC.",
        "2 columns are masked: customer_token, payment_source_token. --reveal shows what is there.",
    ]
    assert "cus_xxxyyyzzz" not in result.out
    assert len(organization.requests) == 1


def test_reveal_shows_secrets(run, organization):
    result = run("list", WALLETS, "--limit", "1", "--reveal")

    assert "cus_xxxyyyzzz" in result.out
    assert "masked" not in result.out


def test_included_relationships_have_a_column(run, organization):
    result = run("list", WALLETS, "--include", "customer", "--limit", "2")

    assert result.out.splitlines()[2].split()[-3:] == ["customer", "created_at", "updated_at"]
    assert result.out.count(" customers/") == 2


def test_a_terminal_gets_a_table(run_on_terminal, organization):
    result = run_on_terminal("list", "customers", "--limit", "2", width=200)

    assert "\x1b[1mcustomers" in result.out


def test_filter_and_order_reach_the_server(run, organization):
    result = run("list", WALLETS, "--filter", "created_at_gt=2020-01-01", "--sort", "-created_at", "--json")

    moments = [one["attributes"]["created_at"] for one in result.document["data"]]
    assert moments == sorted(moments, reverse=True)
    assert "sort=-created_at,id" in organization.requests[0].raw_path
    assert "created_at_gt%5D=2020-01-01" in organization.requests[0].raw_path


@pytest.mark.parametrize(
    ("given", "sent"),
    [
        ("reference_null=true", "reference_null%5D=true"),
        ("id_in=a, b", "id_in%5D=a%2Cb"),
        ('metadata_jcont={"a": 1}', "metadata_jcont%5D=%7B%22a%22%3A1%7D"),
        ("reference_eq=a=b", "reference_eq%5D=a%3Db"),
        ("reference_not_in=a,b", "reference_not_in%5D=a%2Cb"),
    ],
)
def test_values_are_read_by_their_predicate(run, organization, given, sent):
    run("count", WALLETS, "--filter", given)

    assert sent in organization.requests[0].raw_path


@pytest.mark.parametrize(
    ("arguments", "reason"),
    [
        (("--filter", "name"), "--filter takes NAME=VALUE, such as name_cont=visa, not 'name'"),
        (("--filter", "name_eq=a", "--filter", "name_eq=b"), "'name_eq' is there more than once"),
        (("--filter", "name_null=yes"), "'name_null' takes true or false"),
        (("--filter", "metadata_jcont=x"), "'metadata_jcont' takes a JSON object"),
        (("--filter", "nam_eq=x"), "did you mean 'name_eq'?"),
        (("--sort", "created"), "did you mean 'created_at'?"),
        (("--include", "custmer"), "did you mean 'customer'?"),
        (("--limit", "0"), "'--limit'"),
        (("--json", "--jsonl"), "choose one"),
        (("--jsonl", "--tsv"), "choose one"),
        (("--columns", "id,nme"), "CustomerPaymentSource has no 'nme'; did you mean 'name'"),
        (("--columns", "id,,name"), "--columns takes names joined by commas"),
        (("--columns", "id,name,id"), "'id' is there more than once"),
        (("--columns", "customer.email"), "has no 'customer.email'"),
        (("--columns", "customer.emial", "--include", "customer"), "did you mean 'customer.email'"),
        (("--columns", "id", "--json"), "--columns is for tables and --tsv"),
        (("--output", "missing/file"), "cannot write missing/file: No such file"),
    ],
)
def test_misuse_is_2_and_sends_nothing(run, organization, arguments, reason):
    result = run("list", WALLETS, *arguments)

    assert (result.code, result.out) == (2, "")
    assert reason in result.err.replace("\nhint: ", "; ")
    assert all(line.startswith(("error: ", "hint: ")) for line in result.err.splitlines())
    assert not organization.requests


def test_json_is_one_document_with_everything_once(run, organization):
    result = run("list", WALLETS, "--include", "customer", "--limit", "60", "--json")

    assert list(result.document) == ["data", "included", "count", "masked"]
    assert len(result.document["data"]) == 60
    included = [one["id"] for one in result.document["included"]]
    assert len(included) == len(set(included)) < 60
    assert result.document["count"] == 300
    assert "/data/0/attributes/customer_token" in result.document["masked"]
    assert "cus_xxxyyyzzz" not in result.out


def test_json_lines_are_documents_of_one(run, organization):
    result = run("list", WALLETS, "--include", "customer", "--limit", "30", "--jsonl", "--reveal")

    found = [json.loads(line) for line in result.out.splitlines()]
    assert [list(one) for one in found] == [["data", "included", "masked"]] * 30
    assert all(len(one["included"]) == 1 and not one["masked"] for one in found)
    assert result.out.isascii()


def test_an_error_comes_after_the_lines_that_were_whole(run, organization):
    organization.faults.add(Answer.errors(403), where=lambda request: "number%5D=2" in request.raw_path)

    result = run("list", WALLETS, "--limit", "40", "--jsonl")

    assert result.code == 4
    assert len([json.loads(line) for line in result.out.splitlines()]) == 25


def test_numbers_keep_their_digits(run, environment, api):
    environment(organization=api.url, access_token=CANARY)
    body = '{"data":{"type":"things","id":"abc","attributes":{"n":1.23456789012345678901}}}'
    api.responses["/api/things/abc"] = (200, {"data": {"type": "things", "id": "abc", "attributes": {}}})
    api.serve(attributes={"n": 1})
    original = json.dumps
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(json, "dumps", lambda value, **options: body if "data" in value else original(value, **options))
        result = run("get", "things", "abc", "--json")

    assert "1.23456789012345678901" in result.out


def test_a_type_without_a_class_is_asked_for_all_the_same(run, environment, api):
    environment(organization=api.url, access_token=CANARY)
    path = "/api/things?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
    things = [{"type": "things", "id": "a", "attributes": {"colour": "red", "list": [1], "token": "x"}}]
    api.responses[path] = (200, {"data": things, "meta": {"record_count": 1}, "links": {}})

    result = run("list", "things")

    assert (result.code, result.err) == (0, "")
    assert result.out.splitlines()[2:4] == ["  id  colour", "  a   red"]
    assert "1 things\n1 column is masked: token. --reveal shows what is there.\n" in result.out


@pytest.mark.parametrize("command", ["list", "count"])
def test_a_type_close_to_a_known_one_is_a_hint(run, organization, command):
    result = run(command, "custmers")

    assert result.code == 3
    assert "\nhint: did you mean 'customers'?\n" in result.err


def test_nothing_is_no_table(run, organization):
    result = run("list", WALLETS, "--filter", "id_in=nobody")

    assert result.out == f"0 {WALLETS}\n"


# count


def test_a_count_is_a_number(run, organization):
    result = run("count", WALLETS)

    assert (result.code, result.out) == (0, "300\n")
    assert len(organization.requests) == 1


def test_a_count_is_a_document_for_programs(run, organization):
    assert run("count", WALLETS, "--filter", "id_in=xYZkjABcde", "--json").document == {"count": 1}


# whoami


def test_whoami_shows_what_the_token_gives_access_to_and_never_the_token(run, environment):
    with Sandbox(rates=Rates.live()).in_thread() as sandbox:
        url = sandbox.url
        environment(organization=url, access_token=sandbox.access_token)
        result = run("whoami")
        document = run("whoami", "--json").document

    lines = [line.split(maxsplit=1) for line in result.out.splitlines()]
    assert ["mode", "test"] in lines
    assert ["organization", "Sandbox, sandbox"] in lines
    assert ["application", "integration"] in lines
    assert ["scope", "market:all"] in lines
    assert "requests in 60 s are left" in result.out
    assert "h 59 min" in result.out or "min\n" in result.out
    assert "eyJ" not in result.out + result.err
    assert document.pop("credentials") == "the environment"
    assert list(document) == ["organization", "mode", "application", "owner", "scope", "expires_at", "rate"]
    assert document["organization"]["url"] == url
    assert document["rate"]["limit"] == 200


@pytest.mark.parametrize(
    ("status", "error"), [(403, {"title": "no"}), (401, {"title": "no", "code": "UNAUTHORIZED", "status": "401"})]
)
def test_a_token_without_claims_is_accepted(run, environment, api, status, error):
    environment(organization=api.url, access_token=CANARY)
    api.responses["/api/organization"] = (
        200,
        {"data": {"type": "organizations", "id": "o", "attributes": {"name": "N"}}},
    )
    api.responses["/api/customers?page%5Bsize%5D=1"] = (status, {"errors": [error]})

    result = run("whoami")

    assert result.code == 0
    assert "  organization     N\n" in result.out
    assert result.out.count("unknown") == 7
    assert CANARY not in result.out


def test_whoami_reads_the_token_that_client_credentials_get(run, environment, commercelayer_sandbox):
    environment(
        organization=commercelayer_sandbox.url,
        client_id=commercelayer_sandbox.client_id,
        client_secret=commercelayer_sandbox.client_secret,
    )

    document = run("whoami", "--json").document

    assert document["organization"]["url"] == commercelayer_sandbox.url
    assert document["mode"] == "test"
    assert document["application"] == {"kind": "integration"}
    assert document["scope"] == "market:all"


def test_whoami_knows_the_url_of_what_it_may_not_read(run, environment, api):
    environment(organization=f"{api.url}/shop", access_token=CANARY)
    for path in ("/shop/api/organization", "/shop/api/customers?page%5Bsize%5D=1"):
        api.responses[path] = (403, {"errors": [{"title": "no"}]})

    document = run("whoami", "--json").document

    assert document["organization"] == {"url": api.url, "slug": None, "id": None, "name": None}


def test_a_refused_token_is_4(run, environment, commercelayer_sandbox):
    environment(organization=commercelayer_sandbox.url, access_token=JWT)

    assert run("whoami").code == 4


# sandbox


@pytest.mark.skipif(os.name != "posix", reason="signals as POSIX has them")
def test_the_sandbox_runs_until_it_is_interrupted(spawn):
    process = spawn("sandbox", "--wallets", "5", "--port", "0")
    first = process.stdout.readline()

    process.send_signal(signal.SIGINT)
    _, err = process.communicate(timeout=PATIENCE)

    assert first.startswith("# The sandbox runs.")
    assert (process.returncode, err) == (0, "")


def test_a_port_that_cannot_be_had_is_1(run, commercelayer_sandbox):
    handlers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
    result = run("sandbox", "--port", commercelayer_sandbox.url.rpartition(":")[2])

    assert [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)] == handlers

    assert result.code == 1
    assert "cannot listen on port" in result.err


@pytest.mark.parametrize("arguments", [("--port", "70000"), ("--wallets", "-1"), ("--rates", "none")])
def test_wrong_options_of_the_sandbox_are_2(run, arguments):
    assert run("sandbox", *arguments).code == 2


# Completion


@pytest.mark.parametrize(
    ("words", "offered"),
    [
        ("commercelayer-async cou", ["count"]),
        ("commercelayer-async list customer_p", ["customer_payment_sources"]),
        ("commercelayer-async list customers --filter emai", ["email_eq=", "email_in=", "email_cont="]),
        ("commercelayer-async list customers --sort status,-em", ["status,-email"]),
        (
            "commercelayer-async get customer_payment_sources x --include customer,payment_s",
            ["customer,payment_source"],
        ),
        ("commercelayer-async export customers --format cs", ["csv"]),
        ("commercelayer-async list customers --columns id,ema", ["id,email"]),
        ("commercelayer-async get customer_payment_sources x cust", ["customer"]),
        ("commercelayer-async list unknown --include a", []),
    ],
)
def test_shells_complete_what_fits(run, monkeypatch, capsys, words, offered):
    monkeypatch.setenv("COMP_WORDS", words)
    monkeypatch.setenv("COMP_CWORD", str(len(words.split()) - 1))
    monkeypatch.setenv("_COMMERCELAYER_ASYNC_COMPLETE", "bash_complete")

    assert main([]) == 0

    found = [line.partition(",")[2] for line in capsys.readouterr().out.splitlines() if line]
    assert found[: len(offered)] == offered
    assert bool(found) == bool(offered)


@pytest.mark.parametrize("shell", ["bash", "zsh", "fish"])
def test_the_help_says_how_to_have_it(run, monkeypatch, shell):
    assert f"_COMMERCELAYER_ASYNC_COMPLETE={shell}_source commercelayer-async" in run("--help").out
    monkeypatch.setenv("_COMMERCELAYER_ASYNC_COMPLETE", f"{shell}_source")
    if shell != "bash":  # whose version is asked for, in a process
        assert "commercelayer-async" in run().out


@pytest.mark.parametrize("command", ["list", "count", "export", "sandbox", "whoami"])
def test_every_command_has_examples(run, command):
    result = run(command, "--help")

    assert (result.code, result.err) == (0, "")
    assert f"  Examples:\n    commercelayer-async {command}" in result.out
