"""Words for people: user text made harmless, and the catalogue of sentences. Pure.

Discord's markdown: https://support.discord.com/hc/en-us/articles/210298617. Its limits count
characters; we count UTF-16 units, which are never fewer.
"""

import re
import unicodedata
from collections.abc import Mapping
from urllib.parse import quote, urlsplit

from legato.locales import de, en_us, fr

DEFAULT_LOCALE = "en-US"
CATALOGUE: Mapping[str, Mapping[str, str]] = {
    DEFAULT_LOCALE: en_us.SENTENCES,
    "de": de.SENTENCES,
    "fr": fr.SENTENCES,
}
"""Discord's locale name -> key -> sentence with named holes."""

REFUSALS: Mapping[str, str] = {
    key.removeprefix("refusal."): sentence
    for key, sentence in en_us.SENTENCES.items()
    if key.startswith("refusal.")
}
"""Why something wasn't done -> the English sentence that says what to do instead."""

NOTICES: Mapping[str, str] = {
    key.removeprefix("notice."): sentence
    for key, sentence in en_us.SENTENCES.items()
    if key.startswith("notice.")
}
"""What a channel should know though nobody asked -> the English sentence."""

_INVISIBLE_CATEGORIES = {"Cc", "Cf", "Cs", "Co", "Cn"}
# Letters and symbols that look like nothing: Hangul fillers, the blank Braille pattern.
_BLANKS = "\u115f\u1160\u3164\uffa0\u2800\u034f\u17b4\u17b5"
_MARKDOWN = frozenset("\\*_~`|>#-+[]()<:")
_MENTION = "@\u200b"
_MOST_MARKS = 3
_ELLIPSIS = "…"


def plain(text: str, limit: int, *, instead: str = "—") -> str:
    """Take out what can't be seen or misleads, for places that know no markdown; one line."""
    return _cut([*_visible(text)], limit) or instead


def harmless(text: str, limit: int, *, instead: str = "—") -> str:
    """Make a text from outside show as it is: no markdown, no mention, no hidden character."""
    return _cut([_escape(character) for character in _visible(text)], limit) or instead


def linked(title: str, uri: str | None, limit: int) -> str:
    """Make a harmless title a link, where the address is one that may be shown."""
    target = _target(uri)
    room = limit - len(target) - len("[](<>)")
    if not target or room < 16:
        return harmless(title, limit)
    return f"[{harmless(title, room)}](<{target}>)"


def say(key: str, locale: str = DEFAULT_LOCALE, /, **values: object) -> str:
    """Return the sentence in a language, in English where we don't speak it.

    Values are put in as they are: make what comes from outside harmless first.
    """
    sentence = _sentences(locale).get(key) or CATALOGUE[DEFAULT_LOCALE][key]
    return sentence.format_map(values)


def say_many(key: str, count: int, locale: str, /, **values: object) -> str:
    """Return the sentence for so many things: `key`.one has the words for a single one."""
    # https://www.unicode.org/cldr/charts/latest/supplemental/language_plural_rules.html
    is_one = count == 1 or (count == 0 and locale.partition("-")[0] == "fr")
    return say(f"{key}.one" if is_one else key, locale, count=count, **values)


def command_name(key: str, locale: str, *, default: str) -> str:
    """Return what a command or group is called where people speak this language."""
    return _sentences(locale).get(f"{key}.name", default)


def refusal(reason: str, locale: str = DEFAULT_LOCALE, *, detail: str = "") -> str:
    """Say why something wasn't done and what to do; an unknown reason is our own fault."""
    known = reason if reason in REFUSALS else "internal"
    sentence = say(f"refusal.{known}", locale)
    return f"{sentence}\n-# {harmless(detail, 300)}" if detail.strip() else sentence


def notice(name: str, locale: str = DEFAULT_LOCALE, *, detail: str = "") -> str:
    """Say what a channel should know."""
    return say(f"notice.{name}", locale, detail=harmless(detail, 300))


def localisations(key: str) -> dict[str, str]:
    """Return what Discord wants as `name_localizations`: every language but the default."""
    return {
        locale: sentences[key]
        for locale, sentences in CATALOGUE.items()
        if locale != DEFAULT_LOCALE and key in sentences
    }


def clock(milliseconds: int) -> str:
    """Write a length or position as people read it: 3:05, 1:02:03."""
    minutes, seconds = divmod(max(milliseconds, 0) // 1000, 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _sentences(locale: str) -> Mapping[str, str]:
    return CATALOGUE.get(locale) or CATALOGUE.get(locale.partition("-")[0]) or {}


def _visible(text: str) -> str:
    """Drop hidden characters, make every white space one blank, stop towers of accents."""
    kept: list[str] = []
    marks = 0
    for character in unicodedata.normalize("NFC", text):
        category = unicodedata.category(character)
        marks = marks + 1 if category in {"Mn", "Me"} else 0
        if character.isspace() or category in {"Zl", "Zp"}:
            kept.append(" ")
        elif not (category in _INVISIBLE_CATEGORIES or character in _BLANKS or marks > _MOST_MARKS):
            kept.append(character)
    return re.sub(" +", " ", "".join(kept)).strip()


def _escape(character: str) -> str:
    if character == "@":
        return _MENTION
    return f"\\{character}" if character in _MARKDOWN else character


def _cut(pieces: list[str], limit: int) -> str:
    """Join pieces, never splitting one, into at most `limit` UTF-16 units."""
    used, end = 0, 0
    for place, piece in enumerate(pieces):
        used += sum(1 + (ord(character) > 0xFFFF) for character in piece)
        if used > limit:
            return "".join(pieces[:end]).rstrip() + _ELLIPSIS
        if used <= limit - len(_ELLIPSIS):
            end = place + 1
    return "".join(pieces)


def _target(uri: str | None) -> str:
    """Return an address safe inside `[](<…>)`, or nothing."""
    if not uri or len(uri) > 1000:
        return ""
    try:
        scheme = urlsplit(uri).scheme
    except ValueError:
        return ""
    return quote(uri, safe="/:?#@!$&'*+,;=%~-._") if scheme in {"http", "https"} else ""
