"""A guild has one panel: it moves where it is wanted, also when the gateway is another by then."""

import pytest

from legato import text
from legato_machine.conditions import until
from legato_machine.machine import Machine
from legato_machine.room import Room
from legato_simulator.views import MessageView

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def panels(room: Room, channel: str) -> list[MessageView]:
    """List the bot's messages with buttons that all can see in a channel."""
    found = await room.machine.discord.messages(channel, str(room.machine.bot_id))
    return [each for each in found if each.components and not each.ephemeral]


async def test_a_panel_leaves_its_channel_with_a_gateway_that_never_saw_it(stage: Machine) -> None:
    room = await stage.room("moves its panel")
    other = await stage.discord.make_channel(room.guild.id, "elsewhere", "text")
    await room.play("tone-1-60s.ogg")
    old = await room.panel()

    await stage.parts["gateway"].stop()
    await stage.parts["gateway"].start()
    sent = await stage.discord.run_command(room.person.id, other.id, "nowplaying", {})
    await sent.response()

    async def moved() -> bool:
        return bool(await panels(room, other.id)) and not await panels(room, room.text.id)

    await until(moved, what="the panel in the other channel, and none in the first")
    [new] = await panels(room, other.id)
    assert new.id != old.id
    pressed = await stage.discord.press_button(room.person.id, new.id, room.button(new, "toggle"))
    assert (await pressed.response()).state == "answered"


async def test_a_panel_comes_below_what_was_said_since_when_it_is_asked_for(stage: Machine) -> None:
    room = await stage.room("asks for its panel")
    await room.play("tone-4-60s.ogg")
    old = await room.panel()

    asked = await room.type("nowplaying")

    async def is_below() -> MessageView | None:
        found = await panels(room, room.text.id)
        return found[0] if len(found) == 1 and found[0].id != old.id else None

    new = await until(is_below, what="one panel, a new message")
    assert asked.message is not None
    assert not asked.message.components
    assert int(new.id) > int(asked.message.id)
    assert (await room.press("toggle")).state == "answered"


async def test_a_button_of_a_play_that_is_over_is_answered_kindly_after_a_restart(
    stage: Machine,
) -> None:
    room = await stage.room("presses an old button")
    await room.play("tone-2-60s.ogg")
    await room.play("tone-3-60s.ogg")
    button = room.button(await room.panel(), "toggle")
    await room.type("skip")
    left_behind = (await room.type("queue")).message
    assert left_behind is not None

    await stage.parts["gateway"].stop()
    await stage.parts["gateway"].start()
    pressed = await stage.discord.press_button(room.person.id, left_behind.id, button, forge=True)

    answer = await pressed.response()
    assert answer.message is not None
    assert answer.message.content == text.REFUSALS["old_panel"]
    assert answer.ephemeral
