"""A session behind a company's proxy that re-signs TLS: `python docs/recipes/behind_a_proxy.py ca.pem ID`.

The proxy is that of the environment (`HTTPS_PROXY`, `NO_PROXY`), which a session reads only if it is asked to.
"""

import asyncio
import ssl
import sys
from pathlib import Path

from commercelayer_async import Session
from commercelayer_async.resources import CustomerPaymentSource


def trusting(ca_file: Path) -> ssl.SSLContext:
    """The system's roots, and one more. Never switch verification off: the token would go to whoever answers."""
    context = ssl.create_default_context()
    context.load_verify_locations(ca_file)
    return context


async def main(ca_file: Path, id_: str) -> None:
    """Read a wallet through the proxy."""
    async with Session.from_env(ssl=trusting(ca_file), trust_env=True) as session:
        source = await session.get(CustomerPaymentSource, id_)
        print(source.id, source.name)


if __name__ == "__main__":
    asyncio.run(main(Path(sys.argv[1]), sys.argv[2]))
