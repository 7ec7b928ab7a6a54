"""Which URLs are ours: one origin, and below one path.

Every request is a target (path and query) on the origin that the session was made for; nothing here or below can name
another host. So wherever a document's link points, the token cannot follow it: a link that leads elsewhere is refused
before a byte is sent, and one that stays is sent back byte for byte.
"""

import re
from ipaddress import ip_address
from typing import Final
from urllib.parse import SplitResult, unquote_to_bytes, urljoin, urlsplit

import attrs

from .._plain import plain_text
from .._text import printable
from ..errors import ConfigurationError, LinkRefused
from ..service.addresses import Addresses

_VERSION: Final = re.compile(r"[A-Za-z0-9][A-Za-z0-9._-]{0,31}")
_HOST: Final = re.compile(
    r"(?P<host>[A-Za-z0-9-]+(\.[A-Za-z0-9-]+)+|localhost|\[[0-9A-Fa-f:.]+\])(:[0-9]+)?(/.*)?", re.DOTALL
)
"""A host name or an address as people write it without a scheme, with what may follow."""
_A_URL: Final = "a URL such as 'https://api.example', or a host"
_LINK_LIMIT: Final = 2048
_PORTS: Final = {"http": 80, "https": 443}
_PRINTABLE: Final = re.compile(r"[!-~]*")
_SCHEME: Final = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:")
_DOT_SEGMENT: Final = re.compile(r"(^|/)\.\.?(;[^/]*)?(/|$)")
"""A segment that leads elsewhere, also to servers that cut its parameters off first (RFC 3986, 3.3)."""
_SLASH: Final = re.compile("%2[Ff]")
_ODD: Final = re.compile(
    r"[\x00-\x1f\x7f\xc0\xc1]|\xe0[\x80-\x9f]|\xf0[\x80-\x8f]|%[uU][0-9A-Fa-f]{4}",
)
"""Controls, and what old decoders take for an ASCII character in more bytes of UTF-8 than it has, or in UTF-16."""


