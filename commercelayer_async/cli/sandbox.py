"""`commercelayer-async sandbox`: run the local server until Ctrl-C."""

from typing import Final

import click

_EPILOG: Final = """\b
Examples:
  commercelayer-async sandbox
  commercelayer-async sandbox --port 8080 --wallets 10000 --rates live"""


@click.command(short_help="Run a local server of the same API.", epilog=_EPILOG)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to listen on; by default any free one.")
@click.option("--wallets", type=click.IntRange(min=1), help="How many wallets it has; by default 300.")
@click.option("--seed", type=int, help="The seed of its records; equal seeds give equal records.")
@click.option("--rates", type=click.Choice(["off", "test", "live"]), help="Rate limits to enforce; by default off.")
@click.pass_context
def sandbox(context: click.Context, /, **options: object) -> None:
    """Run a server of the Commerce Layer API on this machine, to try things out, until Ctrl-C.

    It prints its URL, a token and a curl command. `python -m commercelayer_async.sandbox` does the same.
    """
    from ..sandbox.__main__ import main  # noqa: PLC0415 - a web server is slow to import

    given = {name: value for name, value in options.items() if value is not None}
    context.exit(main([part for name, value in given.items() for part in (f"--{name}", str(value))]))
