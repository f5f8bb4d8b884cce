"""What an answer's English says was done, so that it can be held against a model. Pure."""

import re
from collections.abc import Iterator
from dataclasses import dataclass

from legato.locales import en_us

_KINDS = {
    "answer.playing": "queued",
    "answer.queued": "queued",
    "answer.queued_many": "queued",
    "answer.paused": "paused",
    "answer.resumed": "resumed",
    "answer.skipped": "skipped",
    "answer.stopped": "stopped",
    "answer.sought": "sought",
    "answer.volume": "volume",
    "answer.left": "left",
    "answer.already.paused": "already paused",
    "answer.already.resumed": "already resumed",
    "answer.already.stopped": "already stopped",
    "answer.already.left": "already left",
    "queue.total": "page",
    "queue.total.one": "page",
    "queue.empty": "page",
    "queue.title": "page",
    "panel.nothing": "shown",
    "panel.in_queue": "shown",
    "panel.in_queue.one": "shown",
}
_NO_COUNT = "queue.title"
_BEFORE = {"page": f"^(?=(?:{re.escape(en_us.SENTENCES[_NO_COUNT])})\n).*?", "shown": ""}
"""What such an answer begins with; others begin with their sentence."""
_NUMBERS = {"volume", "count"}


@dataclass(frozen=True, slots=True)
class Said:
    """What somebody was told."""

    what: str
    """queued, paused, already paused, page, … or refused."""
    reason: str = ""
    """Of a refusal."""
    number: int = 0
    """Of a volume, or a page: how many tracks wait."""


def read(text: str) -> Said:
    """Read an answer; a text that no sentence made is itself."""
    for reason, sentence in _REFUSALS.items():
        if text.startswith(sentence):
            return Said("refused", reason)
    for pattern, what in _PATTERNS:
        if found := pattern.search(text):
            groups = found.groupdict()
            number = next((groups[name] for name in _NUMBERS if groups.get(name)), "0")
            return Said(what, number=int(number))
    return Said(text)


def _sentences() -> Iterator[tuple[re.Pattern[str], str]]:
    """Make patterns of the catalogue's sentences; those without holes come first.

    A queue without a count of what waits comes last: nothing does.
    """
    known = {key: what for key, what in _KINDS.items() if key in en_us.SENTENCES}
    for key in sorted(known, key=lambda key: (key == _NO_COUNT, "{" in en_us.SENTENCES[key])):
        sentence = re.escape(en_us.SENTENCES[key])
        pattern = re.sub(r"\\\{(\w+)\\\}", _hole, sentence)
        yield re.compile(_BEFORE.get(known[key], "^") + pattern, re.DOTALL), known[key]


def _hole(found: re.Match[str]) -> str:
    name = found[1]
    return f"(?P<{name}>\\d+)" if name in _NUMBERS else f"(?P<{name}>.*)"


_REFUSALS = {
    key.removeprefix("refusal."): sentence
    for key, sentence in en_us.SENTENCES.items()
    if key.startswith("refusal.")
}
_PATTERNS = tuple(_sentences())
