"""`commercelayer-async export --to -`, endings of names, and the end by SIGTERM."""

import csv
import io
import json
import os
import shutil
import signal
import subprocess
import sys
from typing import Any

import pytest

from commercelayer_async.cli.errors import ExitCode
from commercelayer_async.sandbox import Answer, Delay
from commercelayer_async.sandbox.http.gate import Gate

WALLETS = "customer_payment_sources"
PATIENCE = 30.0
posix = pytest.mark.skipif(os.name != "posix", reason="signals and pipes as POSIX has them")


@pytest.fixture
def variables(commercelayer_sandbox: Any) -> dict[str, str]:
    """The sandbox as the environment of a process."""
    return {
        "COMMERCELAYER_ORGANIZATION": commercelayer_sandbox.url,
        "COMMERCELAYER_ACCESS_TOKEN": commercelayer_sandbox.access_token,
    }


@pytest.fixture
def held(commercelayer_sandbox: Any) -> Any:
    """A gate before the third page, opened in the end."""
    gate = Gate()
    last = commercelayer_sandbox.world.wallet_ids()[49]
    commercelayer_sandbox.faults.add(Delay(until=gate), where=lambda request: last in request.raw_path)
    yield last
    gate.open()


def wait_for(process: Any, sandbox: Any, last: str) -> None:
    """Wait until the process has asked for what comes after a record."""
    while process.poll() is None and not any(last in one.raw_path for one in list(sandbox.requests)):
        pass


def test_records_go_to_stdout_and_all_else_to_stderr(run, organization, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)

    result = run("export", WALLETS, "--to", "-", "--include", "customer")

    ids = [json.loads(line)["data"]["id"] for line in result.out.splitlines()]
    assert result.code == 0
    assert ids == list(organization.world.wallet_ids())
    assert result.err.startswith(f"300 {WALLETS} (")
    assert not list(tmp_path.iterdir())


def test_csv_goes_there_too(run, organization):
    result = run("export", WALLETS, "--to", "-", "--format", "csv")

    rows = list(csv.DictReader(io.StringIO(result.out, newline=""), strict=True))
    assert [row["id"] for row in rows] == list(organization.world.wallet_ids())


def test_no_records_are_a_success_without_lines(run, organization):
    result = run("export", "customers", "--to", "-", "--filter", "email_eq=nobody@example.com")

    assert (result.code, result.out, result.err) == (0, "", "0 customers (0 bytes)\n")


@pytest.mark.parametrize(
    ("options", "reason"),
    [
        (("--format", "parquet"), "name a file, such as wallets.parquet, or write jsonl or csv"),
        (("--resume",), "--resume needs a file"),
        (("--overwrite",), "--overwrite needs a file"),
        (("--json",), "--json needs a file"),
    ],
)
def test_what_only_a_file_can_do_is_refused(run, organization, options, reason):
    result = run("export", WALLETS, "--to", "-", *options)

    assert (result.code, result.out) == (2, "")
    assert reason in result.err
    assert not organization.requests


def test_an_error_midway_is_that_of_the_request(run, organization):
    last = organization.world.wallet_ids()[49]
    organization.faults.add(Answer.errors(418), where=lambda request: last in request.raw_path)

    result = run("export", WALLETS, "--to", "-")

    assert result.code == 1
    assert len(result.out.splitlines()) == 50
    assert "resume" not in result.err


def test_a_file_of_that_name_is_written_where_it_is_asked_for(run, organization, tmp_path):
    assert run("export", WALLETS, "--to", f"{tmp_path}/-").code == 0
    assert (tmp_path / "-").exists()


@pytest.mark.parametrize("name", ["w.cvs", "w.tsv", "w.xlsx", "w.cvs.gz"])
def test_an_ending_that_is_no_known_format_is_2(run, organization, tmp_path, name):
    result = run("export", WALLETS, "--to", str(tmp_path / name))

    assert result.code == 2
    assert "is not the ending of a known format" in result.err
    assert "or name the format, one of jsonl, csv, parquet" in result.err
    assert not organization.requests
    assert run("export", WALLETS, "--to", str(tmp_path / name), "--format", "csv").code == 0


@posix
def test_a_reader_that_leaves_ends_it_quietly(spawn, variables):
    process = spawn("export", WALLETS, "--to", "-", **variables)

    assert process.stdout.readline().startswith('{"data":')
    process.stdout.close()

    assert (process.wait(PATIENCE), process.stderr.read()) == (ExitCode.BROKEN_PIPE, "")


@posix
def test_stdout_that_is_closed_is_one_sentence(spawn, variables):
    command = ["sh", "-c", f'exec "{sys.executable}" -m commercelayer_async export {WALLETS} --to - >&-']
    process = spawn(command=command, **variables)
    _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (1, "error: stdout is closed\n")


@posix
@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_reader_that_stops_reading_keeps_nobody_from_ending_it(spawn, variables, number):
    """The pipe is full, and a write to it would wait for ever."""
    process = spawn("export", WALLETS, "--to", "-", "--include", "customer,payment_source", **variables)
    assert process.stdout.readline()

    process.send_signal(number)

    assert process.wait(PATIENCE) == 128 + number


