"""Links: a string, an object or null, and where they lead.

A link is kept exactly as the document gives it. Where it leads is worked out by RFC 3986 against the URL that the
document came from, without re-quoting: `%2C` stays `%2C`. Whether it may be followed is not decided here.
"""

from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urljoin

import attrs

from .._text import kind
from ..errors import DecodeError
from ._json import as_array, as_object, as_text


@attrs.frozen
class Link:
    """One link of a links object (JSON:API 1.1, "Links").

    Everything but `href` is a hint: None where the document does not say.
    """

    href: str
    """The URI reference as the document gives it."""
    rel: str | None = None
    """The link's relation type; by default the member name under which it stands."""
    title: str | None = None
    type: str | None = None
    """Media type of the target, a hint only."""
    hreflang: tuple[str, ...] = ()
    """Languages of the target, also where the document gives a single string."""
    describedby: "Link | None" = None
    """Where a description of the target is."""
    meta: Mapping[str, Any] = attrs.field(factory=dict[str, Any])
    base: str | None = None
    """The URL of the document that holds the link; None for bytes that came from nowhere."""

    @property
    def url(self) -> str:
        """`href` resolved against `base` (RFC 3986); as given if it is absolute or there is no base."""
        return urljoin(self.base, self.href) if self.base else self.href

    def __str__(self) -> str:
        return self.href


def link_from_json(value: object, *, pointer: str, base: str | None, rel: str | None = None) -> Link | None:
    """The link that a links object's member holds, None for null: there is no such link.

    Raises:
        DecodeError: it is neither a string, nor an object with a string `href`, nor null.
    """
    if value is None:
        return None
    if isinstance(value, str):
        return Link(href=value, rel=rel, base=base)
    members = as_object(value)
    if members is None:
        raise DecodeError(expected="a link (string, object or null)", got=kind(value), pointer=pointer, url=base)
    href = members.get("href")
    if not isinstance(href, str):
        raise DecodeError(
            expected="a string",
            got=kind(href) if "href" in members else "nothing",
            pointer=f"{pointer}/href",
            url=base,
        )
    hreflang = members.get("hreflang")
    return Link(
        href=href,
        rel=as_text(members.get("rel")) or rel,
        title=as_text(members.get("title")),
        type=as_text(members.get("type")),
        hreflang=tuple(text for text in as_array(hreflang) or [hreflang] if isinstance(text, str)),
        describedby=_describedby(members.get("describedby"), pointer, base),
        meta=as_object(members.get("meta")) or {},
        base=base,
    )


class Links(Mapping[str, Link | None]):
    """A links object: a mapping from member name to `Link`; None where the document says null.

    The usual members are attributes too: `links.self`, `links.related`, `links.next`, …; None where absent.
    One malformed link raises `DecodeError` when it is read, and leaves the others usable.
    """

    __slots__ = ("_base", "_members", "_pointer")

    def __init__(
        self, members: Mapping[str, Any] | None = None, *, pointer: str = "/links", base: str | None = None
    ) -> None:
        # `links: null` is not legal, but seen; it says no more than no links.
        self._members = members or {}
        self._pointer = pointer
        self._base = base

    def __getitem__(self, name: str) -> Link | None:
        return link_from_json(self._members[name], pointer=f"{self._pointer}/{escape(name)}", base=self._base, rel=name)

    def __iter__(self) -> Iterator[str]:
        # @-members are no links (JSON:API 1.1, "@-Members").
        return (name for name in self._members if not name.startswith("@"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Links({', '.join(sorted(self))})"

    @property
    def self(self) -> Link | None:
        """Where what holds these links answers."""
        return self.get("self")

    @property
    def related(self) -> Link | None:
        """Where the related resource or collection answers."""
        return self.get("related")

    @property
    def next(self) -> Link | None:
        """The next page; None where there is none."""
        return self.get("next")

    @property
    def prev(self) -> Link | None:
        """The page before; None where there is none."""
        return self.get("prev")

    @property
    def first(self) -> Link | None:
        """The first page."""
        return self.get("first")

    @property
    def last(self) -> Link | None:
        """The last page."""
        return self.get("last")

    @property
    def describedby(self) -> Link | None:
        """A description of the document."""
        return self.get("describedby")


def escape(name: str) -> str:
    """`name` as one token of a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


def _describedby(value: object, pointer: str, base: str | None) -> Link | None:
    try:
        return link_from_json(value, pointer=f"{pointer}/describedby", base=base)
    except (DecodeError, RecursionError):
        return None
