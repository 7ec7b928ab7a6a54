"""What the extra `dask` brings, imported when it is needed."""

from importlib import import_module
from typing import Any, Final

from ..errors import ConfigurationError

_MODULES: Final = ("distributed", "dask.dataframe", "fsspec", "pyarrow")


def require() -> None:
    """Check that all of the extra is installed.

    Raises:
        ConfigurationError: something is missing; the message has the command that installs it.
    """
    for module in _MODULES:
        load(module)


def load(module: str) -> Any:
    """Import a module of the extra.

    Raises:
        ConfigurationError: it is not installed.
    """
    try:
        return import_module(module)
    except ImportError as error:
        missing = error.name or module
    raise ConfigurationError(
        f"Dask needs {missing}, which is not installed; run: pip install 'commercelayer-async[dask]'"
    )
