"""How many records do not fit their classes: they are written as received all the same, and counted in the report."""

from collections.abc import Iterable

import attrs

from ..jsonapi import Registry, Resource
from .records import RawRecord


@attrs.frozen
class FittingCheck:
    """Decodes records as a program that reads the file may, to see whether that works."""

    registry: Registry

    def __attrs_post_init__(self) -> None:
        # Compiles the classes now, before any request: what is wrong with one of them is misuse, and no odd record.
        self.registry.read(b'{"data":[]}')

    def count_invalid(self, body: bytes, records: Iterable[RawRecord]) -> int:
        """How many records of a page do not fit their class, or have an included resource that does not."""
        if self._fits(body):
            return 0
        return sum(not self._fits(record.document) for record in records)

    def _fits(self, body: bytes) -> bool:
        try:
            found = self.registry.read(body)
            resources: tuple[Resource, ...] = found if isinstance(found, tuple) else () if found is None else (found,)
            if resources:
                # Included resources are decoded when they are looked up, which a page that is only written never does.
                self.registry.included_of(getattr(resources[0], "_document"))  # noqa: B009 - private to type checkers
        except Exception:  # noqa: BLE001 - a class of the caller's may raise anything
            return False
        return True
