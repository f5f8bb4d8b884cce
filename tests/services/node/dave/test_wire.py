import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.node.dave import exchange, wire


@pytest.mark.parametrize(
    ("op", "data", "event"),
    [
        (11, {"user_ids": ["5", "x", 7, "9"]}, exchange.ClientsConnected(frozenset({5, 9}))),
        (11, {}, exchange.ClientsConnected(frozenset())),
        (13, {"user_id": "5"}, exchange.ClientDisconnected(5)),
        (13, {"user_id": str(1 << 64)}, None),
        (21, {"transition_id": 3, "protocol_version": 1}, exchange.PrepareTransition(3, 1)),
        (22, {"transition_id": 3}, exchange.ExecuteTransition(3)),
        (24, {"epoch": 1, "protocol_version": 1}, exchange.PrepareEpoch(1, 1)),
        (12, {"user_id": "5"}, None),
        ("21", {}, None),
    ],
)
def test_json_messages_are_read(op: object, data: wire.Payload, event: object) -> None:
    assert wire.text(op, data) == event


@pytest.mark.parametrize(
    ("message", "event"),
    [
        (b"\x00\x07\x19sender", exchange.ExternalSender(b"sender")),
        (b"\x00\x07\x1b\x00data", exchange.Proposals(revoked=False, data=b"data")),
        (b"\x00\x07\x1b\x01data", exchange.Proposals(revoked=True, data=b"data")),
        (b"\x00\x07\x1b\x02data", None),
        (b"\x00\x07\x1d\x01\x02data", exchange.CommitOrWelcome(258, "commit", b"data")),
        (b"\x00\x07\x1e\x00\x02data", exchange.CommitOrWelcome(2, "welcome", b"data")),
        (b"\x00\x07\x1e\x00", None),
        (b"\x00\x07", None),
        (b"\x00\x07\x1a\x00", None),
    ],
)
def test_binary_messages_are_read(message: bytes, event: object) -> None:
    assert wire.binary(message) == event


def test_a_binary_message_has_its_number_before_its_kind() -> None:
    assert wire.sequence(b"\x01\x02\x19sender", -1) == 258
    assert wire.sequence(b"\x01", 7) == 7


def test_numbers_go_on_beyond_their_16_bits() -> None:
    assert wire.sequence(b"\x00\x02\x19", 65_535) == 65_538
    assert wire.sequence(b"\x00\x02\x19", 65_538) == 65_538
    assert wire.sequence(b"\xff\xff\x19", 65_530) == 65_535


@given(st.binary(max_size=40))
def test_no_bytes_are_an_error(message: bytes) -> None:
    wire.binary(message)
    assert wire.sequence(message, 7) >= 7


def test_what_is_sent_is_as_discord_wants_it() -> None:
    assert wire.message(exchange.SendReadyForTransition(5)) == {"op": 23, "d": {"transition_id": 5}}
    assert wire.message(exchange.SendInvalidCommitWelcome(5)) == {
        "op": 31,
        "d": {"transition_id": 5},
    }
    assert wire.message(exchange.SendKeyPackage(b"key")) == b"\x1akey"
    assert wire.message(exchange.SendCommitWelcome(b"commit")) == b"\x1ccommit"
