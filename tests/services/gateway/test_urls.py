import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.gateway.urls import Link, SearchText, Wrong, all_public, read

PRIVATE = [
    "http://localhost/a.mp3",
    "http://LOCALHOST./",
    "http://printer.local/",
    "http://redis/",
    "http://nonsense",
    "http://192.0.0.192/opc/v2/instance/",
    "http://192.88.99.1/",
    "http://[fec0::1]/",
    "http://[3fff::1]/",
    "http://vault.internal:8200/",
    "http://127.0.0.1/",
    "http://127.1/",
    "http://2130706433/",
    "http://0x7f000001/",
    "http://0x7f.1/",
    "http://0177.0.0.1/",
    "http://10.1.2.3/",
    "http://172.16.0.1/",
    "http://192.168.0.1:8096/",
    "http://169.254.169.254/latest/meta-data/",
    "http://100.64.0.1/",
    "http://0.0.0.0/",
    "http://224.0.0.1/",
    "http://[::1]/",
    "http://[fe80::1%25eth0]/",
    "http://[fd00::1]/",
    "http://[::ffff:127.0.0.1]/",
    "http://[::ffff:7f00:1]/",
    "http://[64:ff9b::7f00:1]/",
    "http://[2002:7f00:1::]/",
]
BAD = [
    "ftp://example.org/a.mp3",
    "file:///etc/passwd",
    "FILE://x",
    "javascript:alert(1)",
    "data:audio/mp3;base64,AAAA",
    "local:/etc/passwd",
    "gopher://example.org/",
    "http://user@example.org/",
    "http://user:pw@example.org/",
    "http://example.org:22/",
    "http://example.org:99999/",
    "http://",
    "http:///a.mp3",
    "http://exa mple.org/",
    "http://example.org\\@127.0.0.1/",
    "http://-.-../",
    "look http://10.0.0.1/x",
    "look https://example.org/a.mp3",
]
GOOD = [
    "https://example.org/a.mp3",
    "http://example.org:8000/stream",
    "HTTPS://Example.ORG/x?y=z#t",
    "https://münchen.example/ä.mp3",
    "http://8.8.8.8/a.mp3",
    "https://[2606:4700::1111]/a.mp3",
]


@pytest.mark.parametrize("url", PRIVATE)
def test_no_spelling_of_a_private_address_passes(url):
    assert read(url) == Wrong("private_address")


@pytest.mark.parametrize("url", BAD)
def test_what_is_no_proper_web_link_is_refused(url):
    assert read(url) == Wrong("bad_url")


@pytest.mark.parametrize("url", GOOD)
def test_a_public_link_passes_as_it_is(url):
    found = read(url)

    assert isinstance(found, Link)
    assert found.url == url


def test_an_exception_holds_for_its_exact_host_and_port():
    allowed = {"127.0.0.1:9000"}

    assert isinstance(read("http://127.0.0.1:9000/a.ogg", allowed=allowed), Link)
    assert read("http://127.0.0.1:9001/a.ogg", allowed=allowed) == Wrong("private_address")
    assert read("http://127.1:9000/a.ogg", allowed=allowed) == Wrong("private_address")
    assert read("http://x@127.0.0.1:9000/", allowed=allowed) == Wrong("bad_url")


def test_words_are_a_search():
    assert read("  never gonna: give you up ") == SearchText("never gonna: give you up")
    assert read("می‌خواهم") == SearchText("می‌خواهم")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "empty_query"),
        (" \t", "empty_query"),
        ("x" * 501, "too_long"),
        ("x" * 10_000, "too_long"),
        ("abc\u202edcba", "invalid"),
        ("a\u200bb", "invalid"),
        ("a\ufeffb", "invalid"),
        ("a\x00b", "invalid"),
        ("https://example.org/\u2066x", "invalid"),
        ("https://exa\u200dmple.org/", "bad_url"),
    ],
)
def test_tricks_and_too_much_are_refused(text, reason):
    assert read(text) == Wrong(reason)


@given(st.text(max_size=600))
def test_any_text_is_read_without_an_error(text):
    assert isinstance(read(text), Link | SearchText | Wrong)


def test_one_private_answer_of_a_name_server_spoils_all():
    assert all_public(["93.184.215.14", "2606:2800:220:1::1"])
    assert not all_public(["93.184.215.14", "127.0.0.1"])
