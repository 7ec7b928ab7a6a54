"""The pytest fixture `commercelayer_sandbox`.

pytest loads this module in every test run wherever the package is installed. So it imports nothing but pytest, and the
server when a test asks for the fixture.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import Sandbox


@pytest.fixture
def commercelayer_sandbox() -> "Iterator[Sandbox]":
    """Run a sandbox of the test's own, in a thread of its own, for sync and async tests.

    Give a client its `url`, and its `access_token` or `client_id` and `client_secret`.
    """
    from .background import in_thread  # noqa: PLC0415 - see above
    from .server import Sandbox  # noqa: PLC0415 - see above

    with in_thread(Sandbox()) as sandbox:
        yield sandbox
