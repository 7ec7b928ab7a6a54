"""`commercelayer-async export`."""

import json
import os
import shlex
import signal
import stat
import sys

import pytest

from commercelayer_async.sandbox import Answer, Delay, Reset
from commercelayer_async.sandbox.http.gate import Gate

WALLETS = "customer_payment_sources"
PATIENCE = 30.0
posix = pytest.mark.skipif(os.name != "posix", reason="signals, ptys and limits as POSIX has them")


def ids_in(path):
    return [json.loads(line)["data"]["id"] for line in path.read_bytes().splitlines()]


@pytest.fixture
def variables(commercelayer_sandbox):
    """The sandbox as the environment of a process."""
    return {
        "COMMERCELAYER_ORGANIZATION": commercelayer_sandbox.url,
        "COMMERCELAYER_ACCESS_TOKEN": commercelayer_sandbox.access_token,
    }


@pytest.fixture
def held():
    """A gate for answers, opened in the end."""
    gate = Gate()
    yield gate
    gate.open()


def test_every_wallet_is_written(run, organization, tmp_path):
    path = tmp_path / "wallets.jsonl"

    result = run("export", WALLETS, "--to", str(path), "--include", "customer,payment_source")

    assert (result.code, result.err) == (0, "")
    assert result.out.startswith(f"300 {WALLETS} in {path} (")
    assert result.out.endswith(f"; see {path.parent}/_{path.name}.manifest.json\n")
    assert ids_in(path) == list(organization.world.wallet_ids())
    assert stat.S_IMODE(path.stat().st_mode) == 0o600


def test_the_manifest_is_for_programs_with_filters_masked(run, organization, tmp_path):
    result = run(
        *("export", WALLETS, "--to", str(tmp_path / "w.csv"), "--json"),
        *("--filter", "payment_source_token_eq=pm_xxxyyyzzz", "--filter", "created_at_gt=2000-01-01"),
    )

    assert result.document["filter"] == {"payment_source_token_eq": "[masked]", "created_at_gt": "2000-01-01"}
    assert result.document["masked"] == ["/filter/payment_source_token_eq"]
    assert result.document["records"] == 1
    assert result.document["format"] == "csv"


def test_a_file_that_is_there_is_2(run, organization, tmp_path):
    path = tmp_path / "w.jsonl"
    path.write_text("mine")

    result = run("export", WALLETS, "--to", str(path))

    assert (result.code, result.out) == (2, "")
    assert result.err == f"error: {path} is there already\nhint: name another file, or overwrite it\n"
    assert path.read_text() == "mine"
    assert run("export", WALLETS, "--to", str(path), "--overwrite").code == 0


def test_an_export_that_ends_early_is_5_and_says_how_to_go_on(run, organization, tmp_path):
    path = tmp_path / "w.jsonl"
    last = organization.world.wallet_ids()[49]
    organization.faults.add(Answer.errors(418), where=lambda request: last in request.raw_path)

    result = run("export", WALLETS, "--to", str(path))

    assert (result.code, result.out) == (5, "")
    assert "50 records are kept in .w.jsonl.part; resume the export to go on" in result.err
    assert f"hint: to go on, run: commercelayer-async export {WALLETS} --to {path} --resume\n" in result.err
    assert run("export", WALLETS, "--to", str(path)).code == 2
    assert run("export", WALLETS, "--to", str(path), "--resume").code == 0
    assert ids_in(path) == list(organization.world.wallet_ids())
    assert run("export", WALLETS, "--to", str(path), "--resume").code == 0


def test_another_export_is_not_resumed(run, organization, tmp_path):
    path = tmp_path / "w.jsonl"
    last = organization.world.wallet_ids()[24]
    organization.faults.add(Answer.errors(418), where=lambda request: last in request.raw_path)
    run("export", WALLETS, "--to", str(path))

    result = run("export", WALLETS, "--to", str(path), "--resume", "--include", "customer")

    assert result.code == 2
    assert "it differs in include" in result.err


def test_a_folder_that_is_not_there_is_1(run, organization, tmp_path):
    result = run("export", WALLETS, "--to", str(tmp_path / "missing" / "w.jsonl"))

    assert result.code == 1
    assert "there is no such folder\nhint: make it first" in result.err
    assert not organization.requests


