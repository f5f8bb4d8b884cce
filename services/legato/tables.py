"""Rows of text in columns, for a terminal. Pure: knows no terminal and no thing of ours."""

from collections.abc import Sequence

GAP = "  "


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Set rows in columns under a head; columns whose every cell is a number end at the right."""
    lines = [list(head), *(list(row) for row in rows)]
    columns = list(zip(*lines, strict=True))
    widths = [max(map(len, column)) for column in columns]
    right = [bool(rows) and all(_is_number(cell) for cell in column[1:]) for column in columns]
    return "\n".join(
        GAP.join(
            cell.rjust(width) if end else cell.ljust(width)
            for cell, width, end in zip(line, widths, right, strict=True)
        ).rstrip()
        for line in lines
    )


def span(ms: int) -> str:
    """Write a length of time as people do: `3:07`, `1:02:03`."""
    minutes, seconds = divmod(max(0, ms) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def yes(value: object) -> str:
    """Say yes, or nothing."""
    return "yes" if value else "-"


def shortened(text: str, most: int) -> str:
    """Cut what is too long for a column; control characters would move the cursor."""
    clean = "".join(letter if letter.isprintable() else " " for letter in text)
    return clean if len(clean) <= most else f"{clean[: most - 1]}…"


def ranges(numbers: Sequence[int]) -> str:
    """Write numbers in short: `0-3, 7`."""
    groups: list[list[int]] = []
    for number in sorted(numbers):
        if groups and number == groups[-1][-1] + 1:
            groups[-1].append(number)
        else:
            groups.append([number])
    return ", ".join(f"{one[0]}-{one[-1]}" if len(one) > 1 else f"{one[0]}" for one in groups)


def _is_number(cell: str) -> bool:
    return cell.removeprefix("-").replace(":", "").isdigit() or cell == "-"
