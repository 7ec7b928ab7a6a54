"""Options that go together, by the kind of program that makes a session.

Session("yourdomain", auth, **presets.WEB)
session.with_options(**presets.WORKER)

A web service has several processes as a rule. Set `COMMERCELAYER_SHARED=file` for them, or `redis://…` where they are
on several machines: `Session.from_env` then has all of them keep the API's rate windows together, and share a token.
"""

from ._calls.options import WEB, WORKER, Preset

__all__ = ["WEB", "WORKER", "Preset"]
