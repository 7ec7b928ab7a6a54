"""Links: a string, an object or null, and the URL of their target.

A link is kept exactly as the document gives it. Its URL is resolved by RFC 3986 against the URL that the document came
from, without re-quoting: `%2C` stays `%2C`. Whether it may be followed is for the session to decide.
"""

from abc import ABCMeta
from collections.abc import Callable, Iterator, Mapping
from typing import TYPE_CHECKING, Any, Final, TypeAlias
from urllib.parse import urljoin

import msgspec
from msgspec import UNSET, UnsetType

from .._markers import public
from .._text import json_type_name
from ._json import as_array, as_object, as_text
from .errors import DecodeError


@public("commercelayer_async.jsonapi")
class Link(msgspec.Struct, frozen=True):
    """One link of a links object (JSON:API 1.1, "Links").

    Everything but `href` is a hint: None, or empty, if the document does not give it.
    """

    href: str
    """The URI reference as the document gives it."""
    rel: str | None = None
    """The link's relation type: its own `rel`, else its member name."""
    base: str | None = None
    """The URL of the document that holds the link; None if unknown."""
    _received: Mapping[str, Any] | None = None

    def __hash__(self) -> int:
        return hash((self.href, self.rel, self.base))

    def __str__(self) -> str:
        return self.href

    @property
    def received(self) -> Mapping[str, Any]:
        """The link object, member for member; empty if the document gives a string."""
        return self._received or {}

    @property
    def url(self) -> str:
        """`href` resolved against `base` (RFC 3986); as given if it is absolute or malformed, or there is no base."""
        try:
            return urljoin(self.base, self.href) if self.base else self.href
        except ValueError:
            # A host in brackets that is not an IPv6 address.
            return self.href

    @property
    def title(self) -> str | None:
        """A label for people to read."""
        return as_text(self.received.get("title"))

    @property
    def type(self) -> str | None:
        """Media type of the target, a hint only."""
        return as_text(self.received.get("type"))

    @property
    def hreflang(self) -> tuple[str, ...]:
        """Languages of the target; a single string in the document counts as one."""
        given = self.received.get("hreflang")
        entries = as_array(given)
        return tuple(text for text in ([given] if entries is None else entries) if isinstance(text, str))

    @property
    def describedby(self) -> "Link | None":
        """A link to a description of the target."""
        try:
            return link_from_json(self.received.get("describedby"), pointer="", base=self.base, rel="describedby")
        except DecodeError:
            return None

    @property
    def meta(self) -> Mapping[str, Any]:
        """The `meta` of the link object; empty if there is none."""
        return as_object(self.received.get("meta")) or {}


def link_from_json(
    value: object, *, pointer: "str | Callable[[], str]", base: str | None, rel: str | None = None
) -> Link | None:
    """Parse a member of a links object; None for null, which means that there is no such link.

    Raises:
        DecodeError: it is not a string, an object with a string `href`, or null.
    """
    if isinstance(value, str):
        return Link(value, rel, base)
    if value is None:
        return None
    at = pointer if isinstance(pointer, str) else pointer()
    members = as_object(value)
    if members is None:
        raise DecodeError(expected="a link (string, object or null)", got=json_type_name(value), pointer=at, url=base)
    href = members.get("href")
    if not isinstance(href, str):
        got = json_type_name(href) if "href" in members else "nothing"
        raise DecodeError(expected="a string", got=got, pointer=f"{at}/href", url=base)
    return Link(href, as_text(members.get("rel")) or rel, base, members)


class _NotInDocuments:
    """The type of what a document cannot fill: no JSON value is an instance of it."""


if TYPE_CHECKING:
    Internal: TypeAlias = Any
else:
    Internal = _NotInDocuments


class _MappingStruct(msgspec.StructMeta, ABCMeta):
    """The metaclass of a struct that is a mapping."""


