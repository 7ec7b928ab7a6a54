"""A local server that speaks the Commerce Layer dialect of JSON:API, on real sockets.

```python
async with Sandbox() as sandbox:
    print(sandbox.url, sandbox.access_token)
```

It shares no code with the client: what one of them gets wrong, the other does not repeat. `python -m
commercelayer_async.sandbox` runs it alone; the pytest fixture `commercelayer_sandbox` runs it beside a test.

The names are imported when they are first used, so that a test run which only loads the pytest plugin does
not pay for a web server.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Final

if TYPE_CHECKING:
    from .received import ReceivedRequest
    from .server import Sandbox

__all__ = ["ReceivedRequest", "Sandbox"]

_MODULES: Final = {"ReceivedRequest": "received", "Sandbox": "server"}


def __getattr__(name: str) -> object:
    if name not in _MODULES:
        raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
    return getattr(import_module(f"{__name__}.{_MODULES[name]}"), name)
