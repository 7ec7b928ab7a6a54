"""A local server that speaks the Commerce Layer dialect of JSON:API, on real sockets.

```python
async with Sandbox() as sandbox:
    print(sandbox.url, sandbox.access_token)
```

It shares no code with the client, so that it does not repeat a mistake of the client's. Run it with `async with`, with
`with Sandbox().in_thread()`, by the pytest fixture `commercelayer_sandbox`, or as a program of its own with
`python -m commercelayer_async.sandbox`. `Sandbox.world` changes its
records, `Sandbox.faults` lets things go wrong, `Rates` sets its rate limits, and `Sandbox.requests`, `Sandbox.windows`
and `Sandbox.violations` report what arrived.

    refusals.py       error responses in the shapes of the two APIs
    viewer.py         who asks: what a token says about its bearer
    world/            the records: seeded, made when they are first asked for
    http/             the log of requests, loopback, content negotiation, JSON bodies, gates
    oauth/            the Auth API: grants in, signed tokens out
    limits/           rate limits: what a request counts for, sliding windows, reports
    faults/           what goes wrong with which response
    api/              the Core API: a query in, a JSON:API document out
    application.py    the aiohttp application: the way of a request through all of these
    background.py     a sandbox in a thread of its own
    server.py         `Sandbox`: starts and stops it on a socket
    command.py        a command that runs beside one
    pytest_plugin.py  the fixtures
    __main__.py       the command line

A folder or module imports only those above it. A request is logged and counted in its rate windows first. Then it is
refused as over a limit, or its fault is picked, its host and token are checked, and the Auth API or the Core API
responds; last, the fault delays, changes or breaks off the response.

The public names are imported when they are first used: pytest loads the plugin in every test run, which should not pay
for a web server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .faults.effects import Answer, Delay, ExpireTokens, Replace, Reset, Truncate
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
    "Answer": "faults.effects",
    "Delay": "faults.effects",
    "ExpireTokens": "faults.effects",
    "Gate": "http.gate",
    "Limit": "limits.rates",
    "Limits": "limits.rates",
    "Rates": "limits.rates",
    "ReceivedRequest": "http.request_log",
    "Replace": "faults.effects",
    "Reset": "faults.effects",
    "Sandbox": "server",
    "Truncate": "faults.effects",
    "WindowReport": "limits.rates",
}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
