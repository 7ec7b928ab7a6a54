"""How cells become lines: at any width no id is broken, and no line is wider than the terminal."""

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from rich.cells import cell_len

from commercelayer_async.cli.layout import Column, cut, lay_out_records, lay_out_table, width_of, wrap

ids = st.from_regex(r"[A-Za-z0-9_-]{1,18}", fullmatch=True)
texts = st.text(alphabet="ab ,/-東京한😀👍🏽e\u0301\u0327🇩🇪ก็", max_size=60)
widths = st.integers(20, 200)
on_a_busy_machine = settings(suppress_health_check=[HealthCheck.too_slow])


@st.composite
def tables(draw):
    """Columns of records, the first of which are ids."""
    rows = draw(st.integers(1, 4))

    def cells(of):
        return draw(st.lists(of, min_size=rows, max_size=rows))

    columns = [Column("id", cells(ids), importance=0)]
    for number in range(draw(st.integers(0, 6))):
        is_whole = draw(st.booleans())
        columns.append(Column(f"column{number}", cells(ids if is_whole else texts), is_whole, number + 1))
    return columns


@on_a_busy_machine
@given(tables(), widths)
def test_no_line_of_records_is_wider_than_the_terminal_and_no_id_is_broken(columns, width):
    layout = lay_out_records(columns, width)
    lines = [line.text for line in layout.lines]

    assert max(map(cell_len, lines)) <= width
    for id in columns[0].cells:
        assert any(id in line for line in lines)
    for column in columns:
        if column.is_whole and column.name not in layout.left_out:
            assert all(any(cell in line for line in lines) for cell in column.cells)


@on_a_busy_machine
@given(tables())
def test_without_a_width_everything_is_shown(columns):
    layout = lay_out_records(columns, None)

    assert not layout.left_out
    assert len(layout.lines) == 1 + len(columns[0].cells)
    for column in columns:
        assert all(any(cell.rstrip() in line.text for line in layout.lines) for cell in column.cells)


@given(st.lists(st.tuples(ids, ids, texts), min_size=1, max_size=4), widths)
def test_a_table_wraps_what_is_too_long(rows, width):
    lines = [line.text for line in lay_out_table(("name", "state", "leads to"), rows, width)]

    assert max(map(cell_len, lines)) <= width
    assert all(any(row[0] in line for line in lines) for row in rows)


@given(texts, st.integers(2, 80))
def test_wrapping_loses_nothing_but_blanks_and_keeps_the_width(text, width):
    lines = wrap(text, width)

    assert "".join("".join(lines).split()) == "".join(text.split())
    assert max(map(width_of, lines)) <= width


@given(texts, st.integers(3, 80))
def test_a_cut_text_says_so(text, width):
    shown = cut(text, width)

    assert width_of(shown) <= width
    assert shown == text or (shown.endswith("…") and text.startswith(shown[:-1]))


@pytest.mark.parametrize(
    ("text", "shown"),
    [("東京東京東京", "東京…"), ("e\u0301" * 9, "e\u0301" * 5 + "…"), ("🇩🇪" * 4, "🇩🇪🇩🇪…"), ("👍🏽" * 4, "👍🏽👍🏽…")],
)
def test_what_a_terminal_shows_as_one_is_not_parted(text, shown):
    assert cut(text, 6) == shown


def test_a_large_value_is_wrapped_in_no_time():
    assert len(wrap("x" * 400_000, 40)) == 10_000
