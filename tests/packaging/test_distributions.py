"""What is built, installed and run by those who have the package and not its source."""

import email
import email.message
import os
import subprocess
import sys
import tarfile
import tomllib
import venv
import zipfile
from pathlib import Path

import attrs
import pytest

import commercelayer_async

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]

pytestmark = pytest.mark.slow
"""Two environments are made, and a registry is asked for what the package needs."""


def run(*command: str | Path, cwd: Path | None = None) -> str:
    # Nothing of this test run's own environment: neither its paths nor its credentials.
    kept = {
        name: value for name, value in os.environ.items() if not name.startswith(("PYTHON", "COMMERCELAYER_", "COV"))
    }
    done = subprocess.run(
        [str(part) for part in command], cwd=cwd, env=kept, capture_output=True, text=True, check=False, timeout=300
    )
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout


@attrs.frozen
class Built:
    """What `python -m build` made."""

    sdist: Path
    wheel: Path

    @property
    def in_sdist(self) -> set[str]:
        """The files of the sdist, below its one folder."""
        with tarfile.open(self.sdist) as archive:
            return {name.partition("/")[2] for name in archive.getnames()}

    @property
    def in_wheel(self) -> set[str]:
        with zipfile.ZipFile(self.wheel) as archive:
            return set(archive.namelist())

    @property
    def metadata(self) -> email.message.Message:
        with zipfile.ZipFile(self.wheel) as archive:
            name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
            return email.message_from_bytes(archive.read(name))


@pytest.fixture(scope="module")
def built(tmp_path_factory: pytest.TempPathFactory) -> Built:
    """Both, the wheel from the sdist, as a release does it."""
    out = tmp_path_factory.mktemp("dist")
    run(sys.executable, "-m", "build", "--outdir", out, ROOT)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    return Built(sdist, wheel)


@pytest.fixture
def environment(tmp_path: Path) -> Path:
    """The commands of a new, empty virtual environment."""
    venv.create(tmp_path / "venv", with_pip=True, symlinks=os.name != "nt")
    return tmp_path / "venv" / ("Scripts" if os.name == "nt" else "bin")


def test_the_wheel_holds_the_package_and_nothing_else(built: Built) -> None:
    here = {path.relative_to(ROOT).as_posix() for path in (ROOT / "commercelayer_async").rglob("*.py")}
    folders = {name.partition("/")[0] for name in built.in_wheel}

    assert here | {"commercelayer_async/py.typed"} <= built.in_wheel
    assert folders == {"commercelayer_async", next(name for name in folders if name.endswith(".dist-info"))}
    assert any(name.endswith("licenses/LICENSE") for name in built.in_wheel)


def test_the_sdist_holds_all_that_a_change_must_pass(built: Built) -> None:
    tracked = {path.relative_to(ROOT).as_posix() for path in (ROOT / "tests").rglob("*.py")}
    pages = {path.relative_to(ROOT).as_posix() for path in (ROOT / "docs").rglob("*.md")}
    beside = "CHANGELOG.md CONTRIBUTING.md LICENSE Makefile README.md SECURITY.md mkdocs.yml pyproject.toml"

    assert tracked - built.in_sdist == set()
    assert pages - built.in_sdist == set()
    assert set(beside.split()) - built.in_sdist == set()
    assert any(name.startswith("tests/sandbox/published/") for name in built.in_sdist)


def test_nothing_that_was_made_on_the_way_is_packed(built: Built) -> None:
    parts = {part for name in built.in_sdist | built.in_wheel for part in name.split("/")}

    assert {part for part in parts if part.startswith(".")} <= {".gitignore"}
    assert parts.isdisjoint({"__pycache__", "site", "dist", "node_modules"})
    assert built.sdist.stat().st_size < 5_000_000


def test_the_metadata_say_what_the_package_is(built: Built) -> None:
    metadata = built.metadata
    classifiers = metadata.get_all("Classifier") or []

    assert metadata["Name"] == "commercelayer-async"
    assert metadata["Version"] == commercelayer_async.__version__
    assert metadata["Requires-Python"] == ">=3.11"
    assert metadata["License-Expression"] == "MIT"
    assert metadata["Description-Content-Type"] == "text/markdown"
    assert str(metadata.get_payload()).startswith("# commercelayer_async")
    assert set(metadata.get_all("Provides-Extra") or []) == set(PROJECT["optional-dependencies"])
    assert {"Typing :: Typed", "Framework :: AsyncIO", "Framework :: Pytest"} <= set(classifiers)
    assert {f"Programming Language :: Python :: 3.{minor}" for minor in (11, 12, 13)} <= set(classifiers)
    assert metadata.get_all("Project-URL") is None


def test_the_version_is_in_one_place() -> None:
    assert PROJECT["dynamic"] == ["version"]
    assert "version" not in PROJECT


def test_the_wheel_with_the_cli_runs_the_demo(built: Built, environment: Path, tmp_path: Path) -> None:
    """In a new environment, outside the source: nothing but what the metadata ask for is there."""
    run(environment / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", f"{built.wheel}[cli]")

    shown = run(environment / "commercelayer-async", "demo", "--verbose", cwd=tmp_path)

    assert "XXXX-XXXX-XXXX-1111" in shown
    assert "StripePayment" in shown
    assert "No broken requirements" in run(environment / "python", "-m", "pip", "check")
    version = run(environment / "commercelayer-async", "--version", cwd=tmp_path)
    assert version.split() == ["commercelayer-async", commercelayer_async.__version__]


def test_the_sdist_without_extras_reads_from_the_sandbox(built: Built, environment: Path, tmp_path: Path) -> None:
    """The command line then says what it lacks."""
    program = """
import asyncio, sys
from commercelayer_async import AccessToken, Session
from commercelayer_async.resources import CustomerPaymentSource
from commercelayer_async.sandbox import Sandbox

async def main():
    async with Sandbox() as sandbox, Session(sandbox.url, AccessToken(sandbox.access_token)) as session:
        source = await session.get(CustomerPaymentSource, "xYZkjABcde")
        print((await source.customer).status, "click" in sys.modules, "rich" in sys.modules)

asyncio.run(main())
"""
    run(environment / "python", "-m", "pip", "install", "-q", "--disable-pip-version-check", built.sdist)

    assert run(environment / "python", "-c", program, cwd=tmp_path).split() == ["acquired", "False", "False"]
    done = subprocess.run(
        [environment / "commercelayer-async", "demo"], capture_output=True, text=True, check=False, timeout=60
    )
    assert done.returncode != 0
    assert "commercelayer-async[cli]" in done.stderr
