"""The same interaction twice, a button of an old panel, a forged custom id."""

import pytest

from legato_machine.machine import Machine

pytestmark = pytest.mark.asyncio(loop_scope="module")


async def test_an_interaction_that_comes_twice_happens_once(stage: Machine) -> None:
    room = await stage.room("hears twice")
    await room.play("tone-1-180s.ogg")
    await room.hears(1, after=500)

    await stage.discord.duplicate_interactions(1)
    await room.play("tone-2-60s.ogg")

    shown = await room.type("queue")
    assert shown.message is not None
    assert shown.message.text.count("Test tone 2") == 1


async def test_a_button_of_an_old_panel_is_answered_kindly(stage: Machine) -> None:
    room = await stage.room("presses late")
    await room.play("tone-1-180s.ogg")
    await room.hears(1, after=500)
    panel = await room.panel()
    old = room.button(panel, "skip")
    await room.play("tone-2-180s.ogg")
    await room.type("skip")
    await room.hears(2, after=500)

    pressed = await stage.discord.press_button(room.person.id, panel.id, old, forge=True)
    answer = await pressed.response()

    assert answer.message is not None
    assert answer.message.ephemeral
    await room.hears(2, after=1500)


async def test_a_forged_custom_id_is_refused(stage: Machine) -> None:
    room = await stage.room("is lied to")
    await room.play("tone-3-180s.ogg")
    await room.hears(3, after=500)
    panel = await room.panel()

    for forged in ("l1:skip:../../x", "l9:explode:1", "x" * 100):
        pressed = await stage.discord.press_button(room.person.id, panel.id, forged, forge=True)
        answer = await pressed.response()
        assert answer.message is not None
        assert answer.message.ephemeral

    await room.hears(3, after=1500)
