"""Whether a CronJob's schedule can be read, which CEL can't say. Pure.

The form is that of https://pkg.go.dev/github.com/robfig/cron/v3, which Kubernetes reads it by: five
fields, or a word such as @hourly.
"""

import re

WORDS = frozenset({"@yearly", "@annually", "@monthly", "@weekly", "@daily", "@midnight", "@hourly"})
EVERY = re.compile(r"@every ([0-9]+(\.[0-9]+)?(ns|us|µs|ms|s|m|h))+")
MONTHS = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
DAYS = ("sun", "mon", "tue", "wed", "thu", "fri", "sat")
FIELDS = (
    ("minute", 0, 59, ()),
    ("hour", 0, 23, ()),
    ("day of the month", 1, 31, ()),
    ("month", 1, 12, MONTHS),
    ("day of the week", 0, 6, DAYS),
)
"""Name, least, greatest, and words that stand for numbers from the least on."""


def fault(schedule: str) -> str:
    """Say in a sentence what can't be read; the empty text where all can."""
    if schedule.startswith("@"):
        known = schedule in WORDS or EVERY.fullmatch(schedule)
        return "" if known else f"{schedule} is no word for a schedule, such as @hourly"
    if "TZ" in schedule:
        return "its time zone is always UTC"
    parts = schedule.split()
    if len(parts) != len(FIELDS):
        return f"it has {len(parts)} fields, and 5 are needed"
    for part, (name, least, most, words) in zip(parts, FIELDS, strict=True):
        for one in part.split(","):
            if not _fits(one.lower(), least, most, words):
                return f"{one} is no {name}"
    return ""


def _fits(text: str, least: int, most: int, words: tuple[str, ...]) -> bool:
    """Read one of `*`, `5`, `1-5`, each perhaps with a step behind a slash."""
    whole, slash, step = text.partition("/")
    if slash and not (step.isdecimal() and step.isascii() and int(step) > 0):
        return False
    if whole in {"*", "?"}:
        return True
    first, dash, last = whole.partition("-")
    begin, end = _number(first, least, words), _number(last, least, words)
    if begin is None or not least <= begin <= most:
        return False
    if not dash:
        return True
    return end is not None and begin <= end <= most


def _number(text: str, least: int, words: tuple[str, ...]) -> int | None:
    if text in words:
        return words.index(text) + least
    return int(text) if text.isdecimal() and text.isascii() else None
