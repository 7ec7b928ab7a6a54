"""The most memory that a process held between two moments, where the system tells (Linux)."""

import gc
from pathlib import Path
from typing import Final

from .measuring import resident

_STATUS: Final = Path("/proc/self/status")
_CLEAR: Final = Path("/proc/self/clear_refs")


class Peak:
    """Watches from now on."""

    def __init__(self) -> None:
        gc.collect()
        self._known = _CLEAR.exists()
        if self._known:
            _CLEAR.write_text("5")  # proc(5): sets the peak to what is resident now
            self._start = resident()

    def growth(self) -> float | None:
        """MiB above the start, at most; None where the system does not tell."""
        if not self._known:
            return None
        line = next(line for line in _STATUS.read_text().splitlines() if line.startswith("VmHWM:"))
        return max(0.0, int(line.split()[1]) * 1024 - self._start) / 2**20
