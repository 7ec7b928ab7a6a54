"""The sandbox of `benchmarks.dask` in a process of its own: `python -m benchmarks.dask_server WALLETS FASTER`.

It prints where it is, and answers each line with what arrived. FASTER divides the seconds of the live limits, which it
keeps for each address; 0 is for no limits.
"""

import sys
from time import process_time

from commercelayer_async.sandbox import Rates, Sandbox

from .measuring import answer, questions


def main() -> None:
    """Serve until the standard input ends."""
    wallets, faster = int(sys.argv[1]), float(sys.argv[2])
    rates = Rates.live().scaled(faster) if faster else Rates.off("live")
    with Sandbox(wallets=wallets, mode="live", rates=rates).in_thread() as sandbox:
        answer({"url": sandbox.url, "token": sandbox.access_token})
        for _ in questions():
            windows = sandbox.windows()
            answer(
                {
                    "cpu": process_time(),
                    "refused": sum(one.refused for one in windows),
                    "broken": len(sandbox.violations),
                    "addresses": len({one.address for one in windows}),
                }
            )


if __name__ == "__main__":
    main()
