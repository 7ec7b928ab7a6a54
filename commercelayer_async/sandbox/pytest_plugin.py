"""The pytest fixture `commercelayer_sandbox`.

pytest loads this module in every run of everybody who has the package installed, so it imports nothing but
pytest; the server comes in when a test asks for it.
"""

from collections.abc import Iterator
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from .server import Sandbox


@pytest.fixture
def commercelayer_sandbox() -> "Iterator[Sandbox]":
    """A running sandbox of the test's own, for sync and async tests: `url`, `access_token`, `requests`."""
    from .background import in_thread  # noqa: PLC0415 - see above
    from .server import Sandbox  # noqa: PLC0415 - see above

    with in_thread(Sandbox()) as sandbox:
        yield sandbox
