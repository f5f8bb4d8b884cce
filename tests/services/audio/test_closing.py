import asyncio
from datetime import timedelta
from types import SimpleNamespace

from msgspec.structs import replace

from legato.audio import closing, player
from legato.audio.events import Closing
from legato.audio.state import VoiceState
from legato.contracts.fleet import Directive
from support_driving import GUILD, World
from support_waiting import until

SOON = timedelta(milliseconds=10)


async def test_a_bot_that_is_deleted_leaves_every_channel() -> None:
    world = World({}, None)
    world.players[GUILD + 1] = replace(world.players[GUILD], guild_id=43, voice=VoiceState())
    fleet = SimpleNamespace(directive=Directive(version=1))
    leaving = asyncio.create_task(closing.leave(world, fleet, every=SOON))
    await asyncio.sleep(0)
    assert not world.told

    fleet.directive = Directive(version=2, closing=True)
    await until(lambda: world.told)
    leaving.cancel()
    await asyncio.wait([leaving])

    assert {each.guild_id for each in world.told} == {GUILD}
    step = player.step(world.players[GUILD], world.of(Closing)[0], now=10_000)
    assert step.player.voice.wanted is None
