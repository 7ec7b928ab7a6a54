"""`python -m commercelayer_async.sandbox`: the sandbox alone, until Ctrl-C or SIGTERM."""

import argparse
import asyncio
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Final

from .limits.rates import Rates
from .server import DEFAULT_SEED, DEFAULT_WALLETS, Sandbox
from .world.records import DOCUMENTED_ID

_LAST_PORT = 65_535
_RATES: Final[Mapping[str, Callable[[], Rates]]] = {"off": Rates.off, "test": Rates.test, "live": Rates.live}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox and give the exit code: 0 if a signal stopped it, 1 if it cannot listen on the port.

    Wrong arguments end the process with 2, as is usual with argparse.
    """
    options = _parser().parse_args(arguments)
    sandbox = Sandbox(port=options.port, wallets=options.wallets, seed=options.seed, rates=_RATES[options.rates]())
    try:
        asyncio.run(_serve(sandbox))
    except OSError as error:
        sys.stderr.write(f"The sandbox {error.strerror}.\n")
        return 1
    return 0


async def _serve(sandbox: Sandbox) -> None:
    stopped, loop = asyncio.Event(), asyncio.get_running_loop()

    def stop(_number: int, _frame: FrameType | None) -> None:
        loop.call_soon_threadsafe(stopped.set)

    # Not loop.add_signal_handler, which Windows does not have.
    before = {number: signal.signal(number, stop) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        async with sandbox:
            sys.stdout.write(_greeting(sandbox))
            sys.stdout.flush()
            await stopped.wait()
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)


def _greeting(sandbox: Sandbox) -> str:
    return f"""\
URL:    {sandbox.url}
Token:  {sandbox.access_token}

curl -H 'Accept: application/vnd.api+json' -H 'Authorization: Bearer {sandbox.access_token}' \
'{sandbox.url}/api/customer_payment_sources/{DOCUMENTED_ID}'

Stop with Ctrl-C.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m commercelayer_async.sandbox",
        description="A local server of the Commerce Layer dialect of JSON:API, on 127.0.0.1 alone.",
    )
    parser.add_argument("--port", type=_port, default=0, help="default: any free port")
    parser.add_argument("--wallets", type=_positive, default=DEFAULT_WALLETS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="equal seeds give equal worlds")
    parser.add_argument(
        "--rates",
        choices=_RATES,
        default="off",
        help="rate limits to enforce; default: off, which refuses nothing and reports no limit in headers",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{port} is not a port (0 to {_LAST_PORT})")
    return port


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise argparse.ArgumentTypeError(f"{number} is less than 1")
    return number


if __name__ == "__main__":
    sys.exit(main())
