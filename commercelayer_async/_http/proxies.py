"""The proxy that the environment names for an origin."""

from yarl import URL

from ..errors import ConfigurationError


def proxy_of(origin: URL) -> URL | None:
    """The environment's proxy for an origin.

    Not left to aiohttp, which looks into `.netrc` too, and then refuses to send a token where that names the host.

    Raises:
        ConfigurationError: the environment names a proxy that cannot be used.
    """
    from urllib.request import getproxies, proxy_bypass  # noqa: PLC0415 - few ask for it

    proxies = getproxies()
    named = proxies.get(origin.scheme) or proxies.get("all")
    if not named or proxy_bypass(origin.host or ""):
        return None
    what, example = f"the environment's proxy for {origin.scheme}", f"{origin.scheme}_proxy=http://proxy.example:3128"
    try:
        # A host and a port alone are an HTTP proxy to curl, wget and pip.
        proxy = URL(named if "://" in named else f"http://{named}")
        usable = bool(proxy.host) and proxy.port is not None
    except ValueError:
        raise ConfigurationError(f"{what} is not a URL; set {example}") from None
    if proxy.scheme.startswith("socks"):
        raise ConfigurationError(
            f"{what} is a SOCKS proxy ({proxy.scheme}), which aiohttp does not speak; set {example}"
        )
    if proxy.scheme not in ("http", "https") or not usable:
        raise ConfigurationError(f"{what} is not an http or https URL with a host; set {example}")
    return proxy
