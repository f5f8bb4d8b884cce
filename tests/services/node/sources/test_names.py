"""Names are looked up by the system; an address needs no look-up."""

import socket

import pytest

from legato.node.sources import names


@pytest.mark.parametrize("address", ["192.0.2.7", "2001:db8::7"])
def test_an_address_is_not_looked_up(address: str, monkeypatch: pytest.MonkeyPatch) -> None:
    def asked(*_: object, **__: object) -> None:
        raise AssertionError("the system was asked")

    monkeypatch.setattr(socket, "getaddrinfo", asked)
    assert names.resolve(address, 80, timeout=60) == [address]


def test_a_name_is_looked_up_and_each_address_told_once(monkeypatch: pytest.MonkeyPatch) -> None:
    def answers(_host: str, port: int, **_: object) -> list[tuple[object, ...]]:
        return [(0, 0, 0, "", (each, port)) for each in ("192.0.2.7", "192.0.2.8", "192.0.2.7")]

    monkeypatch.setattr(socket, "getaddrinfo", answers)
    assert names.resolve("music.example", 80, timeout=60) == ["192.0.2.7", "192.0.2.8"]


def test_an_unknown_name_has_no_address(monkeypatch: pytest.MonkeyPatch) -> None:
    def fails(*_: object, **__: object) -> None:
        raise socket.gaierror("unknown")

    monkeypatch.setattr(socket, "getaddrinfo", fails)
    assert names.resolve("music.example", 80, timeout=60) == []
