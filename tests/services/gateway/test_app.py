import asyncio

import aiohttp

from legato.contracts.actions import Queued
from legato.contracts.playback import Play
from legato.contracts.tracks import Track
from support_gateway import start
from support_waiting import PATIENCE, until


async def test_play_reaches_the_player_and_its_answer_the_asker(scene):
    song = Track(encoded="x", title="A Song", uri="https://example.org/song", length=61_000)
    scene.players.answer = lambda command: Queued(track=song, place=0)

    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        asked = await scene.sim.script.run_command(
            scene.user, scene.text, "play", {"query": "a song", "when": "next"}
        )
        shown = await asked.response()

    play = scene.players.of(Play)[0]
    assert (play.query, play.where, play.voice_channel_id) == ("a song", "next", int(scene.voice))
    assert shown.callback == 4
    assert "A Song" in shown.message.content


async def test_a_gateway_is_ready_once_its_shards_are_connected(scene):
    running = start(scene.settings())
    states = []
    async with aiohttp.ClientSession() as http, asyncio.timeout(PATIENCE):
        while not states or not states[-1][0]:
            await asyncio.sleep(0.01)
            async with http.get(f"http://127.0.0.1:{running.app.pages.port}/ready") as answer:
                states.append((answer.status == 200, running.connected))
        async with http.get(f"http://127.0.0.1:{running.app.pages.port}/metrics") as answer:
            metrics = await answer.text()
    await running.close()

    assert (False, False) in states
    assert states[-1] == (True, True)
    assert "legato_gateway_identifies_total 1.0" in metrics


async def test_a_gateway_without_shards_is_ready_too(scene):
    async with scene.gateway():
        spare = start(scene.settings(member="spare"))
        await until(lambda: spare.app.health.ready)
        await spare.close()


async def test_health_names_every_shard_redis_and_rest_with_their_latency(scene):
    names = {"redis", "discord_rest", "discord_shard_0", "discord_shard_1"}
    waited = set()
    async with scene.gateway(shards=2) as gateway:

        async def all_well():
            report = await gateway.app.health.report()
            asked = {name: report.dependencies[name] for name in names & {*report.dependencies}}
            waited.update(one.detail for one in asked.values() if one.status != "healthy")
            is_well = len(asked) == 4 and {one.status for one in asked.values()} == {"healthy"}
            return report if is_well else None

        report = await until(all_well)
        await scene.sim.script.drop_connection()
        again = await gateway.app.health.report()

    # A loop that a busy machine stalls says so; that is no news of what is asked here.
    assert {*report.dependencies} == names | {"event_loop"}
    assert not [why for why in waited if why == "no session now"]
    assert report.dependencies["redis"].latency_ms > 0
    assert report.dependencies["discord_rest"].detail.startswith("answered in")
    assert again.dependencies["discord_rest"].status == "healthy"
