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
    from .faults.rules import Answer, Delay, ExpireTokens, Replace, Reset, Truncate
    from .http.gate import Gate
    from .http.request_log import ReceivedRequest
    from .limits.rates import Limit, Limits, Rates, WindowReport
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
    "Answer": "faults.rules",
    "Delay": "faults.rules",
    "ExpireTokens": "faults.rules",
    "Gate": "http.gate",
    "Limit": "limits.rates",
    "Limits": "limits.rates",
    "Rates": "limits.rates",
    "ReceivedRequest": "http.request_log",
    "Replace": "faults.rules",
    "Reset": "faults.rules",
    "Sandbox": "server",
    "Truncate": "faults.rules",
    "WindowReport": "limits.rates",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
