"""What all tasks of an export are told. It lies on the scheduler and in logs, so it holds names and plain values.

Sessions, tokens and what a store of objects is opened with are none of it: a worker has them from its environment.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import attrs

from .._access import BulkAccess
from .._auth.principal import Principal
from .._export.formats import FileType, file_type_of
from .._export.pages import PageReader
from .._export.plan import Plan, plan_of
from .._text import printable
from ..errors import ExportMismatch
from ..jsonapi import Resource


@attrs.frozen
class Job:
    """What an export reads, and where it writes."""

    cls_or_type: type[Resource] | str
    include: tuple[str, ...]
    filter: Mapping[str, Any] | None
    format: str
    session: str | None
    """The name of the function that makes a session, `module:name`; None for one from the worker's environment."""
    folder: str
    """Where the data set is, as a URL."""

    @property
    def file_type(self) -> FileType:
        """How the files are written.

        Raises:
            ConfigurationError: there is no such format.
        """
        return file_type_of(self.format, Path("data"))

    def plan(self, access: BulkAccess) -> Plan:
        """The checked arguments, for the service that a worker's session reads.

        Raises:
            ConfigurationError: one of them will not do.
        """
        return plan_of(
            self.cls_or_type,
            include=self.include,
            filter=self.filter,
            chosen=self.file_type,
            origin=access.origin,
            registry=access.registry,
            service=access.service,
            spread=True,
        )

    def reader(self, access: BulkAccess, plan: Plan, filter: Mapping[str, Any]) -> PageReader:
        """What reads the pages that a filter leaves."""
        return PageReader(access, plan, filter, path=self.folder)

    def require_same(self, description: Mapping[str, Any], plan: Plan, principal: Principal) -> None:
        """Refuse to read for another data set than the plan is for, or with the token of somebody else.

        Raises:
            ExportMismatch: saying in what they differ.
        """
        found = plan.read_for(principal).description
        names = sorted(name for name in {*description, *found} if description.get(name) != found.get(name))
        if names:
            raise ExportMismatch(
                f"the data set in {printable(self.folder)} is another one: this worker's session, or the arguments,"
                f" differ in {', '.join(names)}; export into another folder, or as it was begun",
                path=self.folder,
            )
