"""`commercelayer-async sandbox`: run the local server until Ctrl-C, or while another command runs."""

from typing import Final

import click

from .services import require_commerce_layer

_EPILOG: Final = """\b
Examples:
  commercelayer-async sandbox
  commercelayer-async sandbox --port 8080 --wallets 10000 --rates live
  commercelayer-async sandbox --token-lifetime 60 -- pytest tests/integration"""


@click.command(short_help="Run a local server of the same API.", epilog=_EPILOG)
@click.option("--port", type=click.IntRange(0, 65_535), default=0, help="Port to listen on; by default any free one.")
@click.option("--wallets", type=click.IntRange(min=0), help="How many wallets it has; by default 300.")
@click.option("--seed", type=int, help="The seed of its records; equal seeds give equal records.")
@click.option("--mode", type=click.Choice(["test", "live"]), help="Of its tokens and records; by default test.")
@click.option("--rates", type=click.Choice(["off", "test", "live"]), help="Rate limits to enforce; by default off.")
@click.option(
    "--token-lifetime",
    type=click.FloatRange(min=0, min_open=True),
    metavar="SECONDS",
    help="How long an access token is valid; by default as long as those of the service.",
)
@click.argument("command", nargs=-1, type=click.UNPROCESSED, metavar="[-- COMMAND [ARGUMENT]...]")
@click.pass_context
def sandbox(context: click.Context, /, *, command: tuple[str, ...], **options: object) -> None:
    """Run a server of the Commerce Layer API on this machine, to try things out, until Ctrl-C.

    It prints the lines to paste into another terminal. With a COMMAND, it runs while the command does, which has the
    credentials in its environment, gets the signals, and decides about the exit code: 127 if it is not found.

    `python -m commercelayer_async.sandbox` does the same.
    """
    require_commerce_layer("sandbox")
    from ..sandbox.__main__ import main  # noqa: PLC0415 - a web server is slow to import

    given = {name.replace("_", "-"): value for name, value in options.items() if value is not None}
    own = [part for name, value in given.items() for part in (f"--{name}", str(value))]
    context.exit(main([*own, "--", *command] if command else own))
