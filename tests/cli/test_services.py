"""Commands on another service than Commerce Layer, named by --service."""

import re
import sys
from typing import Any
from urllib.parse import parse_qsl, urlsplit

import pytest

from commercelayer_async.cli import masking, services

MODULE = """
from typing import ClassVar

import attrs

from commercelayer_async.jsonapi import Resource
from commercelayer_async.service import Basic, ByAttribute, Cursor, Service, plural


@attrs.frozen(kw_only=True)
class Task(Resource):
    type: ClassVar[str] = "task"
    title: str | None = None
    pin: str | None = attrs.field(default=None, repr=False)


tasks = Service(
    root="v1", path=plural, paging=Cursor("page[cursor]", size="page[size]", most=7, is_exact=True),
    total="meta.total", filters=ByAttribute(), resources=lambda: [Task],
)


def made() -> Service:
    return tasks


def at_fault() -> Service:
    raise RuntimeError("no")


class Holder:
    tasks = tasks


basic = attrs.evolve(tasks, auth=Basic())
number = 1
broken = Service(resources=lambda: [int])
"""


class Tasks(dict[str, Any]):
    """Responses to whatever is asked of tasks; keeps the targets."""

    def __init__(self) -> None:
        super().__init__()
        self.targets: list[str] = []

    def __missing__(self, target: str) -> Any:
        self.targets.append(target)
        path = urlsplit(target).path
        task = {"type": "task", "id": "1", "attributes": {"title": "Rest", "pin": "1234"}}
        body: Any = (
            {"data": task} if path.endswith("/1") else {"data": [task], "meta": {"total": 1}, "links": {"next": None}}
        )
        return 200, body

    @property
    def query(self) -> dict[str, str]:
        return dict(parse_qsl(urlsplit(self.targets[-1]).query))


@pytest.fixture
def tasks(api, environment, monkeypatch, tmp_path):
    """A server of tasks, whose service is in a module of the current folder."""
    (tmp_path / "own_services.py").write_text(MODULE)
    monkeypatch.chdir(tmp_path)
    monkeypatch.setattr(sys, "path", [*sys.path])
    environment(organization=api.url, access_token="a-secret-of-tasks")
    api.responses = Tasks()
    yield api.responses
    sys.modules.pop("own_services", None)


NAMED = ("--service", "own_services:tasks")


def test_one_is_found_by_the_path_of_the_service_and_masked_by_its_classes(run, tasks) -> None:
    result = run("get", "task", "1", "--json", *NAMED)

    assert result.code == 0, result.err
    assert tasks.targets == ["/v1/tasks/1"]
    assert result.document["data"]["attributes"] == {"title": "Rest", "pin": "[masked]"}


@pytest.mark.parametrize("name", ["own_services:made", "own_services:Holder.tasks"])
def test_the_environment_names_the_service_too(run, tasks, environment, name) -> None:
    environment(service=name)

    assert run("count", "task").out == "1\n"
    assert tasks.targets[0].startswith("/v1/tasks")


@pytest.mark.parametrize(("limit", "size"), [("3", "3"), ("100", "7")])
def test_pages_are_as_long_as_the_service_gives_them(run, tasks, limit, size) -> None:
    result = run("list", "task", "--limit", limit, *NAMED)

    assert result.code == 0, result.err
    assert "Rest" in result.out
    assert "1234" not in result.out
    assert tasks.query == {"page[size]": size}


def test_filters_are_attributes_with_operators_of_the_service(run, tasks) -> None:
    filters = ("--filter", "title=a=b", "--filter", "n[gte]=1", "--filter", "n[lt]=true", *NAMED)

    assert run("list", "task", *filters).code == 0
    assert {name: text for name, text in tasks.query.items() if "filter" in name} == {
        "filter[title]": "a=b",
        "filter[n][gte]": "1",
        "filter[n][lt]": "true",
    }


@pytest.mark.parametrize("pair", [("a=1", "a=2"), ("a[gt]=1", "a[gt]=2"), ("a=1", "a[gt]=2"), ("a[gt]=1", "a=2")])
def test_a_condition_that_is_there_twice_is_refused(run, tasks, pair) -> None:
    result = run("list", "task", "--filter", pair[0], "--filter", pair[1], *NAMED)

    assert result.code == 2
    assert "more than once" in result.err
    assert tasks.targets == []


def test_export_and_model_read_the_service(run, tasks, tmp_path) -> None:
    assert run("export", "task", "--to", "tasks.csv", *NAMED).code == 0
    assert "Rest" in (tmp_path / "tasks.csv").read_text()
    written = run("model", "task", *NAMED)
    assert written.code == 0, written.err
    assert "class Task" in written.out


@pytest.mark.parametrize(
    ("name", "said"),
    [
        ("own_services", "takes MODULE:NAME"),
        (":tasks", "takes MODULE:NAME"),
        ("../x:tasks", "takes MODULE:NAME"),
        ("no_such_module:tasks", "there is no module 'no_such_module'"),
        ("own_services:task", r"has no 'task'\n.*'tasks'"),
        ("own_services:number", "is a int, and neither a Service"),
        ("own_services:at_fault", "raised RuntimeError"),
        ("own_services:broken", "classes of 'own_services:broken' raised"),
        ("raises:x", "'raises' raised ZeroDivisionError"),
        ("needs:x", "raised ModuleNotFoundError.*no_such_thing"),
        ("wrong:x", "raised SyntaxError"),
    ],
)
def test_what_is_no_service_is_said_in_a_line(run, tasks, tmp_path, name, said) -> None:
    (tmp_path / "raises.py").write_text("1 / 0")
    (tmp_path / "needs.py").write_text("import no_such_thing")
    (tmp_path / "wrong.py").write_text("x = (")

    result = run("get", "task", "1", "--service", name)

    assert result.code == 2
    assert re.search(said, result.err)
    assert "Traceback" not in result.err
    assert tasks.targets == []


@pytest.mark.parametrize("command", ["whoami", "login", "sandbox"])
def test_what_is_about_commerce_layer_alone_says_so(run, tasks, environment, command) -> None:
    environment(service="own_services:tasks")

    result = run(command)

    assert result.code == 2
    assert "Commerce Layer alone" in result.err


def test_a_profile_of_commerce_layer_is_never_used_for_another_service(run, tasks) -> None:
    result = run("get", "task", "1", "--profile", "live", *NAMED)

    assert result.code == 2
    assert "--profile" in result.err
    assert tasks.targets == []


def test_a_user_and_a_password_are_the_secret_of_a_service_that_takes_them(run, tasks, environment) -> None:
    environment(access_token="ada:a-long-password")

    result = run("get", "task", "1", "--service", "own_services:basic")

    assert result.code == 0, result.err
    assert masking.own_secrets({"COMMERCELAYER_ACCESS_TOKEN": "ada:a-long-password"})[1:] == ("a-long-password",)


def test_without_a_token_the_session_is_anonymous(run, tasks, monkeypatch) -> None:
    monkeypatch.delenv("COMMERCELAYER_ACCESS_TOKEN")

    result = run("count", "task", *NAMED)

    assert result.code == 0, result.err
    assert result.out == "1\n"


def test_without_a_command_commerce_layer_is_read() -> None:
    assert services.is_commerce_layer()
