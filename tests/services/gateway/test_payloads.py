import msgspec
import pytest

from legato.gateway import events
from legato.gateway.payloads import loads, read

READY = {"session_id": "s", "resume_gateway_url": "w", "user": {"id": "1"}, "guilds": []}
MOVE = {"user_id": "7", "channel_id": "8", "guild_id": "9", "member": {"nick": "x", "roles": ["5"]}}


def payload(op, name=None, data=None, seq=None):
    return msgspec.json.encode({"op": op, "t": name, "s": seq, "d": data})


@pytest.mark.parametrize(
    "raw",
    [
        payload(10, data={"heartbeat_interval": 41250}),
        payload(9, data=False),
        payload(9, data=True),
        payload(11),
        payload(7),
        payload(0, "READY", READY, 1),
        payload(0, "RATE_LIMITED", {"opcode": 8, "retry_after": 1.5, "meta": {}}, 2),
        b'{"op":11}',
    ],
)
def test_what_hikari_looks_into_is_there_as_it_was(raw):
    whole = {"op": None, "t": None, "s": None, "d": None} | msgspec.json.decode(raw)

    assert loads(raw) == whole


def test_an_event_that_is_ours_is_read_from_its_bytes_as_from_its_values():
    found = loads(payload(0, "VOICE_STATE_UPDATE", MOVE, 3))

    assert (found["op"], found["t"], found["s"]) == (0, "VOICE_STATE_UPDATE", 3)
    assert read(found["d"], events.VoiceState) == read(MOVE, events.VoiceState)
    assert read(found["d"], events.VoiceState) == events.VoiceState(
        user_id=7, channel_id=8, guild_id=9, member=events.Member(roles=(5,))
    )


def test_an_event_that_is_not_ours_is_not_looked_into():
    assert loads(payload(0, "TYPING_START", {"user_id": "7"}, 4))["d"] is None
    assert loads(payload(0, "RESUMED", {"_trace": []}, 5))["d"] is None


def test_another_shape_is_told():
    with pytest.raises(msgspec.ValidationError):
        read(loads(payload(0, "VOICE_STATE_UPDATE", {"user_id": []}, 3))["d"], events.VoiceState)
    with pytest.raises(msgspec.ValidationError):
        read({"user_id": []}, events.VoiceState)
