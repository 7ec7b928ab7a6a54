"""The text by which a server knows this client."""

import aiohttp

from .._version import __version__


def default_user_agent(suffix: str | None = None) -> str:
    """Who is asking: this package, Python and aiohttp, and the caller's own suffix."""
    from platform import python_version  # noqa: PLC0415 - slow, and needed once

    own = f"commercelayer-async/{__version__} python/{python_version()} aiohttp/{aiohttp.__version__}"
    return f"{own} {suffix}" if suffix else own
