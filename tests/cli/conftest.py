import io
import json
import os
import signal
import subprocess
import sys
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import attrs
import pytest

from commercelayer_async.cli import main

VARIABLES = ("ORGANIZATION", "ACCESS_TOKEN", "CLIENT_ID", "CLIENT_SECRET", "SCOPE", "SHARED")
COMMAND = [sys.executable, "-m", "commercelayer_async"]
PATIENCE = 30.0


@attrs.frozen
class Result:
    """The exit code and the output of a command."""

    code: int
    out: str
    err: str

    @property
    def document(self):
        return json.loads(self.out)


class Terminal(io.StringIO):
    """A stdout that is a terminal to those who ask."""

    encoding = "utf-8"

    def isatty(self):
        return True


class Api:
    """A server whose responses a test sets: `responses[path] = (status, document)`; a str is sent as HTML."""

    def __init__(self):
        self.responses: dict[str, tuple[int, Any]] = {}
        self.hang = False
        self.arrived = threading.Event()
        self.released = threading.Event()
        api = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self):
                api.arrived.set()
                if api.hang:
                    api.released.wait(PATIENCE)
                    return
                status, content = api.responses[self.path]
                is_html = isinstance(content, str)
                body = (content if is_html else json.dumps(content)).encode()
                self.send_response(status)
                self.send_header("Content-Type", "text/html" if is_html else "application/vnd.api+json")
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"

    def serve(self, *, attributes, type="things", id="abc", **members):
        """Respond with one resource to a GET of it."""
        resource = {"type": type, "id": id, "attributes": attributes, **members}
        self.responses[f"/api/{type}/{id}"] = (200, {"data": resource})


@pytest.fixture
def api():
    api = Api()
    thread = threading.Thread(target=api.server.serve_forever, kwargs={"poll_interval": 0.01})
    thread.start()
    yield api
    api.released.set()
    api.server.shutdown()
    thread.join()
    api.server.server_close()


@pytest.fixture
def environment(monkeypatch, tmp_path_factory):
    """Sets the variables of the command line, and them alone: `environment(organization=..., access_token=...)`."""
    for name in (*(f"COMMERCELAYER_{name}" for name in VARIABLES), "NO_COLOR", "FORCE_COLOR", "COLUMNS"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("TERM", "xterm-256color")
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path_factory.mktemp("config")))

    def setting(**variables):
        for name, value in variables.items():
            monkeypatch.setenv(f"COMMERCELAYER_{name.upper()}", value)

    return setting


@pytest.fixture
def run(environment, capsys):
    """Runs a command in this process."""

    def running(*arguments):
        code = main(arguments)
        written = capsys.readouterr()
        return Result(code, written.out, written.err)

    return running


@pytest.fixture
def run_on_terminal(run, monkeypatch):
    """Runs a command whose stdout is a terminal."""

    def running(*arguments, width=120):
        terminal = Terminal()
        with monkeypatch.context() as patch:
            patch.setattr(sys, "stdout", terminal)
            patch.setenv("COLUMNS", str(width))
            result = run(*arguments)
        return attrs.evolve(result, out=terminal.getvalue())

    return running


@pytest.fixture
def spawn(environment):
    """Starts the program as a process of its own, which can be interrupted.

    Under nohup, and in the background of a shell, SIGINT is ignored, and a new process goes on to ignore it.
    """
    started = []
    before = signal.signal(signal.SIGINT, signal.default_int_handler)

    def starting(*arguments, command=COMMAND, stdout=subprocess.PIPE, **variables):
        process = subprocess.Popen(
            [*command, *arguments],
            stdin=subprocess.DEVNULL,
            stdout=stdout,
            stderr=subprocess.PIPE,
            env={**os.environ, **variables},
            text=True,
        )
        started.append(process)
        return process

    yield starting
    signal.signal(signal.SIGINT, before)
    for process in started:
        process.kill()
        process.communicate()


@pytest.fixture
def organization(environment, commercelayer_sandbox):
    """The sandbox as the organization of the environment."""
    environment(organization=commercelayer_sandbox.url, access_token=commercelayer_sandbox.access_token)
    return commercelayer_sandbox
