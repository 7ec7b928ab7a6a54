"""How commands fail: what is wrong, what to do next and the request id, a line each; an exit code, no secrets."""

import errno
import io
import socket
import sys
from importlib.abc import MetaPathFinder

import pytest

from commercelayer_async import Session
from commercelayer_async.cli import main
from commercelayer_async.cli.errors import HELP, ExitCode
from commercelayer_async.errors import ConfigurationError
from tests.support.documents import WALLET_ID

CANARY = "canary-5f1e9c"
THING = ("get", "things", "abc")


def refusal(code, title="Refused"):
    return {"errors": [{"title": title, "code": code, "detail": "no"}]}


@pytest.fixture
def things(environment, api):
    environment(organization=api.url, access_token=CANARY)
    return api


@pytest.fixture
def broken(monkeypatch):
    """Makes the session fail."""

    def breaking(error):
        def from_env(**_):
            raise error

        monkeypatch.setattr(Session, "from_env", from_env)

    return breaking


def test_the_help_lists_each_exit_code():
    listed = {int(line.split()[0]) for line in HELP.splitlines()[2:]}

    assert listed == set(ExitCode)


@pytest.mark.parametrize(
    ("response", "code", "advice"),
    [
        ((404, refusal("RECORD_NOT_FOUND")), 3, "check the id"),
        ((401, refusal("INVALID_TOKEN")), 4, "check the token"),
        ((403, refusal("FORBIDDEN")), 4, "scope"),
        ((400, refusal("INVALID_FILTER")), 1, ""),
        ((500, "<html>"), 1, "try again later"),
        ((200, "<html>"), 1, "check that COMMERCELAYER_ORGANIZATION names the API"),
        ((200, {"data": {"type": "others", "id": "abc"}}), 1, "COMMERCELAYER_ORGANIZATION"),
    ],
)
def test_a_bad_response_is_an_error_with_the_next_step(run, things, response, code, advice):
    things.responses["/api/things/abc"] = response

    result = run(*THING)

    assert (result.code, result.out) == (code, "")
    what, *hints = result.err.splitlines()
    assert what.startswith("error: ")
    assert "/api/things/abc" in what
    assert "; " not in result.err
    if advice:
        assert [hint for hint in hints if hint.startswith("hint: ") and advice in hint]


def test_a_refused_connection_is_1(run, environment):
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    environment(organization=f"http://127.0.0.1:{port}", access_token=CANARY)

    result = run(*THING)

    assert result.code == 1
    assert f"error: cannot connect to http://127.0.0.1:{port}/api/things/abc: " in result.err
    assert result.err.endswith("\nhint: check the host and the network\n")


def test_refused_credentials_are_4(run, environment, commercelayer_sandbox):
    environment(organization=commercelayer_sandbox.url, client_id="nobody", client_secret=CANARY)

    result = run(*THING)

    assert result.code == 4
    assert "check the credentials" in result.err
    assert CANARY not in result.err


@pytest.mark.parametrize(
    ("variables", "named"),
    [
        ({}, "COMMERCELAYER_ORGANIZATION"),
        ({"organization": "yourdomain"}, "COMMERCELAYER_ACCESS_TOKEN"),
        ({"organization": "your domain", "access_token": CANARY}, "'your domain' is not an organization slug"),
    ],
)
def test_a_wrong_environment_is_2_and_named(run, environment, variables, named):
    environment(**variables)

    result = run(*THING)

    assert (result.code, result.out) == (2, "")
    assert named in result.err


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (
            ("customers", WALLET_ID, "--include", "ordres"),
            "Customer has no relationship 'ordres'\nhint: did you mean 'order",
        ),
        (("customers", "a/b"), "id must be 1 to 64 letters"),
        (("custo mers", "abc"), "type must be 1 to 64 letters"),
        (("customers", "abc", "--include", "orders,,b"), "'' is not a relationship path"),
    ],
)
def test_misuse_is_2_and_sends_nothing(run, organization, arguments, sentence):
    result = run("get", *arguments)

    assert (result.code, result.out) == (2, "")
    assert sentence in result.err
    assert not organization.requests


@pytest.mark.parametrize(
    ("arguments", "sentence"),
    [
        (("get",), "Missing argument 'TYPE'\nhint: see commercelayer-async get --help"),
        (("get", "customers", "abc", "--nonsense"), "No such option"),
        (("dmo",), "see commercelayer-async --help"),
        (("lst",), "No such command 'lst'"),
        (("list", "customers", "--colums", "id"), "hint: did you mean "),
        (("demo", "extra"), "unexpected extra argument"),
    ],
)
def test_wrong_arguments_are_2_with_the_help_to_read(run, arguments, sentence):
    result = run(*arguments)

    assert (result.code, result.out) == (2, "")
    assert sentence in result.err
    assert all(line.startswith(("error: ", "hint: ")) for line in result.err.splitlines())


@pytest.mark.parametrize("option", ["--token", "--access-token", "--client_secret", "--password", "-token", "--SECRET"])
@pytest.mark.parametrize("form", ["{} {}", "{}={}"])
def test_secrets_as_arguments_are_refused_and_not_repeated(run, option, form):
    result = run(*THING, *form.format(option, CANARY).split())

    assert result.code == 2
    assert "COMMERCELAYER_ACCESS_TOKEN" in result.err
    assert CANARY not in result.out + result.err