@posix
def test_a_terminal_gets_no_control_characters(spawn, api, environment):
    import pty  # noqa: PLC0415 - POSIX only

    path = "/api/things?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
    odd = {"type": "things", "id": "a", "attributes": {"name": "\x9b31m\x1b[1m"}}
    api.responses[path] = (200, {"data": [odd]})
    api.responses[path.replace("&page", "&filter%5Bq%5D%5Bid_gt%5D=a&page", 1)] = (200, {"data": []})
    ours, theirs = pty.openpty()
    process = spawn(
        *("export", "things", "--to", "-", "--format", "csv"),
        stdout=theirs,
        COMMERCELAYER_ORGANIZATION=api.url,
        COMMERCELAYER_ACCESS_TOKEN="abcdefgh",
    )
    os.close(theirs)
    received = b""
    while b"things" not in received.partition(b"\r\n")[2]:
        received += os.read(ours, 65536)
    process.kill()
    os.close(ours)

    assert b"\x1b" not in received
    assert b"\xc2\x9b" not in received


@posix
def test_sigterm_is_143_and_keeps_what_was_read(spawn, variables, commercelayer_sandbox, held, tmp_path):
    path = tmp_path / "w.jsonl"
    process = spawn("export", WALLETS, "--to", str(path), **variables)
    wait_for(process, commercelayer_sandbox, held)

    process.terminate()
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (ExitCode.TERMINATED, "")
    assert err.startswith("error: terminated by SIGTERM\nhint: 50 records are safe\nhint: to go on, run: comm")
    assert json.loads((tmp_path / ".w.jsonl.part.json").read_text())["records"] == 50


@posix
def test_sigterm_ends_other_commands_too(spawn, api):
    api.hang = True
    process = spawn(
        *("get", "things", "abc"), COMMERCELAYER_ORGANIZATION=api.url, COMMERCELAYER_ACCESS_TOKEN="abcdefgh"
    )
    assert api.arrived.wait(PATIENCE)

    process.terminate()
    _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (143, "error: terminated by SIGTERM\n")


@posix
def test_sigterm_that_is_ignored_stays_ignored(spawn, variables, commercelayer_sandbox, held, tmp_path):
    command = ["sh", "-c", f'trap "" TERM; exec "{sys.executable}" -m commercelayer_async "$@"', "sh"]
    process = spawn("export", WALLETS, "--to", str(tmp_path / "w.jsonl"), command=command, **variables)
    wait_for(process, commercelayer_sandbox, held)

    process.terminate()
    process.send_signal(signal.SIGINT)

    assert process.wait(PATIENCE) == ExitCode.INTERRUPTED


def can_unshare() -> bool:
    """True if a process can be made process 1 here."""
    if shutil.which("unshare") is None or os.geteuid():
        return False
    return subprocess.run(["unshare", "--fork", "--pid", "true"], capture_output=True, check=False).returncode == 0


@pytest.mark.skipif(os.name != "posix" or not can_unshare(), reason="needs root and unshare(1)")
def test_process_1_ends_at_sigterm(spawn, variables, commercelayer_sandbox, held, tmp_path):
    command = ["unshare", "--fork", "--pid", "--kill-child", sys.executable, "-m", "commercelayer_async"]
    process = spawn("export", WALLETS, "--to", str(tmp_path / "w.jsonl"), command=command, **variables)
    wait_for(process, commercelayer_sandbox, held)
    children = f"/proc/{process.pid}/task/{process.pid}/children"
    with open(children) as listed:  # noqa: PTH123 - a file of /proc, by name
        (child,) = listed.read().split()

    os.kill(int(child), signal.SIGTERM)

    assert process.wait(PATIENCE) == 143
    assert json.loads((tmp_path / ".w.jsonl.part.json").read_text())["records"] == 50


@pytest.mark.parametrize("to", ["-", "customers.csv"])
def test_records_that_do_not_fit_are_written_and_counted(run, api, environment, tmp_path, monkeypatch, to):  # noqa: PLR0917 - fixtures
    monkeypatch.chdir(tmp_path)
    path = "/api/customers?sort=id&page%5Bnumber%5D=1&page%5Bsize%5D=25"
    times = {"created_at": "2018-01-01T12:00:00.000Z", "updated_at": "2018-01-01T12:00:00.000Z"}
    odd, good = ({"type": "customers", "id": id, "attributes": {"email": email, **times}} for id, email in ODD)
    api.responses[path] = (200, {"data": [odd, good]})
    api.responses[path.replace("&page", "&filter%5Bq%5D%5Bid_gt%5D=b&page", 1)] = (200, {"data": []})
    environment(organization=api.url, access_token="abcdefgh")

    result = run("export", "customers", "--to", to)

    assert result.code == 0, result.err
    assert ", 1 of which do not fit their class" in (result.err if to == "-" else result.out)


ODD = (("a", 5), ("b", "b@example.com"))
