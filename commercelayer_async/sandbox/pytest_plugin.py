"""The pytest fixtures `commercelayer_sandbox` and `commercelayer_sandbox_factory`, and the marker of the first.

pytest loads this module in every test run wherever the package is installed. So it imports nothing but pytest, and the
server when a test asks for a fixture.
"""

import inspect
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from difflib import get_close_matches
from typing import TYPE_CHECKING, Any, Final

import pytest

if TYPE_CHECKING:
    from .server import Sandbox

_MARKER: Final = "commercelayer_sandbox"


def pytest_configure(config: pytest.Config) -> None:
    """Register the marker, which `--strict-markers` asks for."""
    config.addinivalue_line(
        "markers",
        f"{_MARKER}(wallets=…, seed=…, mode=…, rates=…, …): options of `Sandbox` for the fixture commercelayer_sandbox",
    )


@pytest.fixture
def commercelayer_sandbox(request: pytest.FixtureRequest) -> "Iterator[Sandbox]":
    """Run a sandbox of the test's own, in a thread of its own, for sync and async tests.

    Give a client its `url`, and its `access_token` or `client_id` and `client_secret`.

    The marker `@pytest.mark.commercelayer_sandbox(wallets=50, rates=Rates.live())` takes the options of `Sandbox`, for
    a test, a class or a module; where two set the same option, the one nearer to the test counts.
    """
    options: dict[str, Any] = {}
    for marker in request.node.iter_markers(_MARKER):
        if marker.args:
            pytest.fail(f"the marker {_MARKER} takes options by name, such as wallets=50", pytrace=False)
        options = {**marker.kwargs, **options}
    with _make(options).in_thread() as sandbox:
        yield sandbox


@pytest.fixture(scope="session")
def commercelayer_sandbox_factory() -> "Iterator[Callable[..., Sandbox]]":
    """Start more sandboxes, from tests and from fixtures of any scope: `commercelayer_sandbox_factory(wallets=50)`.

    Takes the options of `Sandbox`. Each runs in a thread of its own until the end of the test run; one that should stop
    earlier is `with Sandbox(...).in_thread()`.
    """
    with ExitStack() as running:

        def start(**options: Any) -> "Sandbox":
            return running.enter_context(_make(options).in_thread())

        yield start


def _make(options: dict[str, Any]) -> "Sandbox":
    """Make a sandbox; options that it does not have end the test with a sentence."""
    from .server import Sandbox  # noqa: PLC0415 - see above

    known = inspect.signature(Sandbox).parameters
    for name in options:
        if name not in known:
            near = get_close_matches(name, known, 1)
            hint = f"did you mean {near[0]}?" if near else f"it has {', '.join(known)}"
            pytest.fail(f"a sandbox has no option {name}; {hint}", pytrace=False)
    return Sandbox(**options)
