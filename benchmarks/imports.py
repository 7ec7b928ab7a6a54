"""What importing the package costs, on top of aiohttp: the best of several new processes.

As where it is installed: with its byte code on disk, which the first process writes, whatever the environment says.
"""

import os
import subprocess
import sys
from typing import Final

ROUNDS: Final = 7
GOAL_MS: Final = 75.0
ENVIRONMENT: Final = {name: value for name, value in os.environ.items() if name != "PYTHONDONTWRITEBYTECODE"}
TIMED: Final = "import time; start = time.perf_counter(); {}; print(time.perf_counter() - start)"


def best_ms(statement: str) -> float:
    """Milliseconds that a statement takes in a new process."""
    runs = (
        subprocess.run(
            [sys.executable, "-c", TIMED.format(statement)], capture_output=True, check=True, text=True, env=ENVIRONMENT
        )
        for _ in range(ROUNDS)
    )
    return min(float(run.stdout) for run in runs) * 1000


def main() -> None:
    """Print the table."""
    aiohttp = best_ms("import aiohttp")
    session = best_ms("from commercelayer_async import Session")
    alone = best_ms("import commercelayer_async")
    jsonapi = best_ms("import commercelayer_async.jsonapi")
    print(f"import aiohttp                            {aiohttp:6.0f} ms")
    print(f"from commercelayer_async import Session   {session:6.0f} ms")
    print(f"  ours, on top of aiohttp                 {session - aiohttp:6.0f} ms (goal: at most {GOAL_MS:.0f})")
    print(f"import commercelayer_async                {alone:6.0f} ms")
    print(f"import commercelayer_async.jsonapi        {jsonapi:6.0f} ms")


if __name__ == "__main__":
    main()
