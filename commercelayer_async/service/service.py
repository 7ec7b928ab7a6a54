"""The service as a value: every choice that JSON:API leaves open, with the default that serves most."""

import re
from collections.abc import Callable, Collection, Iterable, Mapping
from typing import Any, Final, cast

import attrs

from .._markers import public
from .._text import Secret
from ..errors import ConfigurationError
from ..jsonapi import JSON_API, Resource
from .addresses import Addresses, Hosts
from .auth import BEARER, Basic, Header, OAuth2, Scheme, require_header
from .by_type import ByType, PathRule, of_type, path_by, values_of
from .filtering import ByAttribute, Calls, Conditions, Created, Grammar, Ids, Keyset, Ransack, Sort
from .paging import Cursor, Links, Paging, Total
from .rates import Rates

_ID: Final = r"[^\x00-\x1f\x7f]{1,255}"


def _no_resources() -> Iterable[type[Resource]]:
    return ()


def _copied(headers: Mapping[str, Any]) -> dict[str, str]:
    if not isinstance(cast("object", headers), Mapping):
        raise ConfigurationError("headers must be a mapping of names to texts")
    # A second key shows nothing of itself where variables are printed; what is not a text is refused later.
    return {name: Secret(value) if isinstance(value, str) else value for name, value in headers.items()}


def _kinds(given: Mapping[str, Collection[str]]) -> dict[str, Collection[str]]:
    return {type: frozenset(kinds) for type, kinds in given.items()}


def _root(given: str) -> str:
    root = given.strip("/")
    return f"/{root}" if root else ""


