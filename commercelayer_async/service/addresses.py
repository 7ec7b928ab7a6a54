"""Where a service is: hosts, the root of its API, and the endpoints for tokens."""

import re
from typing import Final

import attrs

from .._markers import public
from .auth import OAuth2

_AUTH_SERVER: Final = "https://auth."
"""What the URL of an authorization server begins with; its domain follows."""


@public("commercelayer_async.service")
@attrs.frozen(kw_only=True)
class Hosts:
    """A service that gives each customer a host of their own, below one domain."""

    domain: str
    """What organizations have their subdomains of."""
    other_domains: tuple[str, ...] = ()
    """Further domains of the vendor's that a token may name."""
    slug: str = r"[A-Za-z0-9]([A-Za-z0-9-]{0,61}[A-Za-z0-9])?"
    """A pattern for the name of an organization; by default that of a label of a host's name (RFC 1123)."""


@attrs.frozen(kw_only=True)
class Addresses:
    """What is known of a service's URLs; a service without hosts of its own is asked at the URL that a caller gives."""

    name: str
    """What errors call the service."""
    hosts: Hosts | None
    root: str
    """The path of the API on a host, with a slash before it; empty for the host's own root."""
    version: str | None
    """A pattern for a version of the API, the path segment after its root; None for a service without."""
    oauth: OAuth2 | None
    """Where tokens are asked for; None for a service without a token endpoint."""
    ids: tuple[str, ...] = ()
    """Patterns for the ids of its types; where one takes a slash, links may hold it, encoded."""

    @property
    def domains(self) -> tuple[str, ...]:
        """The domains of the vendor's."""
        return (self.hosts.domain, *self.hosts.other_domains) if self.hosts is not None else ()

    @property
    def token_path(self) -> str:
        """Where tokens are asked for, below the URL of the authorization server."""
        return (self.oauth or OAuth2()).token_path

    @property
    def revoke_path(self) -> str:
        """Where tokens are revoked, below the URL of the authorization server."""
        return (self.oauth or OAuth2()).revoke_path

    def is_slug(self, text: str) -> bool:
        """True if `text` may name an organization."""
        return self.hosts is not None and re.fullmatch(self.hosts.slug, text) is not None

    def organization_url(self, slug: str, domain: str | None = None) -> str:
        """The URL of an organization's host; `domain` is another one of the service's."""
        return f"https://{slug.lower()}.{domain or self.domains[0]}"

    @property
    def auth_url(self) -> str | None:
        """The URL of the authorization server; None for a service without hosts of its own."""
        return f"{_AUTH_SERVER}{self.hosts.domain}" if self.hosts is not None else None

    def auth_url_of(self, host: str) -> str | None:
        """The URL of the authorization server for an organization's host; None for a host that is not the service's."""
        return next((f"{_AUTH_SERVER}{domain}" for domain in self.domains if host.endswith(f".{domain}")), None)

    def auth_base(self, url: str) -> str:
        """The URL of an authorization server, of which somebody may have given the token endpoint itself."""
        base = url.rstrip("/")
        for path in (self.token_path, self.revoke_path):
            base = base.removesuffix(path).rstrip("/")
        return base

    def prefix_and_version(self, path: str) -> tuple[str, str | None]:
        """Part the path of an organization's URL, which somebody may have given with the API's root or a version's.

        The prefix is what stands before the root, and all of the path where no root ends it.
        """
        path = path.rstrip("/")
        version = f"(?:/({self.version}))?" if self.version is not None else "()"
        found = re.fullmatch(f"(.*){re.escape(self.root)}{version}", path) if self.root else None
        return (found[1].rstrip("/"), found[2] or None) if found is not None else (path, None)

    def domain_of_issuer(self, issuer: str, auth_url: str | None = None) -> str | None:
        """The domain of an authorization server: one of the vendor's, or that of the caller's own `auth_url`.

        None for any other, as whoever makes a token up can name any.
        """
        known = {f"{_AUTH_SERVER}{domain}" for domain in self.domains}
        if auth_url is not None:
            known.add(self.auth_base(auth_url))
        named = issuer.rstrip("/")
        return named.removeprefix(_AUTH_SERVER) if named in known and named.startswith(_AUTH_SERVER) else None
