"""`python -m commercelayer_async.sandbox`: the sandbox alone until Ctrl-C, or while a command runs beside it."""

import argparse
import asyncio
import math
import signal
import sys
from collections.abc import Callable, Mapping, Sequence
from types import FrameType
from typing import Final

from .command import OTHERS, run_beside, variables
from .limits.rates import Rates
from .server import DEFAULT_SEED, DEFAULT_WALLETS, Sandbox
from .viewer import Mode
from .world.records import DOCUMENTED_ID

_LAST_PORT = 65_535
_RATES: Final[Mapping[str, Callable[[], Rates]]] = {"test": Rates.test, "live": Rates.live}


def main(arguments: Sequence[str] | None = None) -> int:
    """Run the sandbox and give the exit code: 0 if a signal stopped it, 1 if it cannot listen on the port.

    After `--` comes a command with its arguments. Then the sandbox stops with it, and its exit code is given.

    Wrong arguments end the process with 2, as is usual with argparse.
    """
    parser = _parser()
    own, command = _split(sys.argv[1:] if arguments is None else arguments)
    options = parser.parse_args(own)
    if command is not None and not command:
        parser.error("-- is followed by a command, such as -- pytest")
    sandbox = Sandbox(
        port=options.port,
        wallets=options.wallets,
        seed=options.seed,
        mode=options.mode,
        token_lifetime=options.token_lifetime,
        rates=_RATES[options.rates]() if options.rates in _RATES else None,
    )
    try:
        if command is not None:
            return run_beside(sandbox, command)
        asyncio.run(_serve(sandbox))
    except OSError as error:
        sys.stderr.write(f"The sandbox {error.strerror}.\n")
        return 1
    return 0


def _split(arguments: Sequence[str]) -> tuple[Sequence[str], Sequence[str] | None]:
    """Part the arguments at the first `--`; None if there is none."""
    if "--" not in arguments:
        return arguments, None
    at = list(arguments).index("--")
    return arguments[:at], arguments[at + 1 :]


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
    """The lines to paste into a shell; all others are comments there."""
    exports = "\n".join(f"export {name}={value}" for name, value in variables(sandbox).items())
    return f"""\
# The sandbox runs. To use it, paste these lines into another terminal:
{exports}
unset {" ".join(OTHERS)}
# Then, for example: commercelayer-async get customer_payment_sources {DOCUMENTED_ID}
# Stop with Ctrl-C.
"""


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(
        prog="python -m commercelayer_async.sandbox",
        usage="%(prog)s [options] [-- COMMAND ARGUMENTS]",
        description="A local server of the Commerce Layer dialect of JSON:API, on 127.0.0.1 alone.",
        epilog="With a COMMAND, it runs while the command does, with the credentials in the command's environment.",
    )
    parser.add_argument("--port", type=_port, default=0, help="default: any free port")
    parser.add_argument("--wallets", type=_count, default=DEFAULT_WALLETS, help="default: %(default)s")
    parser.add_argument("--seed", type=int, default=DEFAULT_SEED, help="equal seeds give equal worlds")
    parser.add_argument("--mode", choices=list(Mode), default=Mode.TEST, help="of tokens and records; default: test")
    parser.add_argument("--token-lifetime", type=_seconds, help="of access tokens; default: that of the service")
    parser.add_argument(
        "--rates",
        choices=("off", *_RATES),
        default="off",
        help="rate limits to enforce; default: off, which refuses nothing and reports no limit in headers",
    )
    return parser


def _port(text: str) -> int:
    port = int(text)
    if not 0 <= port <= _LAST_PORT:
        raise argparse.ArgumentTypeError(f"{port} is not a port (0 to {_LAST_PORT})")
    return port


def _count(text: str) -> int:
    number = int(text)
    if number < 0:
        raise argparse.ArgumentTypeError(f"{number} is less than 0")
    return number


def _seconds(text: str) -> float:
    seconds = float(text)
    if not 0 < seconds < math.inf:
        raise argparse.ArgumentTypeError(f"{text} is not a number of seconds above 0")
    return seconds


if __name__ == "__main__":
    sys.exit(main())
