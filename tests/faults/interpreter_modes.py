"""Plays some rows and prints their verdicts: the same ones, however Python was started.

python -O -m tests.faults.interpreter_modes
"""

import asyncio
import json
import re
import sys

import pytest

from tests.faults.catalogue import ROWS, ids
from tests.faults.runner import quicken, run

PLAYED = {
    "C1-port-refused", "C4-port-accept-silent", "C7-reset-once", "C8-close-mid-body", "C12-stall-mid-body",
    "C14-chunked-bad-size", "C16-garbage", "H1-status-503", "H4-status-404",
    "H17-error-echoes-token", "R1-redirect-301-foreign", "B4-body-huge-known", "B7-gzip-corrupt", "B13-empty-200",
    "A7-auth-401-once", "A16-token-invalid-client", "A20-token-stall", "M3-rl-zero", "J2-top-null", "J6-id-other",
    "J27-deep-array", "L2-link-foreign", "K1-bad_ids",
}  # fmt: skip


async def main() -> None:
    """One line per row: what came of it."""
    for row, name in zip(ROWS, ids(), strict=True):
        if name in PLAYED:
            with pytest.MonkeyPatch.context() as patch:
                quicken(patch, read=row.read, connect=row.connect)
                outcome = await run(row)
            verdict = [name, type(outcome.error or outcome.value).__name__]
            if not isinstance(outcome.error, TimeoutError):
                # How far a call came when its time was up depends on how busy the machine is.
                verdict += [re.sub(r"\b\d{4,5}\b", "0", str(outcome.error)), str(len(outcome.server.asked))]
            sys.stdout.write(json.dumps(verdict) + "\n")


if __name__ == "__main__":
    asyncio.run(main())
