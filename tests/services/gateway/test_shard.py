import asyncio
import os
import signal
import sys
import time
from datetime import timedelta

import pytest

from legato.contracts import keys
from legato.contracts.actions import JoinVoice, ShowPanel
from legato.contracts.partitions import Shard
from legato.contracts.playback import Pause, Resume
from legato.contracts.tracks import NowPlaying, Track
from legato.contracts.voice import (
    ListenersChanged,
    PanelShown,
    VoiceRefused,
    VoiceServerChanged,
    VoiceStateChanged,
)
from legato.embedded import ports
from legato.gateway.shard_store import Lost, ShardStore
from legato.leases import Lease, Leases
from support_gateway import start
from support_waiting import PATIENCE, until


def shard_of(scene):
    return Shard(scene.players.bot, 0, 1)


async def kinds_of_session_events(scene):
    return [event.kind for event in await scene.sim.script.session_events()]


async def test_a_gateway_that_stops_leaves_its_session_to_the_next(scene):
    async with scene.gateway():
        pass
    async with scene.gateway():
        record = await scene.sim.script.record()

    assert (record.identifies, record.resumes) == (1, 1)
    assert record.violations == []


async def test_what_happens_between_two_owners_is_replayed_to_the_second(scene):
    async with scene.gateway():
        pass
    await scene.sim.script.join_voice(scene.user, scene.voice)
    asked = await scene.sim.script.run_command(scene.user, scene.text, "pause")

    async with scene.gateway():
        await asked.response()

    assert len(scene.players.of(Pause)) == 1


async def test_the_acknowledged_seq_is_stored_for_the_next_owner(scene):
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        session = (await scene.sim.script.sessions())[0]

        async def stored():
            found = await scene.redis.hgetall(keys.gateway_session(shard_of(scene)))
            return found.get(b"seq") == str(session.seq).encode()

        await until(stored)


async def test_a_session_whose_own_address_is_gone_resumes_at_the_common_one(scene):
    async with scene.gateway():
        pass
    dead = f"ws://127.0.0.1:{ports.free()}"
    await scene.redis.hset(keys.gateway_session(shard_of(scene)), "resume_url", dead)

    async with scene.gateway():
        record = await scene.sim.script.record()

    assert (record.identifies, record.resumes) == (1, 1)


async def test_a_dropped_connection_resumes_by_itself(scene):
    async with scene.gateway() as gateway:
        await scene.sim.script.drop_connection()
        await until(lambda: not gateway.connected)
        await until(lambda: gateway.connected)
        record = await scene.sim.script.record()

    assert (record.identifies, record.resumes) == (1, 1)


async def test_an_invalid_session_is_begun_anew_with_a_permit(scene):
    async with scene.gateway() as gateway:
        await scene.sim.script.invalidate_session(resumable=False)

        async def anew():
            return (await scene.sim.script.record()).identifies == 2 and gateway.connected

        await until(anew)
        record = await scene.sim.script.record()

    assert record.violations == []


async def test_a_frozen_owner_can_write_nothing_any_more(scene):
    shard = shard_of(scene)
    old = await Leases(scene.redis, owner="old").acquire(shard)
    assert isinstance(old, Lease)
    await Leases(scene.redis, owner="old").release(old)
    await Leases(scene.redis, owner="new").acquire(shard)

    with pytest.raises(Lost):
        await ShardStore(scene.redis, shard).save_session(old, None)
    with pytest.raises(Lost):
        await ShardStore(scene.redis, shard).save_done(old, "1-1", [])


async def test_a_lease_lost_ends_the_connection_and_nothing_more_is_done(scene):
    async with scene.gateway() as gateway:
        await scene.redis.hset(keys.lease(shard_of(scene)), mapping={"owner": "b", "epoch": 10**15})
        await until(lambda: not gateway.connected)

        async def is_closed():
            return not (await scene.sim.script.sessions())[0].connected

        await until(is_closed)


async def test_an_emptied_redis_is_told_again_what_the_shard_knows(scene):
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        shard = shard_of(scene)
        names = (keys.gateway_session(shard), keys.guild_facts(shard), keys.voice_index(shard))

        async def is_there():
            return await scene.redis.exists(*names) == len(names)

        await until(is_there)
        await scene.redis.flushall()

        await until(is_there)
        record = await scene.sim.script.record()

    assert record.identifies == 1


async def test_the_bot_enters_a_channel_and_the_player_hears_of_it(scene):
    async with scene.gateway():
        await scene.sim.script.join_voice(scene.user, scene.voice)
        await scene.players.act(
            JoinVoice(key="j1", guild_id=int(scene.guild), channel_id=int(scene.voice))
        )
        await scene.players.first(VoiceServerChanged)
        await until(lambda: scene.players.of(VoiceStateChanged)[-1].channel_id is not None)
        state = scene.players.of(VoiceStateChanged)[-1]
        await scene.sim.script.leave_voice(scene.user, scene.guild)
        listeners = await scene.players.first(ListenersChanged)

    assert (state.channel_id, state.listeners) == (int(scene.voice), 1)
    assert listeners.listeners == 0


