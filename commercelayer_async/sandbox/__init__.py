"""A local server that speaks the Commerce Layer dialect of JSON:API, on real sockets.

```python
async with Sandbox() as sandbox:
    print(sandbox.url, sandbox.access_token)
```

It shares no code with the client: what one of them gets wrong, the other does not repeat. `python -m
commercelayer_async.sandbox` runs it alone; the pytest fixture `commercelayer_sandbox` runs it beside a test.

Its world can be changed while it runs (`Sandbox.world`), rate limits enforced and watched (`Rates`,
`Sandbox.windows`, `Sandbox.violations`), and anything made to go wrong (`Sandbox.faults`).

The names are imported when they are first used, so that a test run which only loads the pytest plugin does
not pay for a web server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .faults import Answer, Delay, ExpireTokens, Replace, Reset, Truncate
    from .gate import Gate
    from .rates import Limit, Limits, Rates, WindowReport
    from .received import ReceivedRequest
    from .server import Sandbox

__all__ = [
    "Answer",
    "Delay",
    "ExpireTokens",
    "Gate",
    "Limit",
    "Limits",
    "Rates",
    "ReceivedRequest",
    "Replace",
    "Reset",
    "Sandbox",
    "Truncate",
    "WindowReport",
]

_MODULES: Final = {
    "Answer": "faults",
    "Delay": "faults",
    "ExpireTokens": "faults",
    "Gate": "gate",
    "Limit": "rates",
    "Limits": "rates",
    "Rates": "rates",
    "ReceivedRequest": "received",
    "Replace": "faults",
    "Reset": "faults",
    "Sandbox": "server",
    "Truncate": "faults",
    "WindowReport": "rates",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
