"""What the token stores of this package have in common: how tokens are kept, and that nothing newer is lost.

Turns are numbered. Whoever takes the lock has the next number, and what is saved bears that of whoever saves it, or of
what they read last. A token is not put in place of one with a higher number: so a process that stood still for longer
than its lock lasts, or that removes a token which another has renewed meanwhile, changes nothing.
"""

from abc import ABC, abstractmethod
from typing import NamedTuple

from .._markers import override
from .credentials import LockingTokenStore, StoredToken
from .kept_tokens import Encryption, name_of, packed, require_encryption, unpacked


class Entry(NamedTuple):
    """What is kept under a name."""

    data: bytes | None
    """None for nothing."""
    turn: int
    """The number of whoever saved it; 0 if nobody has."""


class SharedTokenStore(LockingTokenStore, ABC):
    """A store in which each operation is one step, over all processes."""

    def __init__(self, encryption: Encryption | None) -> None:
        require_encryption(encryption)
        self._encryption = encryption
        self._turns: dict[str, int] = {}
        """By key: the highest number that was had or seen here."""

    @abstractmethod
    async def _read(self, name: str) -> Entry: ...

    @abstractmethod
    async def _write(self, name: str, data: bytes | None, turn: int) -> None:
        """Keep `data`, or nothing for None, unless what is kept has a higher number."""

    @abstractmethod
    async def _lock(self, name: str, holder: str, seconds: float) -> int:
        """The number of the turn; 0 while another holder has the lock. Whoever has it keeps the number."""

    @abstractmethod
    async def _unlock(self, name: str, holder: str) -> None: ...

    @override
    async def load(self, key: str) -> StoredToken | None:
        entry = await self._read(name_of(key))
        self._see(key, entry.turn)
        return unpacked(key, entry.data, self._encryption) if entry.data is not None else None

    @override
    async def save(self, key: str, token: StoredToken) -> None:
        await self._write(name_of(key), packed(key, token, self._encryption), self._turns.get(key, 0))

    @override
    async def delete(self, key: str) -> None:
        await self._write(name_of(key), None, self._turns.get(key, 0))

    @override
    async def lock(self, key: str, holder: str, *, seconds: float) -> bool:
        turn = await self._lock(name_of(key), holder, seconds)
        self._see(key, turn)
        return turn > 0

    @override
    async def unlock(self, key: str, holder: str) -> None:
        await self._unlock(name_of(key), holder)

    def _see(self, key: str, turn: int) -> None:
        self._turns[key] = max(turn, self._turns.get(key, 0))
