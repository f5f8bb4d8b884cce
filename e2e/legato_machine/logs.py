"""What a service's log may hold: nothing that warns, but for lines a scenario expects, counted."""

import pathlib
from collections import Counter
from collections.abc import Iterator, Mapping

import msgspec

LOUD = frozenset({"warning", "error", "critical", "exception"})


class Line(msgspec.Struct):
    """One JSON line of a log."""

    event: str = ""
    level: str = "info"
    service: str = ""
    exception: str = ""


def loud(log: pathlib.Path) -> Iterator[str]:
    """Yield what warns: `level event`, or the raw text of a line that is no JSON."""
    for raw in log.read_text(errors="replace").splitlines() if log.exists() else ():
        if not raw.strip():
            continue
        try:
            line = msgspec.json.decode(raw, type=Line)
        except (msgspec.DecodeError, msgspec.ValidationError):
            yield f"raw {raw.strip()}"
            continue
        if line.level.lower() in LOUD:
            yield f"{line.level.lower()} {line.event}"
        elif line.exception:
            yield f"exception {line.event}"


def unexpected(found: Counter[str], expected: Mapping[str, range]) -> list[str]:
    """Compare what warned with what a scenario expects; return a sentence for each difference."""
    said = [
        f"{count} x {text!r} was not expected"
        for text, count in found.items()
        if text not in expected
    ]
    return said + [
        f"{found[text]} x {text!r}, expected {counts.start} to {counts.stop - 1}"
        for text, counts in expected.items()
        if found[text] not in counts
    ]
