"""The options of a session as one type, and what stands for those not given: the environment, the claims of a token."""

import os
import ssl as tls
from collections.abc import Iterable
from functools import lru_cache
from pathlib import Path
from typing import Any, Final, TypedDict

import aiohttp

from ._auth.credentials import AccessToken, Auth, ClientCredentials, TokenStore, claims_of
from ._hooks import Hooks
from ._limits.budget import Priority
from ._limits.limiter import Limiter
from ._limits.windows import RateLimits
from ._plain import plain_text
from ._retry import Retry
from ._shared.runtime_folder import default_path, own_folder
from ._text import Secret, printable
from .errors import ConfigurationError
from .jsonapi import Resource
from .jsonapi._json import as_object
from .service import Basic, OAuth2, Service
from .service.addresses import Addresses

SHARED: Final = "COMMERCELAYER_SHARED"
"""The variable that names where processes share a budget and a token."""
_REDIS: Final = ("redis", "rediss", "unix")


class SessionOptions(TypedDict, total=False):
    """What `Session` takes by keyword, for those who pass it on; its own signature says each default as well."""

    timeout: float | None
    retry: Retry | None
    limits: RateLimits | None
    priority: Priority | str
    hooks: Hooks | None
    limiter: Limiter | None
    token_store: TokenStore | None
    batching: bool
    max_connections: int
    max_body: int
    auth_url: str | None
    api_version: str | None
    http: aiohttp.ClientSession | None
    ssl: tls.SSLContext | None
    trust_env: bool
    user_agent: str | None
    resources: Iterable[type[Resource]]
    service: Service


def given(**options: Any) -> dict[str, Any]:
    """Those of the options that are not None, which stands for the default."""
    return {name: value for name, value in options.items() if value is not None}


def organization_of(auth: object, addresses: Addresses, auth_url: str | None = None) -> str:
    """The organization's URL, as the claims of a token name it.

    Nobody has verified them, so they choose among hosts of the service alone: the slug must be one, and the issuer one
    of the vendor's or the caller's own `auth_url`.

    Raises:
        ConfigurationError: they do not name it, or name what is neither.
    """
    if addresses.hosts is None:
        raise ConfigurationError(
            f"organization must be given: the URL of {addresses.name}, such as 'https://api.example'"
        )
    claims = claims_of(auth.token) if isinstance(auth, AccessToken) else {}
    slug = (as_object(claims.get("organization")) or {}).get("slug")
    issuer = claims.get("iss", addresses.auth_url)
    if not isinstance(slug, str) or not isinstance(issuer, str):
        raise ConfigurationError("organization must be given: the token does not name it")
    if not addresses.is_slug(slug):
        shown = printable(repr(slug), 60)
        raise ConfigurationError(f"organization must be given: the token names {shown}, which is not a slug")
    domain = addresses.domain_of_issuer(issuer, plain_text(auth_url))
    if domain is None:
        shown = printable(repr(issuer), 60)
        raise ConfigurationError(
            f"organization must be given: the token's issuer {shown} is unknown; name it as auth_url if you trust it"
        )
    return addresses.organization_url(slug, domain)


def auth_from_env(service: Service) -> Auth | str | tuple[str, str] | None:
    """What the environment authenticates with; a token goes before credentials.

    Raises:
        ConfigurationError: a variable is missing.
    """
    token = os.environ.get("COMMERCELAYER_ACCESS_TOKEN")
    if not isinstance(service.auth, OAuth2):
        return secret_of(token, service)
    if token:
        return AccessToken(token)
    client_id = os.environ.get("COMMERCELAYER_CLIENT_ID")
    if client_id:
        secret = os.environ.get("COMMERCELAYER_CLIENT_SECRET") or None
        return ClientCredentials(client_id, secret, scope=os.environ.get("COMMERCELAYER_SCOPE") or None)
    if not service.needs_auth:
        return None
    raise ConfigurationError(
        "set COMMERCELAYER_ACCESS_TOKEN, or COMMERCELAYER_CLIENT_ID with COMMERCELAYER_CLIENT_SECRET"
    )


def secret_of(text: str | None, service: Service) -> str | tuple[str, str] | None:
    """What a variable holds, as the service's scheme takes it.

    Raises:
        ConfigurationError: it holds nothing, and the service answers nobody without a secret.
    """
    if not text:
        if service.needs_auth:
            raise ConfigurationError(f"set COMMERCELAYER_ACCESS_TOKEN to the secret of {service.name}")
        return None
    secret = Secret(text)
    if not isinstance(service.auth, Basic):
        return secret
    user, _, password = secret.partition(":")
    return Secret(user), Secret(password)


def shared_from_env() -> SessionOptions:
    """What the environment says about sharing: nothing, unless `COMMERCELAYER_SHARED` is set.

    Raises:
        ConfigurationError: it names nothing that can be shared.
    """
    value = os.environ.get(SHARED)
    return shared_options(value, named=SHARED) if value else {}


def shared_options(value: str, *, named: str) -> SessionOptions:
    """The limiter and the token store of a place such as `file` or `redis://…`; `named` is where it was said.

    Each place has one of both for the whole process, so that its sessions are one member of the budget.

    Raises:
        ConfigurationError: it is not a place, or cannot be used. It is not shown, as it may hold a password.
    """
    kind, _, rest = value.partition(":")
    is_redis = kind in _REDIS and rest.startswith("//")
    if kind != "file" and not is_redis:
        raise ConfigurationError(f"{named} must be file, file:/folder, redis://… or rediss://…")
    try:
        limiter, token_store = _in_redis(value) if is_redis else _in_folder(_folder(rest))
    except ConfigurationError as error:
        raise ConfigurationError(f"{named} cannot be used: {error}") from None
    return {"limiter": limiter, "token_store": token_store}


def _folder(path: str) -> Path:
    if not path:
        return default_path().parent
    folder = Path(path.removeprefix("//"))
    if not folder.is_absolute():
        raise ConfigurationError("the path behind file: must begin with /")
    return own_folder(folder)


@lru_cache(maxsize=8)
def _in_folder(folder: Path) -> tuple[Limiter, TokenStore]:
    from .shared import FileLimiter, FileTokenStore  # noqa: PLC0415 - loads SQLite, and few need it

    return FileLimiter(folder / "limits.db"), FileTokenStore(folder / "tokens.db")


@lru_cache(maxsize=8)
def _in_redis(url: str) -> tuple[Limiter, TokenStore]:
    from .redis import RedisLimiter, RedisTokenStore  # noqa: PLC0415 - of an extra

    return RedisLimiter(url), RedisTokenStore(url)
