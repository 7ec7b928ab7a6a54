"""Options that go together, by the kind of program that makes a session.

Session("yourdomain", auth, **presets.WEB)
session.with_options(**presets.WORKER)
"""

from ._calls.options import WEB, WORKER, Preset

__all__ = ["WEB", "WORKER", "Preset"]
