"""Commands that share their budget and their token with other processes."""

import os
import signal
import subprocess
import sys

import pytest

COMMAND = [sys.executable, "-m", "commercelayer_async"]


@pytest.mark.parametrize("by_option", [True, False])
def test_commands_share_one_token(run, commercelayer_sandbox, monkeypatch, tmp_path, by_option):
    monkeypatch.delenv("COMMERCELAYER_ACCESS_TOKEN", raising=False)
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", commercelayer_sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_ID", commercelayer_sandbox.client_id)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_SECRET", commercelayer_sandbox.client_secret)
    option = ("--shared", f"file:{tmp_path / 'own'}") if by_option else ()
    if not by_option:
        monkeypatch.setenv("COMMERCELAYER_SHARED", f"file:{tmp_path / 'own'}")

    before = commercelayer_sandbox.token_requests.total()
    results = [run("count", "customers", *option) for _ in range(2)]

    assert [(result.code, result.err) for result in results] == [(0, "")] * 2
    assert commercelayer_sandbox.token_requests.total() == before + 1


@pytest.mark.parametrize("url", ["redis://:dont-show-me@h/0", "redis://h/0?password=dont-show-me"])
def test_no_password_is_taken_from_the_command_line(run, url):
    result = run("count", "customers", "--shared", url)

    assert result.code == 2
    assert "set COMMERCELAYER_SHARED instead" in result.err
    assert "dont-show-me" not in result.err


def test_what_cannot_be_shared_is_told(run):
    result = run("count", "customers", "--shared", "yes")

    assert result.code == 2
    assert "--shared must be file" in result.err


@pytest.mark.parametrize("shared", [True, False])
def test_limits_shows_a_budget_once_as_json(run, commercelayer_sandbox, monkeypatch, tmp_path, shared):
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", commercelayer_sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_ACCESS_TOKEN", commercelayer_sandbox.access_token)
    option = ("--shared", f"file:{tmp_path / 'own'}") if shared else ()
    before = len(commercelayer_sandbox.requests)

    result = run("limits", "--json", *option)

    assert (result.code, result.err) == (0, "")
    assert list(result.document) == [
        "store",
        "store_lost",
        "members",
        "waiting",
        "limit",
        "seconds",
        "remaining",
        "closed_for",
    ]
    assert (result.document["store"], result.document["members"]) == ("file" if shared else None, 1)
    assert len(commercelayer_sandbox.requests) == before


def test_limits_says_that_a_store_cannot_be_reached(run, commercelayer_sandbox, monkeypatch):
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", commercelayer_sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_ACCESS_TOKEN", commercelayer_sandbox.access_token)
    monkeypatch.setenv("COMMERCELAYER_SHARED", "redis://:dont-show-me@127.0.0.1:1/0")

    result = run("limits", "--json")

    assert (result.code, result.document["store"], result.document["store_lost"]) == (0, "redis", True)
    assert "dont-show-me" not in result.out + result.err


def test_limits_shows_what_is_left_each_second(monkeypatch, commercelayer_sandbox, tmp_path):
    monkeypatch.setenv("COMMERCELAYER_ORGANIZATION", commercelayer_sandbox.url)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_ID", commercelayer_sandbox.client_id)
    monkeypatch.setenv("COMMERCELAYER_CLIENT_SECRET", commercelayer_sandbox.client_secret)
    command = [*COMMAND, "limits", "--shared", f"file:{tmp_path / 'own'}"]
    with subprocess.Popen(
        command, stdout=subprocess.PIPE, text=True, env={**os.environ, "PYTHONUNBUFFERED": "1"}
    ) as shown:
        assert shown.stdout is not None
        lines = [shown.stdout.readline() for _ in range(2)]
        shown.send_signal(signal.SIGINT)
    assert lines == ["limits are not known yet; shared in file by 1\n"] * 2
    assert shown.returncode == 130
