import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato import queries


@pytest.mark.parametrize("text", ["http://example.org/a", " HTTPS://x/", "http://nonsense"])
def test_a_web_link_is_a_link(text: str) -> None:
    assert queries.kind(text) == "link"


@pytest.mark.parametrize(
    "text",
    [
        "look http://10.0.0.1/x",
        "http//x https://example.org",
        "ftp://example.org/",
        "ytsearch:http://10.0.0.1/x",
        "file:///etc/passwd",
        "FILE:x",
        "data:audio/mp3;base64,AAAA",
        "javascript:alert(1)",
        "://",
    ],
)
def test_a_link_further_on_or_of_another_scheme_is_neither(text: str) -> None:
    assert queries.kind(text) == "neither"


@pytest.mark.parametrize("text", ["never gonna", "http", "AC/DC", "Chapter 1: the sea", "a//b"])
def test_the_rest_is_words(text: str) -> None:
    assert queries.kind(text) == "words"


@given(st.text(), st.sampled_from(["http://10.0.0.1/", "HTTPS://x", "gopher://x"]), st.text())
def test_no_text_that_holds_a_link_is_words(before: str, link: str, after: str) -> None:
    assert queries.kind(before + link + after) != "words"


@pytest.mark.parametrize(
    ("asked", "name"),
    [
        ("https://files.example.org/a/My%20Song.mp3?key=5", "My Song.mp3"),
        (" HTTP://Example.org/watch?v=5", "example.org/watch"),
        ("https://user:pw@example.org/", "example.org"),
        ("http://[::1/x.ogg", "http://[::1/x.ogg"),
        ("morning tram", "morning tram"),
    ],
)
def test_a_link_is_shown_by_its_file_or_place(asked: str, name: str) -> None:
    assert queries.shown(asked) == name


@given(st.text())
def test_whatever_was_typed_can_be_shown(text: str) -> None:
    queries.shown(text)
    queries.shown(f"https://{text}")
