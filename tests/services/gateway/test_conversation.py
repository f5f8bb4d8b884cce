import asyncio

import pytest

from legato.gateway import discord
from legato.gateway.answers import EPHEMERAL
from legato.gateway.conversation import Conversation, Ticket

HELLO = {"content": "hello"}
NO = {"content": "no", "flags": EPHEMERAL}


class Courier:
    """Keeps what is sent, and refuses what it is told to."""

    def __init__(self, **refusals):
        self.sent = []
        self.refusals = refusals

    async def answer(self, route, body=None, **path):
        await asyncio.sleep(0)
        name = {
            discord.CALLBACK: "callback",
            discord.EDIT_ORIGINAL: "edit",
            discord.DELETE_ORIGINAL: "delete",
            discord.FOLLOW_UP: "follow_up",
        }[route]
        if code := self.refusals.get(name):
            raise discord.Refused(400, code, "no")
        self.sent.append((name, body))


def conversation(courier, *, state="open", **ticket):
    return Conversation(Ticket(1, 2, "t", **ticket), courier, state=state)


async def test_an_early_answer_is_the_callback_itself():
    courier = Courier()
    await conversation(courier).say(HELLO)

    assert courier.sent == [("callback", {"type": 4, "data": HELLO})]


async def test_a_late_answer_edits_the_deferred_one():
    courier = Courier()
    talk = conversation(courier)
    await talk.defer()
    await talk.say(HELLO)

    assert courier.sent == [("callback", {"type": 5, "data": {}}), ("edit", HELLO)]


async def test_a_deferral_does_not_wait_for_an_edit_that_waits_for_discord():
    """A gateway that ends defers all that is open, and would end late."""
    courier, held = Courier(), asyncio.Event()
    talk = conversation(courier)
    await talk.defer()
    answer = courier.answer

    async def wait(*args, **path):
        await held.wait()
        return await answer(*args, **path)

    courier.answer = wait
    saying = asyncio.create_task(talk.say(HELLO))
    await asyncio.sleep(0)

    assert not await talk.defer()
    assert not saying.done()
    held.set()
    await saying


async def test_a_deferral_and_an_answer_at_once_do_not_cross():
    courier = Courier()
    talk = conversation(courier)
    await asyncio.gather(talk.say(HELLO), talk.defer())

    assert courier.sent == [("callback", {"type": 4, "data": HELLO})]


async def test_a_late_refusal_takes_the_public_answer_away():
    courier = Courier()
    await conversation(courier, state="deferred").say(NO)

    assert courier.sent == [("delete", None), ("follow_up", NO)]


async def test_a_late_refusal_of_a_hidden_command_is_a_plain_edit():
    courier = Courier()
    await conversation(courier, state="deferred", hidden=True).say(NO)

    assert courier.sent == [("edit", {"content": "no"})]


async def test_a_button_defers_without_a_message_and_refuses_beside_it():
    courier = Courier()
    talk = conversation(courier, is_button=True)
    await talk.defer()
    await talk.say(NO)

    assert courier.sent == [("callback", {"type": 6}), ("follow_up", NO)]


async def test_a_page_turns_in_place_early_and_late():
    early, late = Courier(), Courier()
    await conversation(early, is_button=True).turn(HELLO)
    await conversation(late, is_button=True, state="deferred").turn(HELLO)

    assert early.sent == [("callback", {"type": 7, "data": HELLO})]
    assert late.sent == [("edit", HELLO)]


async def test_what_another_process_acknowledged_is_edited():
    courier = Courier(callback=discord.ALREADY_ACKNOWLEDGED)
    await conversation(courier).say(HELLO)

    assert courier.sent == [("edit", HELLO)]


@pytest.mark.parametrize(
    ("state", "refusals"),
    [
        ("open", {"callback": discord.UNKNOWN_INTERACTION}),
        ("deferred", {"edit": discord.UNKNOWN_WEBHOOK}),
    ],
)
async def test_an_answer_nobody_waits_for_is_counted_and_let_go(state, refusals):
    talk = conversation(Courier(**refusals), state=state)
    await talk.say(HELLO)

    assert talk.was_too_late


async def test_other_refusals_are_told():
    with pytest.raises(discord.Refused):
        await conversation(Courier(callback=50035)).say(HELLO)