@attrs.frozen
class Origin:
    """Scheme, host and effective port, and the path below which the API lives."""

    scheme: str
    host: str
    port: int
    root: str
    """The path below which every version of the API lives, such as `/api`: links may lead anywhere in it."""
    api: str
    """The path that requests begin with, such as `/api` or `/api/2017-08`."""
    auth_url: str
    """The URL below which the token endpoint is."""
    ids: tuple[str, ...] = ()
    """Patterns for ids: one that takes a slash lets links hold it, encoded once, where such an id can stand."""

    @property
    def url(self) -> str:
        """The origin as a URL, `https://yourdomain.commercelayer.io`, without a port that is the scheme's own."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return f"{self.scheme}://{host}" + ("" if self.port == _PORTS[self.scheme] else f":{self.port}")

    @classmethod
    def of(
        cls,
        organization: object,
        *,
        addresses: Addresses,
        api_version: str | None = None,
        auth_url: str | None = None,
    ) -> "Origin":
        """The origin of an organization, given by its slug, its host, or a full URL, whose path is kept as a prefix.

        A service without hosts of its own for organizations has no slugs.

        A host without a scheme is asked by https. URLs may be given as they are found: that of the organization with
        the root of the API, also with a version, and that of the authorization server with the token endpoint.

        Raises:
            ConfigurationError: it is neither; or plain http to anything but this machine, over which no token goes.
        """
        parts = _base_url(_organization_url(organization, addresses), "organization")
        prefix, given = addresses.prefix_and_version(parts.path)
        version = _version(api_version, given, addresses)
        root = f"{prefix}{addresses.root}"
        api = f"{root}/{version}" if version else root
        origin = cls(parts.scheme, parts.hostname or "", _port(parts), root, api, "", addresses.ids)
        return attrs.evolve(origin, auth_url=_auth_url(auth_url, origin, addresses))

    def target_of(self, link: str, *, base: str | None = None) -> str:
        """The request target that a link leads to, resolved against `base` (RFC 3986), its characters untouched.

        Raises:
            LinkRefused: it leads to another origin or out of the API, or is not plain.
        """
        reason = _malformed_reason(link)
        if reason is None:
            try:
                parts = urlsplit(urljoin(base or f"{self.url}{self.api}/", link))
                reason = self._foreign_reason(parts)
            except ValueError:
                reason = "it is not a URL"
            else:
                if reason is None:
                    path = parts.path or "/"
                    return f"{path}?{parts.query}" if parts.query else path
        raise LinkRefused(link=link, reason=reason, url=base)

    def _foreign_reason(self, parts: SplitResult) -> str | None:
        """Why a resolved link is not ours; None if it is."""
        if parts.scheme not in _PORTS:
            return "its scheme is not http or https"
        if "@" in parts.netloc:
            return "it holds user information"
        if (parts.scheme, parts.hostname, _port(parts)) != (self.scheme, self.host, self.port):
            return f"it leaves the origin {self.url}"
        if reason := _ambiguous_reason(parts.path, self.ids):
            return reason
        if not (parts.path or "/").startswith(f"{self.root}/"):
            return f"it leaves the API below {self.url}{self.root}/"
        return None


def is_loopback(host: str) -> bool:
    """True if a host is this machine: localhost, 127.0.0.0/8 or ::1."""
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"


def _malformed_reason(link: object) -> str | None:
    """Why a link cannot even be resolved; None if it can."""
    if not isinstance(link, str) or not link:
        return "it is empty"
    if len(link) > _LINK_LIMIT:
        return f"it is longer than {_LINK_LIMIT} characters"
    if "\\" in link or not _PRINTABLE.fullmatch(link):
        return "it holds a backslash, a blank, a control character or one beyond ASCII"
    scheme = _SCHEME.match(link)
    if scheme and not link[scheme.end() :].startswith("//"):
        return "its scheme is not followed by //"
    return None


def _ambiguous_reason(path: str, ids: tuple[str, ...] = ()) -> str | None:
    """Why servers may differ on where a path leads; None if it is plain.

    A proxy may decode a path once more than the server behind it, or once less, and so see another route than was
    checked here. So nothing may come out of decoding that divides a path: neither at once nor after another round. The
    exception are slashes of an id, where the service has such `ids`; they are encoded once.
    """
    if _DOT_SEGMENT.search(path):
        return "its path has dot segments"
    if ids and _SLASH.search(path):
        path = "/".join(_without_slashes_of_ids(segment, ids) for segment in path.split("/"))
    while "%" in path:
        # In latin-1 every byte is one character, so that each round starts from bytes again.
        decoded = unquote_to_bytes(path.encode("latin-1")).decode("latin-1")
        if decoded.count("/") > path.count("/") or "\\" in decoded:
            return "its path has an encoded slash or backslash"
        if _DOT_SEGMENT.search(decoded):
            return "its path has encoded dot segments"
        if _ODD.search(decoded):
            return "its path has encoded control characters, or ones that are encoded in an odd way"
        if decoded == path:
            return None
        path = decoded
    return None


def _without_slashes_of_ids(segment: str, ids: tuple[str, ...]) -> str:
    """A segment of a path with `_` for its encoded slashes, if they are those of an id and lead nowhere else."""
    if not _SLASH.search(segment):
        return segment
    try:
        id = unquote_to_bytes(segment).decode()
    except UnicodeDecodeError:
        return segment
    if _DOT_SEGMENT.search(id) or not any(re.fullmatch(pattern, id) for pattern in ids):
        return segment
    return _SLASH.sub("_", segment)


def _organization_url(organization: object, addresses: Addresses) -> str:
    text = plain_text(organization)
    if not text:
        wanted = "a slug such as 'yourdomain', a host, or a URL" if addresses.hosts is not None else _A_URL
        raise ConfigurationError(f"organization must be {wanted}")
    if _HOST.fullmatch(text):
        return _with_scheme(text, "organization")
    if "/" in text or ":" in text:
        return text
    if addresses.hosts is None:
        raise ConfigurationError(
            f"organization must be {_A_URL}, not {printable(text, 60)!r}: {addresses.name} has no hosts that"
            " are found by a name alone"
        )
    if not addresses.is_slug(text):
        raise ConfigurationError(f"{printable(text, 60)!r} is not an organization slug (letters, digits and '-')")
    return addresses.organization_url(text)


def _with_scheme(text: str, what: str) -> str:
    """The URL for a host that was written without a scheme; any other text as it is."""
    bare = _HOST.fullmatch(text)
    if bare is None:
        return text
    if is_loopback(bare["host"].strip("[]")):
        raise ConfigurationError(f"{what} {printable(text, 60)!r} has no scheme; write http:// or https:// before it")
    return f"https://{text}"


def _version(given: object, in_url: str | None, addresses: Addresses) -> str | None:
    """The version to ask for, given by itself or in the organization's URL."""
    if given is None:
        return in_url
    if addresses.version is None:
        raise ConfigurationError(f"api_version cannot be chosen: the paths of {addresses.name} have no versions")
    version = plain_text(given)
    if version is None or not _VERSION.fullmatch(version):
        shown = printable(repr(version), 60) if version is not None else f"of a {type(given).__name__}"
        raise ConfigurationError(f"api_version {shown} is not a version such as '2017-08'")
    if in_url not in (None, version):
        raise ConfigurationError(
            f"organization ends in the version {in_url!r}, and api_version is {version!r}; give one"
        )
    return version


def _auth_url(given: object, origin: Origin, addresses: Addresses) -> str:
    """The URL below which the token endpoint is: as given, else that of the service, else the origin's own."""
    if given and addresses.oauth is None:
        raise ConfigurationError(f"auth_url cannot be chosen: {addresses.name} has no token endpoint (auth=OAuth2(…))")
    if not given:
        return addresses.auth_url_of(origin.host) or origin.url
    text = plain_text(given)
    if text is None:
        raise ConfigurationError(f"auth_url must be a URL, not a {type(given).__name__}")
    base = addresses.auth_base(_with_scheme(text, "auth_url"))
    _base_url(base, "auth_url")
    return base


def _base_url(url: str, what: str) -> SplitResult:
    """A URL that a caller configures, refused unless it is plain and a token may be sent to it."""
    shown = printable(url.rpartition("@")[2], 100)
    try:
        parts = urlsplit(url)
        host = parts.hostname if _port(parts) else None
    except ValueError:
        parts, host = urlsplit(""), None
    if host is None or not _PRINTABLE.fullmatch(url) or "\\" in url or parts.scheme not in _PORTS:
        raise ConfigurationError(f"{what} {shown!r} is not a URL such as 'https://yourdomain.example'")
    if "@" in parts.netloc or parts.query or parts.fragment or "?" in url or _ambiguous_reason(parts.path):
        raise ConfigurationError(f"{what} {shown!r} must have no user information, query, fragment or dot segments")
    if parts.scheme == "http" and not is_loopback(host):
        raise ConfigurationError(f"{what} {shown!r} would send a token over plain http; use https")
    return parts


def _port(parts: SplitResult) -> int:
    port = parts.port
    if port == 0:
        raise ValueError("port 0")
    return port or _PORTS.get(parts.scheme, 0)
