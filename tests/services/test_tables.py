import pytest

from legato import tables


def test_columns_line_up_and_numbers_end_at_the_right() -> None:
    assert tables.table(("node", "players"), [("node-1", "7"), ("n2", "120")]).splitlines() == [
        "node    players",
        "node-1        7",
        "n2          120",
    ]


def test_a_table_without_rows_is_its_head() -> None:
    assert tables.table(("node", "players"), []) == "node  players"


@pytest.mark.parametrize(
    ("ms", "shown"), [(0, "0:00"), (-5, "0:00"), (187_900, "3:07"), (3_723_000, "1:02:03")]
)
def test_lengths_are_written_as_people_do(ms: int, shown: str) -> None:
    assert tables.span(ms) == shown


def test_numbers_in_a_row_are_a_range() -> None:
    assert tables.ranges([3, 0, 1, 7, 2]) == "0-3, 7"
    assert tables.ranges([]) == ""


def test_a_title_can_neither_break_the_table_nor_move_the_cursor() -> None:
    assert tables.shortened("a\x1b[2Jb\nc", 20) == "a [2Jb c"
    assert tables.shortened("abcdef", 4) == "abc…"
