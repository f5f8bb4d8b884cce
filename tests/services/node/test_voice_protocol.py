from legato.node import voice_protocol
from legato.node.protocol import VoiceState
from legato.node.voice_protocol import Seat

VOICE = VoiceState(token="t", endpoint="wss://voice.example:443/", session_id="s", channel_id="9")
SEAT = Seat(7, "5", VOICE)


def test_who_joins_offers_end_to_end_encryption() -> None:
    joining = voice_protocol.identify(SEAT)

    assert joining["op"] == 0
    assert joining["d"] == {
        "server_id": "7",
        "user_id": "5",
        "session_id": "s",
        "token": "t",
        "channel_id": "9",
        "max_dave_protocol_version": 1,
    }


def test_who_resumes_says_what_came_last() -> None:
    resuming = voice_protocol.resume(SEAT, 300)

    assert resuming["op"] == 7
    assert isinstance(resuming["d"], dict)
    assert resuming["d"]["seq_ack"] == 300


def test_a_seat_names_where_the_websocket_is_and_the_calls_group() -> None:
    assert SEAT.url == "wss://voice.example:443/?v=8"
    assert (SEAT.user_id, SEAT.channel_id) == (5, 9)


def test_only_a_close_that_discord_takes_back_is_resumed() -> None:
    assert [voice_protocol.after(code) for code in (4000, 4009, 4015)] == ["resume"] * 3
    assert [voice_protocol.after(code) for code in (4006, 4014, 4017)] == ["end"] * 3
