import asyncio

from legato.audio.strikes import WITHIN, Strikes
from support_waiting import PATIENCE


async def test_what_is_done_falls_due_soon_and_together() -> None:
    due = asyncio.Event()
    strikes = Strikes(due.set)
    begun = asyncio.get_running_loop().time()
    strikes.note(1, "sync_node")
    strikes.note(1, "tell:9")
    strikes.note(2, "sync_node")

    await asyncio.wait_for(due.wait(), PATIENCE)

    assert asyncio.get_running_loop().time() - begun >= WITHIN * 0.9
    assert strikes.is_due
    assert strikes.take(lambda *_: False) == {1: ["sync_node", "tell:9"], 2: ["sync_node"]}
    assert not strikes.is_due


async def test_what_is_to_do_again_is_not_struck_out() -> None:
    strikes = Strikes(lambda: None)
    strikes.note(1, "sync_node")
    strikes.note(1, "sync_panel")

    assert strikes.take(lambda guild, key: (guild, key) == (1, "sync_node")) == {1: ["sync_panel"]}
    strikes.rest()


async def test_what_was_taken_does_not_fall_due_again() -> None:
    calls: list[None] = []
    strikes = Strikes(lambda: calls.append(None))
    strikes.note(1, "sync_node")
    strikes.take(lambda *_: False)
    strikes.note(1, "sync_panel")
    due = asyncio.Event()
    other = Strikes(due.set)
    other.note(1, "a later timer")

    await asyncio.wait_for(due.wait(), PATIENCE)

    assert len(calls) == 1
    assert strikes.take(lambda *_: False) == {1: ["sync_panel"]}
