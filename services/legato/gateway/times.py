"""Moments of a track as people write them: 83, 1:23, 1:02:03. Pure."""

import re

_SECONDS = re.compile(r"[0-9]{1,6}(?:\.[0-9]{1,3})?\s*s?", re.IGNORECASE)
_CLOCK = re.compile(r"(?:([0-9]{1,3}):)?([0-9]{1,3}):([0-5][0-9])(?:\.([0-9]{1,3}))?")
_SPELLED = re.compile(
    r"(?:([0-9]{1,3})h)?\s*(?:([0-9]{1,4})m)?\s*(?:([0-9]{1,5})s)?", re.IGNORECASE
)


def parse(text: str) -> int | None:
    """Read a moment, in milliseconds; None when it is none."""
    text = text.strip()
    if not text.isascii():
        return None
    if _SECONDS.fullmatch(text):
        return round(float(text.rstrip("sS ")) * 1000)
    if match := _CLOCK.fullmatch(text):
        hours, minutes, seconds, rest = match.groups()
        if hours is not None and int(minutes) > 59:
            return None
        fraction = int((rest or "0").ljust(3, "0"))
        return _ms(int(hours or 0), int(minutes), int(seconds)) + fraction
    if text and (match := _SPELLED.fullmatch(text)):
        hours, minutes, seconds = match.groups()
        return _ms(int(hours or 0), int(minutes or 0), int(seconds or 0))
    return None


def _ms(hours: int, minutes: int, seconds: int) -> int:
    return ((hours * 60 + minutes) * 60 + seconds) * 1000
