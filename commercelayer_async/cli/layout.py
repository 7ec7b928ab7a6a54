"""How cells become lines that fit a width, measured in cells of a terminal and not in code points.

A record's id is never broken or cut: who reads it wants to copy it. Where a table of records is wider than the
terminal, columns are left out from the least important; where that would be too narrow to be read, a record is a block
of lines `name: value`. Nothing here writes, and every text is cleaned before it comes here.
"""

import re
import unicodedata
from collections.abc import Iterator, Sequence
from typing import Final

import attrs
from rich.cells import cell_len

NARROW: Final = 60
"""Below so many cells there are no tables."""
_GAP: Final = "  "
_INDENT: Final = "  "
_MOST: Final = 32
"""Cells of a text that may be cut, at most, where the width is limited."""
_LEAST: Final = 12
"""Cells of a text that is cut, at least; of one that is wrapped, twice as many."""
_CUT: Final = "…"
_BREAKS: Final = re.compile(r"[^\s/,]*(?:[/,]+\s*|\s+|$)")
"""A piece of text that stays together if it can, up to the place where a line may end behind it."""
_TONES: Final = range(0x1F3FB, 0x1F400)
_FLAGS: Final = range(0x1F1E6, 0x1F200)
_MARKS: Final = ("Mn", "Me", "Mc")


@attrs.frozen
class Line:
    """A line: what is shown as a name or an id, and the rest."""

    head: str
    tail: str = ""
    is_header: bool = False

    @property
    def text(self) -> str:
        """The whole line."""
        return (self.head + self.tail).rstrip()


@attrs.frozen
class Column:
    """A column of a table of records."""

    name: str
    cells: Sequence[str]
    is_whole: bool = True
    """True if none of its cells may be cut: ids, numbers, times."""
    importance: int = 0
    """The column with the largest number is left out first; that with 0 never is."""

    @property
    def width(self) -> int:
        """The cells that it takes if nothing is cut."""
        return max(map(width_of, (self.name, *self.cells)))


@attrs.frozen
class Layout:
    """The lines of a table of records, and the names of the columns that found no room."""

    lines: Sequence[Line]
    left_out: Sequence[str] = ()


def lay_out_records(columns: Sequence[Column], width: int | None) -> Layout:
    """Lay out records, a column for each of their members; None stands for any width."""
    widths = _fit(columns, width)
    if widths is None:
        return Layout([*_blocks(columns, width)])
    shown = [column for column in columns if column.name in widths]
    rows = zip(*(column.cells for column in shown), strict=True)
    sizes = [widths[column.name] for column in shown]
    lines = [_row([column.name for column in shown], sizes, is_header=True), *(_row(row, sizes) for row in rows)]
    return Layout(lines, [column.name for column in columns if column.name not in widths])


def lay_out_table(columns: Sequence[str], rows: Sequence[Sequence[str]], width: int | None) -> Sequence[Line]:
    """Lay out a table in which nothing is cut: the last column is wrapped."""
    *sizes, last = [max(map(width_of, cells)) for cells in zip(columns, *rows, strict=True)]
    room = None if width is None else width - sum(sizes) - len(_GAP) * len(sizes)
    if room is not None and (width is None or width < NARROW or room < min(last, 2 * _LEAST)):
        return [line for row in rows for line in _member(row[0], _GAP.join(filter(None, row[1:])), width or 0)]
    lines: list[Line] = []
    for row in (columns, *rows):
        first, *others = wrap(row[-1], room)
        lines.append(_row((*row[:-1], first), (*sizes, 0), is_header=row is columns))
        margin = " " * (sum(sizes) + len(_GAP) * len(sizes))
        lines += [Line(margin, other) for other in others]
    return lines


def wrap(text: str, width: int | None) -> Sequence[str]:
    """Part `text` into lines, after blanks, commas and slashes; a piece longer than a line is folded."""
    if width is None or width_of(text) <= width:
        return [text]
    lines = [""]
    for piece in _BREAKS.findall(text):
        if width_of(lines[-1] + piece.rstrip()) > width and lines[-1]:
            lines.append("")
        lines[-1] += piece
        # By what fits and not by how wide the rest is, which would be measured again for each line of it.
        while len(start := _prefix(lines[-1], width)) < len(lines[-1].rstrip()):
            lines[-1:] = [start, lines[-1][len(start) :]]
    return [line.rstrip() for line in lines if line.strip()] or [""]


def cut(text: str, width: int) -> str:
    """`text`, or as much of its beginning as leaves room for an ellipsis."""
    return text if width_of(text) <= width else _prefix(text, width - 1) + _CUT


def width_of(text: str) -> int:
    """The cells of a terminal that a text takes."""
    return cell_len(text)


def _fit(columns: Sequence[Column], width: int | None) -> dict[str, int] | None:
    """The widths of the columns that fit, by their names; None if there is no room for a table."""
    if width is None:
        return {column.name: column.width for column in columns}
    widths: dict[str, int] = {}
    room = width
    for column in sorted(columns, key=lambda column: column.importance):
        wanted = column.width if column.is_whole else min(column.width, _MOST)
        # The first column has no gap before it.
        left = room - (len(_GAP) if widths else 0)
        if min(wanted, _least(column)) <= left:
            widths[column.name] = min(wanted, left)
            room = left - widths[column.name]
        elif not column.importance:
            return None
    return widths if width >= NARROW else None


def _least(column: Column) -> int:
    """The cells without which a column is not shown."""
    return column.width if column.is_whole else min(column.width, max(width_of(column.name), _LEAST))


def _row(cells: Sequence[str], widths: Sequence[int], *, is_header: bool = False) -> Line:
    padded = [_padded(cut(cell, width) if width else cell, width) for cell, width in zip(cells, widths, strict=True)]
    first = padded[0].rstrip()
    return Line(first, (padded[0][len(first) :] + _GAP + _GAP.join(padded[1:])).rstrip(), is_header)


def _padded(text: str, width: int) -> str:
    return text + " " * (width - width_of(text))


def _blocks(columns: Sequence[Column], width: int | None) -> Iterator[Line]:
    """Each record as lines `name: value`, without the members that it does not have."""
    for number, row in enumerate(zip(*(column.cells for column in columns), strict=True)):
        if number:
            yield Line("")
        for column, cell in zip(columns, row, strict=True):
            if cell:
                yield from _member(column.name, cell, width or 0)


def _member(name: str, value: str, width: int) -> Iterator[Line]:
    """A line `name: value`; what does not fit there stands below it."""
    if width_of(f"{name}: {value}") <= width:
        yield Line(f"{name}:", f" {value}")
        return
    yield from (Line(part) for part in wrap(f"{name}:", width))
    indent = _INDENT if width > 2 * _LEAST else ""
    yield from (Line("", indent + part) for part in wrap(value, max(1, width - len(indent))))


def _prefix(text: str, width: int) -> str:
    """The longest beginning of `text` that fits, of a character at least."""
    taken = ""
    for cluster in _clusters(text):
        if taken and width_of(taken + cluster) > width:
            break
        taken += cluster
    return taken


def _clusters(text: str) -> Iterator[str]:
    """What a terminal shows as one character: a letter with its marks, an emoji with its tone, a flag."""
    cluster = ""
    for char in text:
        of_flag = ord(char) in _FLAGS and len(cluster) == 1 and ord(cluster) in _FLAGS
        if cluster and not of_flag and unicodedata.category(char) not in _MARKS and ord(char) not in _TONES:
            yield cluster
            cluster = ""
        cluster += char
    if cluster:
        yield cluster
