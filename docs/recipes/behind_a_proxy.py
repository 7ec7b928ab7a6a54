"""A session behind a company's proxy that re-signs TLS: `python docs/recipes/behind_a_proxy.py ca.pem ID`.

The proxy is that of the environment (`HTTPS_PROXY`, `NO_PROXY`), which a session reads only with `trust_env=True`.
"""

import asyncio
import ssl
import sys
from pathlib import Path

from commercelayer_async import Session
from commercelayer_async.resources import CustomerPaymentSource


def trusting(ca_file: Path) -> ssl.SSLContext:
    """Trust the system's roots and one more. Never turn verification off: anybody in between could read the token."""
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


async def main(ca_file: Path, id: str) -> None:
    """Read a wallet through the proxy."""
    async with Session.from_env(ssl=trusting(ca_file), trust_env=True) as session:
        source = await session.get(CustomerPaymentSource, id)
        print(source.id, source.name)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
