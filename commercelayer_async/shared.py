"""One rate budget and one token for all processes of a machine, in files: nothing to install, nothing to start.

async with Session("yourdomain", credentials, limiter=FileLimiter(), token_store=FileTokenStore()) as session: ...
"""

import os
from pathlib import Path

from ._auth.kept_tokens import Encryption
from ._auth.shared_store import Entry, SharedTokenStore
from ._auth.token_file import TokenFile
from ._limits.windows import RateLimits
from ._markers import override, public
from ._shared.file_store import FileStore
from ._shared.limiter import SharedLimiter
from ._shared.runtime_folder import default_path, require_local
from ._shared.store import Store
from .errors import ConfigurationError

__all__ = ["Encryption", "FileLimiter", "FileTokenStore"]


@public("commercelayer_async.shared")
class FileLimiter(SharedLimiter):
    """A rate budget that all processes of a user on this machine share, which name the same file.

    It is given to sessions as `limiter=`, one object for any number of them. Sessions of one organization and mode
    count together, in all processes; others count apart. Nothing runs beside: each process reads and writes the file.

    Should the file be out of reach (a full disk, rights that were taken), each process goes on with its share of the
    limits: the last known number of processes decides. A file that is damaged, or of another release, is replaced and a
    warning logged.

    Args:
        path: The file; by default one in the user's runtime folder (`XDG_RUNTIME_DIR`, else a folder of the user's
            alone among the temporary files). It is made with mode 0600. Containers share it if they share the folder.
        limits: How many requests may be made at most, by those who use this object; None for as many as the service's
            headers say.

    Raises:
        ConfigurationError: the folder does not exist, belongs to somebody else, or is on a network file system, where
            locks are not reliable.
    """

    def __init__(self, path: "str | os.PathLike[str] | None" = None, *, limits: RateLimits | None = None) -> None:
        super().__init__(limits, on_unreachable="share")
        self._path = _path_of(path, "limits.db")
        require_local(self._path.parent)

    def __repr__(self) -> str:
        return f"FileLimiter({str(self._path)!r})"

    @override
    def _open(self) -> Store:
        return FileStore(self._path)


@public("commercelayer_async.shared")
class FileTokenStore(SharedTokenStore):
    """Tokens that all processes of a user on this machine share, which name the same file.

    It is given to sessions as `token_store=`, one object for any number of them. Sessions with the same credentials
    make one token request, at the start and at each renewal: one asks, and the others wait for what it saves, or for
    three seconds if it is killed. Whoever presents other credentials finds nothing.

    The file has mode 0600, and its name and keys tell nothing of a token. One that is damaged, or of another release,
    is removed and begun anew, with a warning in the log. Where it cannot be used, each session asks for a token of its
    own.

    Args:
        path: The file, in a folder that only this user may enter (mode 0700); by default one in the user's runtime
            folder, which a restart of the machine clears: name one that lasts if refresh tokens are to outlive it.
        encrypt: What encrypts tokens, such as `cryptography`'s `Fernet(key)`; None for plain text.

    Raises:
        ConfigurationError: the folder does not exist, lets others in, or is on a network file system; or `encrypt` has
            not both methods.
    """

    def __init__(self, path: "str | os.PathLike[str] | None" = None, *, encrypt: Encryption | None = None) -> None:
        super().__init__(encrypt)
        self._file = TokenFile(_path_of(path, "tokens.db"))

    def __repr__(self) -> str:
        return f"FileTokenStore({str(self._file.path)!r})"

    @override
    async def _read(self, name: str) -> Entry:
        return await self._file.read(name)

    @override
    async def _write(self, name: str, data: bytes | None, turn: int) -> None:
        await self._file.write(name, data, turn)

    @override
    async def _lock(self, name: str, holder: str, seconds: float) -> int:
        return await self._file.lock(name, holder, seconds)

    @override
    async def _unlock(self, name: str, holder: str) -> None:
        await self._file.unlock(name, holder)


def _path_of(path: "str | os.PathLike[str] | None", default: str) -> Path:
    if path is None:
        return default_path(default)
    found = Path(path).absolute()
    if not found.parent.is_dir():
        raise ConfigurationError(f"the folder of {found} does not exist")
    return found