@public("commercelayer_async.jsonapi")
class Links(
    Mapping[str, Link | None],
    msgspec.Struct,
    metaclass=_MappingStruct,
    eq=False,
    gc=False,
    forbid_unknown_fields=True,
    rename=lambda name: name.removeprefix("_"),
):
    """A links object: a mapping from member name to `Link`, or to None for null.

    The usual members are attributes too: `links.self`, `links.related`, `links.next`, …; None if absent.
    A malformed link raises `DecodeError` when it is read; the others stay usable.
    """

    # msgspec fills these from a links object that has no members but them, each a string; any other is `_members`.
    _self: str | UnsetType = UNSET
    _related: str | UnsetType = UNSET
    _first: str | UnsetType = UNSET
    _last: str | UnsetType = UNSET
    _prev: str | UnsetType = UNSET
    _next: str | UnsetType = UNSET
    _describedby: str | UnsetType = UNSET
    _members: Internal = None
    _pointer: Internal = "/links"
    base: Internal = None
    """The URL that they are resolved against; None if it is not known."""

    def __getitem__(self, name: str) -> Link | None:
        value = self._object[name]
        if name[:1] == "@":
            raise KeyError(name)
        return link_from_json(value, pointer=lambda: self._member_pointer(name), base=self.base, rel=name)

    def __reduce__(self) -> tuple[Any, ...]:
        pointer = self._pointer if isinstance(self._pointer, str) else self._pointer()
        return _restore_links, (dict(self._object), pointer, self.base)

    @property
    def _object(self) -> Mapping[str, Any]:
        """The links object, member for member."""
        members: Mapping[str, Any] | None = self._members
        if members is None:
            values = ((name, getattr(self, f"_{name}")) for name in _USUAL)
            members = self._members = {name: value for name, value in values if value is not UNSET}
        return members

    def _member_pointer(self, name: str) -> str:
        pointer = self._pointer if isinstance(self._pointer, str) else self._pointer()
        return f"{pointer}/{escape(name)}"

    def _named(self, name: str) -> Link | None:
        """Return a usual link of a links object that msgspec did not fill."""
        members = self._members
        value = members.get(name) if members is not None else None
        if type(value) is str:
            return Link(value, name, self.base)
        return self[name] if value is not None else None

    def __iter__(self) -> Iterator[str]:
        # @-members are not links (JSON:API 1.1, "@-Members").
        return (name for name in self._object if not name.startswith("@"))

    def __len__(self) -> int:
        return sum(1 for _ in self)

    def __repr__(self) -> str:
        return f"Links({', '.join(sorted(self))})"

    @property
    def self(self) -> Link | None:
        """The URL of the document, resource or relationship that has these links."""
        href = self._self
        return Link(href, "self", self.base) if href is not UNSET else self._named("self")

    @property
    def related(self) -> Link | None:
        """The URL of the related resource or collection."""
        href = self._related
        return Link(href, "related", self.base) if href is not UNSET else self._named("related")

    @property
    def next(self) -> Link | None:
        """The next page; None on the last one."""
        href = self._next
        return Link(href, "next", self.base) if href is not UNSET else self._named("next")

    @property
    def prev(self) -> Link | None:
        """The previous page; None on the first one."""
        href = self._prev
        return Link(href, "prev", self.base) if href is not UNSET else self._named("prev")

    @property
    def first(self) -> Link | None:
        """The first page."""
        href = self._first
        return Link(href, "first", self.base) if href is not UNSET else self._named("first")

    @property
    def last(self) -> Link | None:
        """The last page."""
        href = self._last
        return Link(href, "last", self.base) if href is not UNSET else self._named("last")

    @property
    def describedby(self) -> Link | None:
        """A description of the document."""
        href = self._describedby
        return Link(href, "describedby", self.base) if href is not UNSET else self._named("describedby")


_USUAL: Final = ("self", "related", "first", "last", "prev", "next", "describedby")


def links_from_json(
    members: Mapping[str, Any] | None, *, pointer: str | Callable[[], str] = "/links", base: str | None = None
) -> Links:
    """Return the links of a links object, which `pointer` leads to; none for null, which servers send for no links."""
    return Links(_members=members or {}, _pointer=pointer, base=base)


def escape(name: str) -> str:
    """Escape `name` as one token of a JSON pointer (RFC 6901, section 3)."""
    return name.replace("~", "~0").replace("/", "~1")


@public("commercelayer_async.jsonapi")
def _restore_links(members: Mapping[str, Any], pointer: str, base: str | None) -> Links:
    return links_from_json(members, pointer=pointer, base=base)
