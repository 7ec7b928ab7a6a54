"""The table of `docs/how-to/other-services.md`: what each call does with each service, as the tests of them say.

`python -m tests.services.table --write` writes it.
"""

import sys
from pathlib import Path
from typing import Final

from tests.services.calls import CALLS, World
from tests.services.real_servers import REAL
from tests.services.written_services import WRITTEN

PAGE: Final = Path(__file__).parents[2] / "docs/how-to/other-services.md"
_BEGIN: Final = "<!-- table: python -m tests.services.table --write -->\n"
_END: Final = "<!-- end of table -->\n"


def table() -> str:
    """The table in Markdown, a row for each service."""
    rows = [["service", *CALLS], ["---"] * (len(CALLS) + 1), ["Commerce Layer", *["yes"] * len(CALLS)]]
    rows += [[world.name, *_cells(world)] for world in REAL]
    rows += [[f"{written.world.name} *", *_cells(written.world)] for written in WRITTEN]
    return "".join(f"| {' | '.join(row)} |\n" for row in rows)


def _cells(world: World) -> list[str]:
    return [world.cell(call) for call in CALLS]


def with_table(text: str) -> str:
    """The text of the page, with the table in its place."""
    before, _, rest = text.partition(_BEGIN)
    return f"{before}{_BEGIN}{table()}{_END}{rest.partition(_END)[2]}"


def main(arguments: list[str]) -> int:
    """Write the table, or say whether it is as it should be."""
    text = PAGE.read_text()
    if arguments == ["--write"]:
        PAGE.write_text(with_table(text))
    return with_table(text) != text


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
