"""The whole catalogue, group by group; run as a program it prints itself as documentation.

python -m tests.faults.catalogue > docs/faults.md
"""

import re
from itertools import groupby

from tests.faults.row import CAP, Row
from tests.faults.rows_connections import C, H, R, T
from tests.faults.rows_content import A, B, M, Z
from tests.faults.rows_documents import J, K, L, S

GROUPS: dict[str, tuple[str, list[Row]]] = {
    "C": ("Connections", C),
    "T": ("TLS", T),
    "H": ("HTTP statuses", H),
    "R": ("Redirects", R),
    "B": ("Content and size", B),
    "A": ("Authentication", A),
    "Z": ("Secrets stay inside", Z),
    "M": ("Rate limits", M),
    "J": ("JSON:API documents", J),
    "L": ("Links", L),
    "K": ("The caller's mistakes", K),
    "S": ("Resources of the machine, sharing", S),
}
ROWS = [row for _, rows in GROUPS.values() for row in rows]
NUMBERS = {
    "C": range(1, 35),
    "T": range(1, 14),
    "H": range(1, 21),
    "R": range(1, 23),
    "B": range(1, 17),
    "A": range(1, 24),
    "Z": (1, 2, 3, 4, 5, 6, 7, 13, 14),
    "M": range(1, 20),
    "J": range(1, 30),
    "L": range(1, 31),
    "K": range(1, 22),
    "S": (1, 2, 3, 4, 20, 21, 22, 23),
}
"""What has to be there."""

INTRODUCTION = f"""\
# What may go wrong, and what the client makes of it

Each row is a test: a server on loopback does what the second column says, byte by byte, and the client has to do what
the third one says. Besides, every row is held to five criteria:

- **typed**: an exception of `commercelayer_async`, one printable line under 4,000 characters that names where; it
  pickles and copies.
- **silent**: no bearer token, client secret or gateway token in its text, `repr`, arguments, attributes, causes,
  traceback or pickle, nor in any log.
- **ends**: within the limits of a try and of the call.
- **clean**: after `close()` no connection is open and no task is left.
- **home**: listeners on another port and on 127.0.0.2 see nothing.

The last column is how many requests for the resource the server may see. "Up to {CAP}" is the bound of the catalogue,
not the number of tries that `Retry` sets. *A name in italics* is a test of several calls.
"""


def printed() -> str:
    """`docs/faults.md`."""
    parts = [INTRODUCTION]
    for letter, (title, rows) in GROUPS.items():
        parts.append(f"## {letter}. {title}\n")
        parts.append("| no | the other side | the client | requests |\n| --- | --- | --- | --- |")
        parts += [_line(row) for row in rows]
        parts.append("")
    parts.append("This page is printed by the tests' own table: `python -m tests.faults.catalogue > docs/faults.md`\n")
    return "\n".join(parts)


def _line(row: Row) -> str:
    label = f"*{row.label}*" if row.shown else f"`{row.label}`"
    text = f"{row.server} ({label})" if row.label != "bad_ids" else row.server
    fails = f"; **not yet**: {row.fails}" if row.fails else ""
    return f"| {row.number} | {_cell(text)} | {_cell(row.client)}{fails} | {_span(row)} |"


def _cell(text: str) -> str:
    shown = re.sub(r"[^\x20-\x7e…]", lambda char: f"\\u{ord(char[0]):04x}", text)
    return shown.replace("|", "\\|")


def _span(row: Row) -> str:
    low, high = row.requests
    if row.shown:
        return ""
    if low == high:
        return str(low)
    return f"{low} to {high}" if high != CAP else f"{low} up to {CAP}"


def ids() -> list[str]:
    """A name for each row, numbered where two would be the same."""
    names = [f"{row.number}-{row.label}" for row in ROWS]
    return [f"{name}-{names[:n].count(name)}" if names.count(name) > 1 else name for n, name in enumerate(names)]


def numbers() -> dict[str, set[int]]:
    """The numbers that are there, by group."""
    found = ((row.number[0], int(row.number[1:])) for row in ROWS)
    return {letter: {number for _, number in some} for letter, some in groupby(sorted(found), key=lambda one: one[0])}


if __name__ == "__main__":
    print(printed(), end="")  # noqa: T201 - it is what the program is for
