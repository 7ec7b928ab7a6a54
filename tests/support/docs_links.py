"""Looks through a built site: links that lead nowhere, and whatever a reader's browser would fetch from elsewhere.

python -m tests.support.docs_links site
"""

import sys
from collections.abc import Iterator
from html.parser import HTMLParser
from pathlib import Path
from urllib.parse import unquote, urlsplit

import attrs

_FETCHED = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src", "object": "data"}
"""What a browser fetches by itself, by tag."""


@attrs.define
class Page(HTMLParser):
    """What a page has and where it leads."""

    ids: set[str] = attrs.Factory(set)
    links: list[str] = attrs.Factory(list)
    fetched: list[str] = attrs.Factory(list)

    def __attrs_post_init__(self) -> None:
        super().__init__()

    def handle_starttag(self, tag: str, attributes: list[tuple[str, str | None]]) -> None:
        """Take note of ids, links and pictures."""
        named = dict(attributes)
        self.ids.update(value for name in ("id", "name") if (value := named.get(name)) and tag != "meta")
        if tag == "a" and named.get("href") is not None:
            self.links.append(str(named["href"]))
        if tag in _FETCHED and named.get(_FETCHED[tag]) and named.get("rel") != "canonical":
            self.fetched.append(str(named[_FETCHED[tag]]))


def troubles(site: Path) -> Iterator[str]:
    """What is wrong with a site, one line each."""
    pages: dict[Path, Page] = {}
    for path in sorted(site.rglob("*.html")):
        pages[path] = page = Page()
        page.feed(path.read_text())
    # The page for what is not found is shown at any depth, so its links are from the root.
    for path, page in pages.items():
        base = site if path.name == "404.html" else path.parent
        for link in (*page.links, *page.fetched):
            where = f"{path.relative_to(site)}: {link}"
            parts = urlsplit(link)
            if parts.scheme or parts.netloc:
                if link in page.fetched and parts.scheme != "data":
                    yield f"{where} is fetched from elsewhere"
                continue
            if path.name == "404.html" and parts.path.startswith("/"):
                target = site / parts.path.lstrip("/")
            else:
                target = (base / unquote(parts.path)).resolve() if parts.path else path
            target = target / "index.html" if target.is_dir() else target
            if not target.exists():
                yield f"{where} leads nowhere"
            elif parts.fragment and target in pages and unquote(parts.fragment) not in pages[target].ids:
                yield f"{where} has no such place"


def main(site: Path) -> int:
    """Print what is wrong; gives 1 if anything is."""
    found = list(troubles(site.resolve()))
    for trouble in found:
        sys.stdout.write(f"{trouble}\n")
    if not found:
        count = sum(1 for _ in site.rglob("*.html"))
        sys.stdout.write(f"{count} pages: no link leads nowhere, and nothing comes from elsewhere\n")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(Path(sys.argv[1])))
