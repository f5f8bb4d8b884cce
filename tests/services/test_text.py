import re
import string
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato import text
from legato.gateway import commands


def holes(sentence: str) -> set[str]:
    return {name for _, name, _, _ in string.Formatter().parse(sentence) if name is not None}


@pytest.mark.parametrize("locale", text.CATALOGUE)
def test_every_language_has_every_sentence_with_the_same_holes(locale):
    english, other = text.CATALOGUE["en-US"], text.CATALOGUE[locale]

    assert other.keys() == english.keys()
    assert {key: holes(sentence) for key, sentence in other.items()} == {
        key: holes(sentence) for key, sentence in english.items()
    }


@pytest.mark.parametrize("locale", text.CATALOGUE)
def test_every_command_that_a_sentence_names_is_called_so_in_its_language(locale):
    names = {
        text.command_name(command.key, locale, default=command.name)
        for command in commands.REGISTRY
        if not command.group
    }
    told = [
        word
        for key, sentence in text.CATALOGUE[locale].items()
        if not key.startswith("command.")
        for word in re.findall(r"(?<![\w/:])/(\w+)", sentence)
    ]

    assert told
    assert set(told) <= names


@pytest.mark.parametrize(
    ("locale", "none", "one", "two"),
    [
        ("en-US", "0 tracks, 0", "1 track, 0", "2 tracks, 0"),
        ("de", "0 Titel, 0", "1 Titel, 0", "2 Titel, 0"),
        ("fr", "0 titre, 0", "1 titre, 0", "2 titres, 0"),
    ],
)
def test_a_number_of_things_takes_the_words_for_it(locale, none, one, two):
    said = [text.say_many("queue.total", count, locale, length=0) for count in (0, 1, 2)]

    assert said == [none, one, two]


def test_a_language_we_do_not_speak_falls_back_to_english():
    assert text.say("answer.paused", "ja") == "Paused."
    assert text.say("answer.paused", "de") == "Pause."
    assert text.say("answer.paused", "de-AT") == "Pause."


def test_a_refusal_shows_what_came_from_outside_harmlessly():
    said = text.refusal("load_failed", detail="**@everyone** \u202egnp.exe")

    assert said.endswith("-# \\*\\*@\u200beveryone\\*\\* gnp.exe")


def test_an_unknown_refusal_is_our_own_fault():
    assert text.refusal("brand_new") == text.REFUSALS["internal"]


def test_markdown_mentions_and_links_show_as_they_are_written():
    assert text.harmless("**b** <@1> [x](http://y)", 100) == (
        "\\*\\*b\\*\\* \\<@\u200b1\\> \\[x\\]\\(http\\://y\\)"
    )


def test_a_tower_of_accents_is_cut_down():
    assert text.plain("a" + "\u0316" * 50, 100) == "a" + "\u0316" * 3


def test_a_text_of_nothing_visible_is_replaced():
    assert text.plain("\u200b\u3164\u2066", 10) == "—"


def test_a_title_becomes_a_link_only_with_a_web_address():
    assert text.linked("a", "https://x/(b)>", 100) == "[a](<https://x/%28b%29%3E>)"
    assert text.linked("a", "javascript:x", 100) == "a"
    assert text.linked("a", None, 100) == "a"


@given(st.text(max_size=200), st.integers(min_value=1, max_value=60))
def test_harmless_text_fits_and_hides_nothing(raw, limit):
    shown = text.harmless(raw, limit)

    assert len(shown.encode("utf-16-le")) // 2 <= limit
    assert not shown.endswith("\\") or shown.endswith("\\\\")
    assert all(
        unicodedata.category(character) not in {"Cc", "Cf", "Cs"}
        for character in shown.replace("@\u200b", "")
    )


@pytest.mark.parametrize(
    ("milliseconds", "shown"), [(0, "0:00"), (185_000, "3:05"), (3_723_999, "1:02:03")]
)
def test_a_length_reads_like_a_clock(milliseconds, shown):
    assert text.clock(milliseconds) == shown