def test_a_type_close_to_a_known_one_is_a_hint(run, organization, tmp_path):
    result = run("export", "custmers", "--to", str(tmp_path / "w.jsonl"))

    assert result.code == 3
    assert "\nhint: did you mean 'customers'?\n" in result.err
    assert not list(tmp_path.iterdir())


@posix
def test_ctrl_c_is_130_and_says_how_to_go_on(spawn, variables, commercelayer_sandbox, held, tmp_path):
    path = tmp_path / "the wallets.jsonl"
    last = commercelayer_sandbox.world.wallet_ids()[49]
    commercelayer_sandbox.faults.add(Delay(until=held), where=lambda request: last in request.raw_path)
    process = spawn("export", WALLETS, "--to", str(path), **variables)
    while process.poll() is None and not any(last in one.raw_path for one in list(commercelayer_sandbox.requests)):
        pass

    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (130, "")
    assert err == (
        "error: interrupted\n"
        "hint: 50 records are safe\n"
        f"hint: to go on, run: commercelayer-async export {WALLETS} --to {shlex.quote(str(path))} --resume\n"
    )
    assert json.loads((tmp_path / ".the wallets.jsonl.part.json").read_text())["records"] == 50


@posix
def test_a_limit_on_the_size_of_files_is_a_full_disk(spawn, variables, commercelayer_sandbox, tmp_path):
    path = tmp_path / "w.jsonl"
    script = (
        "import resource, sys; resource.setrlimit(resource.RLIMIT_FSIZE, (100_000, 100_000));"
        "from commercelayer_async.cli import main; sys.exit(main(sys.argv[1:]))"
    )
    arguments = ("export", WALLETS, "--to", str(path), "--resume")
    process = spawn(*arguments, command=[sys.executable, "-c", script], **variables)
    out, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, out) == (5, "")
    assert "File too large\nhint: make room\n" in err
    assert "records are kept in .w.jsonl.part" in err
    assert not path.exists()

    process = spawn(*arguments, **variables)
    process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert ids_in(path) == list(commercelayer_sandbox.world.wallet_ids())


@posix
def test_a_reader_that_has_gone_does_not_harm_the_file(spawn, variables, commercelayer_sandbox, tmp_path):
    reading, writing = os.pipe()
    os.close(reading)
    process = spawn("export", WALLETS, "--to", str(tmp_path / "w.jsonl"), stdout=writing, **variables)
    os.close(writing)

    _, err = process.communicate(timeout=PATIENCE)

    assert (process.returncode, err) == (141, "")
    assert ids_in(tmp_path / "w.jsonl") == list(commercelayer_sandbox.world.wallet_ids())


@posix
def test_a_terminal_sees_a_bar_on_stderr_alone(environment, variables, tmp_path):
    import pty  # noqa: PLC0415 - POSIX only
    import subprocess  # noqa: PLC0415 - beside the one above

    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-m", "commercelayer_async", "export", WALLETS, "--to", str(tmp_path / "w.jsonl")],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=theirs,
        env={**os.environ, **variables, "COLUMNS": "100"},
        text=True,
    )
    os.close(theirs)
    received = b""
    while True:
        try:
            received += (more := os.read(ours, 65536))
        except OSError:  # how Linux says that the other end was closed
            break
        if not more:
            break
    os.close(ours)
    out, _ = process.communicate(timeout=PATIENCE)

    assert process.returncode == 0
    assert "/300" in received.decode()
    assert WALLETS in received.decode()
    assert "%" in received.decode()
    assert out.startswith(f"300 {WALLETS} in ")


def test_faults_on_the_way_are_hidden(run, organization, tmp_path):
    for number, fault in ((24, Answer.html(502)), (74, Reset()), (124, Answer.too_many(retry_after=0))):
        last = organization.world.wallet_ids()[number]
        organization.faults.add(fault, where=lambda request, last=last: last in request.raw_path)

    assert run("export", WALLETS, "--to", str(tmp_path / "w.jsonl")).code == 0
    assert ids_in(tmp_path / "w.jsonl") == list(organization.world.wallet_ids())