async def test_a_channel_that_stays_closed_is_told_in_two_seconds(scene):
    await scene.sim.script.set_permissions(scene.voice, scene.guild, deny=["CONNECT"])

    async with scene.gateway():
        await scene.players.act(
            JoinVoice(key="j2", guild_id=int(scene.guild), channel_id=int(scene.voice))
        )
        refused = await scene.players.first(VoiceRefused)

    assert refused.reason == "no_connect"


async def test_after_a_resume_the_players_are_told_where_the_bot_is(scene):
    async with scene.gateway():
        await scene.players.act(
            JoinVoice(key="j3", guild_id=int(scene.guild), channel_id=int(scene.voice))
        )
        await scene.players.first(VoiceServerChanged)
    before = len(scene.players.of(VoiceStateChanged))

    async with scene.gateway():
        told = await scene.players.first(VoiceStateChanged, before + 1)

    assert told.channel_id == int(scene.voice)


def panel(scene, number, revision, **more):
    now = NowPlaying(
        guild_id=int(scene.guild),
        revision=revision,
        as_of=int(time.time() * 1000),
        track=Track(encoded="x", title=f"Song {revision}", length=60_000),
        play_id=f"p{revision}",
    )
    return ShowPanel(
        key=f"panel:{number}",
        guild_id=int(scene.guild),
        channel_id=int(scene.text),
        now=now,
        **more,
    )


async def test_a_guild_has_one_panel_and_its_edits_are_coalesced(scene):
    async with scene.gateway():
        for revision in range(30):
            await scene.players.act(panel(scene, revision, revision))
        await scene.players.first(PanelShown)

        async def shows_the_newest():
            shown = await scene.sim.script.messages(scene.text)
            return "Song 29" in str(shown[0].embeds)

        await until(shows_the_newest)
        messages = await scene.sim.script.messages(scene.text)

    assert len(messages) == 1
    assert messages[0].edits <= 3


async def test_stopping_while_discord_is_away_ends_all_the_same(scene):
    running = start(scene.settings(discord_rest_url="http://127.0.0.1:9"))
    await asyncio.sleep(0)
    async with asyncio.timeout(PATIENCE):
        await running.close()


class Elsewhere:
    """A gateway in a process of its own."""

    def __init__(self, process):
        self.process = process

    @classmethod
    async def start(cls, scene):
        environment = {
            "PATH": os.environ["PATH"],
            "REDIS_URL": scene.redis_url,
            "DISCORD_TOKEN": scene.sim.token,
            "DISCORD_REST_URL": scene.sim.rest_url,
            "GATEWAY_PORT": "0",
            "PARTITIONS": "4",
            "SHARDS": "1",
            "LEGATO_DATA": str(scene.data),
            "LEASE_TTL": "2s",
            "LEASE_RENEW": "200ms",
            "MEMBER_READY_AFTER": "200ms",
        }
        return cls(
            await asyncio.create_subprocess_exec(
                sys.executable, "-m", "legato.gateway", env=environment
            )
        )

    async def end(self):
        if self.process.returncode is None:
            self.process.send_signal(signal.SIGCONT)
            self.process.kill()
        await self.process.wait()


async def test_a_frozen_gateway_that_wakes_does_nothing_twice(scene):
    frozen = await Elsewhere.start(scene)
    try:
        async with asyncio.timeout(PATIENCE):
            while not await scene.sim.script.commands():
                await asyncio.sleep(0.05)
        await scene.sim.script.join_voice(scene.user, scene.voice)
        session = keys.gateway_session(shard_of(scene))

        async def is_stored():
            return bool(await scene.redis.exists(session))

        await until(is_stored)
        frozen.process.send_signal(signal.SIGSTOP)
        asked = await scene.sim.script.run_command(scene.user, scene.text, "pause")

        async with scene.gateway(lease_ttl=timedelta(seconds=2)):
            await until(lambda: len(scene.players.of(Pause)) > 0)
            frozen.process.send_signal(signal.SIGCONT)
            again = await scene.sim.script.run_command(scene.user, scene.text, "resume")
            await again.response()
            record = await scene.sim.script.record()
            paused = {command.id for command in scene.players.of(Pause)}
            resumed = {command.id for command in scene.players.of(Resume)}
    finally:
        await frozen.end()

    assert paused == {int(asked.id)}
    assert resumed == {int(again.id)}
    assert record.identifies == 1
    assert record.violations == []
