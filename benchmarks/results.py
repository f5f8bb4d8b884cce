"""benchmarks/RESULTS.md: written anew by each run, but for what stands between hand marks.

Pure: text in, text out.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from benchmarks.measured import Measured, Row

_HAND = "<!-- by hand: {name} -->"
_HAND_END = "<!-- end by hand -->"
_MADE = "<!-- measured: {name} -->"
_MADE_END = "<!-- end measured -->"
_MISSED, _NOT = "**missed**", "**Not measured**"
_BUSY = 0.1
"""Other work that takes more of the cores than this share makes figures provisional."""


@dataclass(frozen=True, slots=True)
class Run:
    """When and under which load something was measured."""

    at: str
    """Date and time, UTC."""
    machine: str
    cores: int
    load: float
    quick: bool


@dataclass(frozen=True, slots=True)
class Section:
    """One benchmark's results, or why there are none."""

    name: str
    shows: str
    run: Run
    took: float
    others: float
    """Cores that other work took meanwhile, on average."""
    measured: Measured | None
    failure: str = ""

    def __str__(self) -> str:
        """Say when and beside what it was measured."""
        run = self.run
        kind = "quick run" if run.quick else "full run"
        said = (
            f"{run.at}, {kind} of {self.took:.0f} s; {run.machine}; load average {run.load:.1f} "
            f"at the start, other work took {self.others:.1f} of {run.cores} cores meanwhile"
        )
        why = [
            reason
            for reason, holds in (
                ("the machine was busy", self.others > _BUSY * run.cores),
                ("a quick run measures for moments only", run.quick),
            )
            if holds
        ]
        return f"{said} (**provisional**: {'; '.join(why)})." if why else f"{said}."


def render(before: str, sections: Sequence[Section], *, names: Sequence[str]) -> str:
    """Write the page; what was not measured now, and all that is by hand, stays as it is."""
    fresh = {section.name: section for section in sections}
    kept, hand = _blocks(before, _MADE, _MADE_END), _blocks(before, _HAND, _HAND_END)
    made = {name: _section(fresh[name]) if name in fresh else kept.get(name) for name in names}
    shown = {name: text for name, text in made.items() if text is not None}
    parts = [_head(hand), _missed(shown)]
    for name, text in shown.items():
        parts += [_block(name, text, _MADE, _MADE_END), _hand(name, hand)]
    return "\n\n".join(parts) + "\n"


def plain(section: Section) -> str:
    """Write one section for a terminal."""
    return _section(section)


def _head(hand: Mapping[str, str]) -> str:
    return (
        "# Measured\n\n"
        "Written by `make bench`; README.md beside it says how to read and repeat it. "
        "A missed aim's cause stands below its table, by hand.\n\n" + _hand("all", hand)
    )


def _missed(sections: Mapping[str, str]) -> str:
    """List the rows of all sections whose aim was missed."""
    found = [
        f"| [{name}](#{name}) | {' | '.join(row.strip('| ').split(' | ')[:3])} |".replace(
            _MISSED, ""
        )
        for name, text in sections.items()
        for row in text.splitlines()
        if row.startswith("| ") and _MISSED in row
    ]
    found += [
        f"| [{name}](#{name}) | {_NOT} | | |" for name, text in sections.items() if _NOT in text
    ]
    table = ["| section | what | figure | aim |", "| --- | --- | --: | --: |", *found]
    return "\n".join(["## Missed aims", "", *(table if found else ["None."])])


def _section(section: Section) -> str:
    lines = [
        f"## {section.name}",
        "",
        section.shows,
        "",
        str(section),
        "",
    ]
    if section.measured is None:
        return "\n".join([*lines, f"{_NOT}: {section.failure}"])
    lines += _table(section.measured.rows)
    if section.measured.profile:
        profile = [line.rstrip() for line in section.measured.profile]
        lines += ["", "Where the time went:", "", "```", *profile, "```"]
    return "\n".join(lines)


def _table(rows: Sequence[Row]) -> list[str]:
    head = ["| what | figure | aim | baseline | ratio | |", "| --- | --: | --: | --: | --: | --- |"]
    return head + [
        "| " + " | ".join((row.what, _figure(row), _aim(row), *_base(row), row.note)) + " |"
        for row in rows
    ]


def _figure(row: Row) -> str:
    said = f"{_number(row.figure)} {row.unit}".strip()
    return f"{said} {_MISSED}" if row.missed else said


def _aim(row: Row) -> str:
    if row.least is not None:
        return f"≥ {_number(row.least)}"
    return f"≤ {_number(row.most)}" if row.most is not None else ""


def _base(row: Row) -> tuple[str, str]:
    if row.base is None:
        return "", ""
    ratio = f"{row.figure / row.base:.2f}" if row.base else ""
    return f"{_number(row.base)} ({row.base_of})", ratio


def _number(value: float) -> str:
    if abs(value) >= 100:
        return f"{value:,.0f}"
    return f"{value:.1f}" if abs(value) >= 10 else f"{value:.2g}"


def _blocks(text: str, start: str, end: str) -> dict[str, str]:
    pattern = re.escape(start).replace(re.escape("{name}"), r"([\w-]+)") + "(.*?)" + re.escape(end)
    return {found[1]: found[2].strip("\n") for found in re.finditer(pattern, text, re.DOTALL)}


def _block(name: str, body: str, start: str, end: str) -> str:
    return "\n".join((start.format(name=name), body, end)) if body else f"{start}\n{end}"


def _hand(name: str, hand: Mapping[str, str]) -> str:
    body = hand.get(name, "")
    lines = (_HAND.format(name=name), body, _HAND_END)
    return "\n".join(line for line in lines if line)
