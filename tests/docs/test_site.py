"""The documentation builds without a warning, and nothing in it leads nowhere."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from tests.support.docs_blocks import DOCS
from tests.support.docs_links import troubles

PAGE = '<a id="here" href="other/#there">x</a><img src="a.png"><link rel="stylesheet" href="a.css">'


def site_of(folder: Path, **files: str) -> Path:
    (folder / "other").mkdir()
    (folder / "index.html").write_text(files.get("index", PAGE))
    (folder / "other" / "index.html").write_text('<p id="there">y</p>')
    (folder / "a.png").touch()
    (folder / "a.css").touch()
    return folder


def test_a_whole_site_has_no_troubles(tmp_path: Path) -> None:
    assert list(troubles(site_of(tmp_path))) == []


@pytest.mark.parametrize(
    ("found", "wrong", "said"),
    [
        ("other/#there", "other/#elsewhere", "no such place"),
        ("other/#there", "another/", "leads nowhere"),
        ("a.png", "b.png", "leads nowhere"),
        ("a.css", "https://cdn.example/a.css", "fetched from elsewhere"),
        ("a.png", "//cdn.example/a.png", "fetched from elsewhere"),
    ],
)
def test_what_leads_nowhere_or_is_fetched_from_elsewhere_is_found(found, wrong, said, tmp_path) -> None:
    (trouble,) = troubles(site_of(tmp_path, index=PAGE.replace(found, wrong)))

    assert said in trouble
    assert wrong in trouble


def test_every_page_is_in_the_navigation() -> None:
    """So that a page is not forgotten where the site is not built."""
    configuration = (DOCS.parent / "mkdocs.yml").read_text()
    pages = [path.relative_to(DOCS).as_posix() for path in DOCS.rglob("*.md")]

    assert [page for page in sorted(pages) if page not in configuration] == []


@pytest.mark.slow
def test_the_site_builds_strictly_and_its_links_lead_somewhere(tmp_path: Path) -> None:
    pytest.importorskip("mkdocs", reason="the documentation's tools are not installed")
    run = subprocess.run(
        [sys.executable, "-m", "mkdocs", "build", "--strict", "--site-dir", str(tmp_path / "site")],
        cwd=DOCS.parent,
        env={**os.environ, "NO_MKDOCS_2_WARNING": "1"},
        capture_output=True,
        text=True,
        check=False,
        timeout=240,
    )

    assert run.returncode == 0, run.stderr
    assert list(troubles(tmp_path / "site")) == []
    assert (tmp_path / "site" / "search" / "search_index.json").stat().st_size > 100_000
