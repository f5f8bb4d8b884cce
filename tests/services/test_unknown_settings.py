import pytest

from legato import unknown_settings
from legato.unknown_settings import Unknown

KNOWN = {"LEASE_TTL", "GATEWAY_PORT", "DISCORD_TOKEN", "NODES"}


@pytest.mark.parametrize(
    ("name", "meant"),
    [
        ("LEASE_TLT", "LEASE_TTL"),
        ("GATEWAY_PROT", "GATEWAY_PORT"),
        ("DISCORD_TOKN_FILE", "DISCORD_TOKEN"),
    ],
)
def test_a_slip_is_told_with_what_was_meant(name: str, meant: str) -> None:
    assert list(unknown_settings.find([name], KNOWN)) == [Unknown(name, meant)]


def test_what_other_programs_are_told_is_left_alone() -> None:
    others = ["PATH", "HOME", "LEASE_TTL", "DISCORD_TOKEN_FILE", "GIT_PORT", "XDG_CACHE_HOME"]

    assert list(unknown_settings.find(others, KNOWN)) == []


def test_every_unknown_name_of_our_own_file_is_told() -> None:
    found = unknown_settings.find(["COLOUR", "NODES"], KNOWN, own=["COLOUR", "NODES"])

    assert list(found) == [Unknown("COLOUR", "")]
