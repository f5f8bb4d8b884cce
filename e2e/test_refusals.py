"""What can't be done is refused, to the asker alone, and no node hears of it."""

import pytest

from legato_machine.machine import Machine
from legato_machine.room import Room

pytestmark = pytest.mark.asyncio(loop_scope="module")
TRICKS = {
    "a private address": "http://10.0.0.1/song.mp3",
    "loopback by name": "http://localhost:1/song.mp3",
    "the metadata address": "http://169.254.169.254/latest/meta-data",
    "a shortened loopback": "http://127.1/song.mp3",
    "loopback in IPv6": "http://[::1]/song.mp3",
    "a name with a password": "http://user:secret@example.com/song.mp3",
    "another scheme": "file:///etc/passwd",
    "a link in the middle": "look http://10.0.0.1/x",
    "a nonsense link": "http://nonsense",
    "nothing but hidden characters": "\u200b\u202e\u2066\ufeff",
}


async def refused(room: Room, query: str) -> str:
    """Ask for something that is refused, and return the sentence."""
    answer = await room.type("play", {"query": query})
    assert answer.message is not None
    assert answer.message.ephemeral
    assert len(answer.message.text) > 20
    return answer.message.text


@pytest.mark.parametrize("query", TRICKS.values(), ids=TRICKS.keys())
async def test_a_link_that_may_not_be_opened_is_refused(stage: Machine, query: str) -> None:
    room = await stage.room("is refused")
    before = await stage.loads()

    sentence = await refused(room, query)

    assert "secret" not in sentence
    assert await stage.loads() == before


async def test_a_text_of_10_000_characters_is_refused(stage: Machine) -> None:
    room = await stage.room("talks too much")
    before = await stage.loads()

    raw = await stage.discord.run_command(
        room.person.id, room.text.id, "play", {"query": "x" * 10_000}, forge=True
    )
    answer = await raw.response()

    assert answer.message is not None
    assert answer.message.ephemeral
    assert await stage.loads() == before


async def test_who_is_not_in_voice_is_told_to_join(stage: Machine) -> None:
    room = await stage.room("stands outside")
    before = await stage.loads()
    await stage.discord.leave_voice(room.person.id, room.guild.id)

    sentence = await refused(room, stage.music("tone-1-60s.ogg"))

    assert "voice channel" in sentence
    assert await stage.loads() == before


async def test_a_channel_the_bot_may_not_enter_is_refused(stage: Machine) -> None:
    room = await stage.room("is locked")
    before = await stage.loads()
    await stage.discord.set_permissions(room.voice.id, str(stage.bot_id), deny=["CONNECT"])

    sentence = await refused(room, stage.music("tone-1-60s.ogg"))

    assert "Connect" in sentence
    assert await stage.loads() == before


async def test_what_may_be_played_is_asked_of_the_node(stage: Machine) -> None:
    room = await stage.room("plays on")
    before = await stage.loads()

    await room.play("tone-1-60s.ogg")

    assert await stage.loads() == before + 1


async def test_steering_takes_the_dj_role_where_there_is_one(stage: Machine) -> None:
    room = await stage.room("has a DJ")
    role = await stage.discord.make_role(room.guild.id, "DJ")
    await room.type("settings dj-role", {"role": role.id})
    guest = await stage.discord.make_user("guest", room.guild.id)
    await stage.discord.join_voice(guest.id, room.voice.id)
    await room.play("tone-1-180s.ogg")
    await room.hears(1, after=500)

    asked = await stage.discord.run_command(guest.id, room.text.id, "skip")
    answer = await asked.response()

    assert answer.message is not None
    assert answer.message.ephemeral
    await room.hears(1, after=1500)
