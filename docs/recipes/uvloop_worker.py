"""The same program on uvloop's event loop: `python docs/recipes/uvloop_worker.py ID`.

A session works in any event loop. uvicorn uses uvloop with `--loop uvloop`, and by default where uvloop is installed.
"""

import asyncio
import sys

import uvloop

from commercelayer_async import Session
from commercelayer_async.resources import CustomerPaymentSource


async def main(id: str) -> None:
    """Read a wallet and its customer."""
    async with Session.from_env() as session:
        source = await session.get(CustomerPaymentSource, id)
        customer = await source.customer
        print(source.name, customer.status, "on", type(asyncio.get_running_loop()).__module__)


if __name__ == "__main__":
    uvloop.run(main(sys.argv[1]))