def _totals(given: "Total | str | Mapping[Any, Total | str | None] | None") -> ByType[Total | None]:
    if isinstance(given, Mapping):
        return {type: Total.of(total) for type, total in given.items()}
    return Total.of(given)


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class Service:
    """One JSON:API service: what a session has to know of it beyond the specification.

    Each choice is a value, and where types differ a table by type, with `...` for the types that it does not name, or
    a function. `Service()` is a service of which nothing is known: resources are found under their type, lists are
    read by their links, and nothing is sent that was not asked for.

        tasks = Service(root="v1", paging=Numbers("page[number]", size="page[size]", most=100), total="meta.total")
        async with Session("https://tasks.example", AccessToken("…"), service=tasks) as session: ...

    A value holds no secret, and can be shared by any number of sessions.

    Raises:
        ConfigurationError: a choice is malformed, or does not go with another one; which is said.
    """

    name: str = "the service"
    """What errors call it."""

    # Where
    root: str = attrs.field(default="", converter=_root)
    """The path below which the API lives on its host, such as `"api/v2"`; links may lead anywhere in it."""
    path: PathRule | None = None
    """Where resources of a type are, below the root: a rule by type; None for the type itself."""
    list_path: PathRule | None = None
    """Where lists of a type are, where that is elsewhere; None from the rule for a type that has no list of its own."""
    item_path: Callable[[str, str], str] | None = None
    """The path of a resource from its type and id, where it is not the type's path and the id."""
    slash: bool = False
    """Whether paths end in a slash."""
    ids: ByType[str] = _ID
    """A pattern for ids. They are always percent-encoded; `.` and `..` are refused, whatever it says."""
    kinds: Mapping[str, Collection[str]] = attrs.field(factory=dict[str, Collection[str]], converter=_kinds)
    """Types that stand for several: `{"Project": {"ArtProject", "ResearchProject"}}`. What is asked for by such a type
    is of one of these, and comes as an instance of its own class."""
    hosts: Hosts | None = None
    """Where organizations have hosts of their own; None for a service that is asked at the URL given."""
    versions: str | None = None
    """A pattern for the path segment behind the root that names a version; None for a service without."""

    # What is sent with each request
    accept: str = JSON_API
    """What is asked for; any JSON is read."""
    headers: Mapping[str, str] = attrs.field(factory=dict[str, str], converter=_copied, repr=False)
    """Headers that are always the same, such as a version; they go to the session's origin alone."""
    auth: Scheme = BEARER
    """How the session's secret is sent."""
    needs_auth: bool = False
    """True for a service that answers nobody without a secret: a session without one is refused at once."""

    # Lists
    paging: ByType[Paging] = attrs.field(default=Links())
    """How lists are cut into pages."""
    total: ByType[Total | None] = attrs.field(default=None, converter=_totals)
    """Where a list says how many records it holds; a text is the place alone. None if it does not."""
    filters: Grammar = attrs.field(default=ByAttribute())
    """How filters are written; a function from a caller's filter to query parameters is a grammar too."""
    sort: Sort | None = attrs.field(default=Sort())
    """How lists are sorted; None for a service that does not sort."""
    ids_at_once: Ids | None = None
    """How many resources are asked for by their ids; None if one is asked for at a time."""
    keyset: Keyset | None = None
    """How a list is walked exactly; None where only a cursor does, or nothing."""
    created: Created | None = None
    """How a list is filtered by the moment of creation; None where nothing filters so."""
    linkage_total: str | None = None
    """Where the `meta` of a relationship says how many targets it has, such as `"paging.total"`: linkage of fewer is
    but a part, and the rest is followed by its link. None for a service that gives all, or a link to the next page."""
    withheld: str | None = None
    """Where a document says that rows were left out of it, such as `"meta.omitted"`; then it is not the whole."""

    # Limits, errors, classes
    rates: Rates = attrs.field(default=Rates())
    """How many requests it takes."""
    no_permission_code: str | None = None
    """The error code of a 401 that says: the token is good, but may not read this record. Renewing it is in vain."""
    provenance_members: tuple[str, ...] = ()
    """Members of `meta`, that of a document or of a resource object, which tell the world that a record is from."""
    resources: Callable[[], Iterable[type[Resource]]] = _no_resources
    """The classes that every session of it knows; called when the first is needed."""

    def __attrs_post_init__(self) -> None:
        _require(self, "auth", Header | Basic | OAuth2, "Header(…), Basic() or OAuth2(…)")
        require_header("Accept", self.accept, "accept", besides="accept")
        taken = {self.auth.name.lower()}
        for name, value in self.headers.items():
            require_header(name, value, "headers")
            if name.lower() in taken:
                raise ConfigurationError(f"headers: {name} is there twice, or is the one that carries the secret")
            taken.add(name.lower())
        _require(self, "rates", Rates, "Rates(…)")
        for paging in values_of(self.paging):
            if not isinstance(paging, Paging):
                raise ConfigurationError("paging must be Links(…), Numbers(…), Offsets(…), Cursor(…), or such by type")
        grammar: object = self.filters
        if not isinstance(grammar, ByAttribute | Calls | Conditions | Ransack) and not callable(grammar):
            raise ConfigurationError("filters must be ByAttribute(…), Calls(…), Conditions(…) or a function")
        if self.ids_at_once is not None and self.ids_at_once.is_call and not isinstance(grammar, Calls):
            raise ConfigurationError("ids_at_once: a call needs filters=Calls(…); else name a parameter")
        for pattern in (*values_of(self.ids), *((self.versions,) if self.versions is not None else ())):
            try:
                re.compile(pattern)
            except (re.error, TypeError):
                raise ConfigurationError(f"{pattern!r} is not a pattern") from None

    @property
    def addresses(self) -> Addresses:
        """Where it is, as a session needs it."""
        oauth = self.auth if isinstance(self.auth, OAuth2) else None
        ids = tuple(values_of(self.ids))
        return Addresses(name=self.name, hosts=self.hosts, root=self.root, version=self.versions, oauth=oauth, ids=ids)

    def is_of(self, found: str, type: str) -> bool:
        """True if a resource of the type `found` may be where one of `type` was asked for."""
        return found == type or found in self.kinds.get(type, ())

    def paging_of(self, type: str | None) -> Paging:
        """How lists of a type are cut into pages; by links where nothing is said of it."""
        found: Paging | None = of_type(self.paging, type)
        return found if found is not None else _LINKS

    def total_of(self, type: str | None) -> Total | None:
        """Where lists of a type say how many records they hold."""
        found: Total | None = of_type(self.total, type)
        return found

    def path_of(self, type: str) -> str:
        """The path of a type's resources below the root, with a slash before it.

        Raises:
            ConfigurationError: it has none, or the rule is at fault.
        """
        path = path_by(self.path, type)
        if path is None:
            raise ConfigurationError(f"{self.name} has no path for resources of {type!r}; follow a link to one")
        return f"/{path}"

    def list_path_of(self, type: str) -> str:
        """The path of a type's lists below the root, with a slash before it.

        Raises:
            ConfigurationError: it has none of its own, or the rule is at fault.
        """
        path = path_by(self.list_path, type) if self.list_path is not None else None
        if self.list_path is None or (path == type and not _names(self.list_path, type)):
            return f"{self.path_of(type)}{'/' if self.slash else ''}"
        if path is None:
            raise ConfigurationError(
                f"{self.name} has no list of all {type!r}: read them through a relationship that leads to them"
            )
        return f"/{path}{'/' if self.slash else ''}"

    def ids_at_once_of(self, type: str) -> int:
        """How many ids of a type a request takes, which a page of the response holds; 0 if it takes none."""
        most = self.ids_at_once.most_of(type) if self.ids_at_once is not None else 0
        page = self.paging_of(type).most_of(type)
        return most if page is None else min(most, page)

    def is_exact(self, type: str | None) -> bool:
        """True if lists of a type can be walked with no record twice or missed."""
        paging = self.paging_of(type)
        return paging.is_exact if isinstance(paging, Cursor) else self.keyset is not None


_LINKS: Final = Links()


def _names(rule: PathRule, type: str) -> bool:
    """True if a rule says something of a type itself."""
    return type in rule if isinstance(rule, Mapping) else True


def _require(service: Service, name: str, wanted: Any, shown: str) -> None:
    if not isinstance(getattr(service, name), wanted):
        raise ConfigurationError(f"{name} must be {shown}")
