"""Only what has changed is published."""

from legato_simulator.json_values import Json
from legato_simulator.presence import Presence


def test_each_change_is_published_once() -> None:
    presence, told = Presence(), list[tuple[str, Json]]()

    def publish(kind: str, data: Json) -> None:
        told.append((kind, data))

    presence.look([7], [(1, 7)], publish)
    presence.look([7], [(1, 7)], publish)
    assert presence.is_online(7)
    assert presence.is_speaking(1, 7)
    presence.look([7], [], publish)

    speaking = {"guild_id": "1", "user_id": "7", "speaking": True}
    assert told == [
        ("presence", {"user_id": "7", "online": True}),
        ("speaking", speaking),
        ("speaking", speaking | {"speaking": False}),
    ]