def test_no_command_is_2_with_the_help_on_stderr(run):
    result = run()

    assert (result.code, result.out) == (2, "")
    assert result.err.startswith("Usage: commercelayer-async [OPTIONS]")


@pytest.mark.parametrize("arguments", [("--help",), ("-h",), ("demo", "--help"), ("get", "-h")])
def test_help_is_0_with_examples(run, arguments):
    result = run(*arguments)

    assert (result.code, result.err) == (0, "")
    assert "  Examples:\n    commercelayer-async " in result.out


def test_the_version_is_0(run):
    result = run("--version")

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith("commercelayer-async 0.")


def test_a_type_close_to_a_known_one_is_a_hint(run, organization):
    result = run("get", "customer_payment_source", WALLET_ID)

    assert result.code == 3
    assert "\nhint: did you mean 'customer_payment_sources'?\n" in result.err


def test_an_error_of_the_api_is_a_line_for_each_fact(run, organization):
    result = run("get", "customers", "nobody")

    what, hint, request_id = result.err.splitlines()
    assert what == (
        "error: 404 RECORD_NOT_FOUND: Record not found: There is no record with the id nobody"
        f" (GET {organization.url}/api/customers/nobody)"
    )
    assert hint == "hint: check the id, and that the token's mode (test or live) is the record's"
    assert request_id.startswith("request id: ")


def test_a_missing_record_of_a_known_type_has_no_hint(run, organization):
    result = run("get", "customers", "nobody")

    assert result.code == 3
    assert "did you mean" not in result.err


def test_debug_shows_the_traceback_before_the_sentence_without_secrets(run, things):
    things.responses["/api/things/abc"] = (401, refusal("INVALID_TOKEN", title=f"\x1b[2J{CANARY}"))

    result = run("--debug", *THING)

    assert result.code == 4
    assert result.err.startswith("Traceback (most recent call last):\n")
    assert "\nerror: 401 INVALID_TOKEN: " in result.err
    assert CANARY not in result.err
    assert "\x1b" not in result.err


def test_a_bug_of_this_package_is_one_sentence_that_quotes_nothing(run, broken):
    broken(KeyError(CANARY))

    result = run(*THING)

    assert result.code == 1
    assert result.err.startswith("error: unexpected KeyError\nhint: run it again as")
    assert CANARY not in result.err


def test_debug_shows_where_a_bug_is(run, broken, environment):
    environment(access_token=CANARY)
    broken(KeyError(CANARY))

    result = run("--debug", *THING)

    assert "KeyError: '[masked]'" in result.err


def test_an_operating_system_without_words_for_its_error_is_named(run, broken):
    broken(OSError(CANARY))

    assert run(*THING).err == "error: OSError\n"


def test_ctrl_c_is_130(run, broken):
    broken(KeyboardInterrupt())

    result = run(*THING)

    assert (result.code, result.out, result.err) == (130, "", "error: interrupted\n")


def test_a_configuration_error_in_a_command_is_2(run, broken):
    broken(ConfigurationError("set it"))

    result = run(*THING)

    assert (result.code, result.err) == (2, "error: set it\nhint: or run: commercelayer-async login\n")


class Failing(io.StringIO):
    """A stdout that cannot be written to."""

    def __init__(self, number):
        super().__init__()
        self.number = number

    def write(self, text):
        raise OSError(self.number, "it failed")


def test_a_reader_that_has_gone_is_141_and_silence(run, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(errno.EPIPE))

    result = run("demo")

    assert (result.code, result.err) == (141, "")


def test_a_full_disk_is_1_and_a_sentence(run, monkeypatch):
    monkeypatch.setattr(sys, "stdout", Failing(errno.ENOSPC))

    result = run("demo")

    assert (result.code, result.err) == (1, "error: it failed\n")


def test_no_stdout_at_all_is_fine(run, monkeypatch):
    monkeypatch.setattr(sys, "stdout", None)

    assert run("demo").code == 0


@pytest.mark.parametrize("module", ["click", "rich"])
def test_a_missing_extra_is_one_sentence_with_the_line_to_run(module, monkeypatch, capsys):
    monkeypatch.setitem(sys.modules, module, None)

    code = main(["demo"])

    result = capsys.readouterr()
    assert (code, result.out) == (1, "")
    assert result.err == (
        f"error: the command line needs {module}, which is not installed; run: pip install 'commercelayer-async[cli]'\n"
    )


def test_another_missing_module_is_not_taken_for_the_extra(monkeypatch):
    monkeypatch.setitem(sys.modules, "commercelayer_async.cli.app", None)

    with pytest.raises(ModuleNotFoundError):
        main(["demo"])


def test_ctrl_c_while_it_is_being_imported_is_130(monkeypatch):
    class Interrupting(MetaPathFinder):
        def find_spec(self, fullname, path, target=None):
            raise KeyboardInterrupt

    monkeypatch.delitem(sys.modules, "commercelayer_async.cli.app", raising=False)
    monkeypatch.setattr(sys, "meta_path", [Interrupting(), *sys.meta_path])

    assert main(["demo"]) == 130


def test_main_reads_the_arguments_of_the_process(monkeypatch, capsys):
    monkeypatch.setattr(sys, "argv", ["commercelayer-async", "--version"])

    assert main() == 0
    assert capsys.readouterr().out.startswith("commercelayer-async ")
