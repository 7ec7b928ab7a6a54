"""The check that a request was meant for loopback.

A web page can let its own host name resolve to 127.0.0.1 and so send requests to a server on loopback (DNS rebinding).
The `Host` header of such a request is the name of the page's host, which no name below `localhost` is (RFC 6761).
"""

import re
from typing import Final

from ..refusals import misdirected

_LOOPBACK: Final = re.compile(r"(([a-z0-9-]+\.)?localhost|127\.0\.0\.1|\[::1\])(:\d+)?", re.IGNORECASE)


def check_host(host: str) -> None:
    """Accept a `Host` header that names loopback, with or without a port.

    Raises:
        Refusal: 421 for any other.
    """
    if not _LOOPBACK.fullmatch(host):
        raise misdirected(host)
