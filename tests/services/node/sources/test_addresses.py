import pytest

from legato.node.errors import MediaError
from legato.node.sources import addresses

PRIVATE = [
    "127.0.0.1",
    "169.254.169.254",
    "192.0.0.192",
    "fe80::1%eth0",
    "fec0::1",
    "::ffff:127.0.0.1",
    "2002:7f00:1::",
]
HERE = addresses.Target("http", "example.org", 80, "/")


@pytest.mark.parametrize("address", PRIVATE)
def test_an_address_that_is_not_public_is_refused(address: str) -> None:
    with pytest.raises(MediaError, match="not playable"):
        addresses.check(HERE, [address], ())


@pytest.mark.parametrize("address", ["1.1.1.1", "2606:4700::1111", "::ffff:1.1.1.1"])
def test_a_public_address_is_read(address: str) -> None:
    assert addresses.check(HERE, [address], ()) == address


def test_one_private_address_among_public_ones_is_enough_to_refuse() -> None:
    with pytest.raises(MediaError):
        addresses.check(HERE, ["1.1.1.1", "10.0.0.1"], ())


def test_only_the_exact_host_and_port_are_allowed() -> None:
    target = addresses.parse("http://127.0.0.1:8000/x")

    assert addresses.check(target, ["127.0.0.1"], ["127.0.0.1:8000"]) == "127.0.0.1"
    with pytest.raises(MediaError):
        addresses.check(target, ["127.0.0.1"], ["127.0.0.1:8001", "localhost:8000"])


@pytest.mark.parametrize(
    "link",
    [
        "ftp://example.org/a",
        "file:///etc/passwd",
        "http://",
        "http://user:word@example.org/",
        "http://example.org:99999/",
        "http://exa mple.org/",
        "http://example.org/\r\nHost: other",
        "http://[::1/",
        "gopher://x",
        "",
    ],
)
def test_what_is_no_plain_web_link_is_refused(link: str) -> None:
    with pytest.raises(MediaError, match="Not a valid URL"):
        addresses.parse(link)


def test_a_link_is_taken_apart() -> None:
    target = addresses.parse("https://Bücher.example:444/Lied Nummer/ä?q=ö".replace(" ", "%20"))

    assert target == addresses.Target(
        "https", "xn--bcher-kva.example", 444, "/Lied%20Nummer/%C3%A4?q=%C3%B6"
    )
    assert target.authority == "xn--bcher-kva.example:444"
