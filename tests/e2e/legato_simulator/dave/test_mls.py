"""Key packages, commits and welcomes as davey makes them, and what is wrong with others."""

import davey
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from legato_simulator.dave import mls
from legato_simulator.dave.encoding import Malformed, Reader
from support_dave import ADA, BEN, CHANNEL

PACKAGE = davey.DaveSession(1, ADA, CHANNEL).get_serialized_key_package()


def test_a_key_package_is_read():
    package = mls.read_key_package(PACKAGE, ADA)

    assert package.leaf.identity == ADA.to_bytes(8, "big")
    assert len(package.reference) == 32


def test_a_key_package_of_someone_else_is_refused():
    with pytest.raises(Malformed, match="someone else"):
        mls.read_key_package(PACKAGE, BEN)


@settings(deadline=None)
@given(st.integers(0, len(PACKAGE) - 1), st.integers(1, 255))
def test_no_byte_of_a_key_package_can_be_changed(at: int, by: int):
    spoiled = PACKAGE[:at] + bytes([PACKAGE[at] ^ by]) + PACKAGE[at + 1 :]

    with pytest.raises(Malformed):
        mls.read_key_package(spoiled, ADA)


@settings(deadline=None)
@given(st.integers(0, len(PACKAGE) - 1))
def test_no_part_of_a_key_package_is_one(size: int):
    with pytest.raises(Malformed):
        mls.read_key_package(PACKAGE[:size], ADA)


@given(st.binary(max_size=300))
def test_noise_is_no_commit_and_no_welcome(noise: bytes):
    with pytest.raises(Malformed):
        mls.read_commit(Reader(noise))
    with pytest.raises(Malformed):
        mls.welcome_for(noise, mls.read_key_package(PACKAGE, ADA))
