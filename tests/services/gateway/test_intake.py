"""A shard's events on their way to a Valkey that breaks: in order, acknowledged once written."""

import pytest
from prometheus_client import CollectorRegistry

from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.actions import JoinVoice
from legato.contracts.partitions import Shard
from legato.contracts.voice import ListenersChanged, VoiceServerChanged
from legato.gateway.backlog import Backlog
from legato.gateway.intake import Intake
from legato.gateway.metrics import Metrics
from legato.gateway.shard_state import ShardState
from support_gateway import stage
from support_waiting import until


@pytest.fixture
async def scene(breakable, tmp_path):
    async with stage(breakable.url, tmp_path) as made:
        yield made


async def enter(scene):
    """Bring the bot to its first user, so that its player is told who listens."""
    guild, channel = int(scene.guild), int(scene.voice)
    await scene.sim.script.join_voice(scene.user, scene.voice)
    await scene.players.act(JoinVoice(key="j", guild_id=guild, channel_id=channel))
    await scene.players.first(VoiceServerChanged)


async def come_and_go(scene, times):
    for _ in range(times):
        await scene.sim.script.leave_voice(scene.user, scene.guild)
        await scene.sim.script.join_voice(scene.user, scene.voice)


async def everything_acknowledged(scene):
    """Wait until the stored seq is the newest that Discord sent."""
    key = keys.gateway_session(Shard(scene.players.bot, 0, 1))

    async def is_so():
        [session] = await scene.sim.script.sessions()
        return await scene.redis.hget(key, "seq") == str(session.seq).encode()

    await until(is_so)


def heard(scene, times):
    """Say who listened, as the player heard it of so many comings and goings, without repeats."""
    told = {one.mark.seq: one.listeners for one in scene.players.of(ListenersChanged)}
    return list(told) == sorted(told) and [*told.values()][-2 * times :] == [0, 1] * times


@pytest.mark.parametrize("how", ["killed", "frozen"])
async def test_what_happens_during_an_outage_reaches_the_player_in_order(breakable, scene, how):
    async with scene.gateway() as gateway:
        await enter(scene)
        [run] = gateway.app.shards.runs
        breakable.kill() if how == "killed" else breakable.freeze()

        await come_and_go(scene, 10)
        await until(lambda: run.waiting >= 20)
        breakable.start() if how == "killed" else breakable.thaw()

        await until(lambda: heard(scene, 10))
        await everything_acknowledged(scene)
        record = await scene.sim.script.record()

    assert (record.identifies, record.resumes) == (1, 0)


async def test_beyond_the_buffer_the_connection_waits_to_be_resumed_and_nothing_is_lost(
    breakable, scene
):
    async with scene.gateway(event_buffer=100) as gateway:
        await enter(scene)
        [run] = gateway.app.shards.runs
        breakable.freeze()

        await come_and_go(scene, 60)
        await until(lambda: not gateway.connected)
        held = run.waiting
        await come_and_go(scene, 60)
        with pytest.raises(TimeoutError):
            await until(lambda: gateway.connected, 2)
        breakable.thaw()

        await until(lambda: gateway.connected)
        await until(lambda: heard(scene, 120))
        await everything_acknowledged(scene)
        record = await scene.sim.script.record()

    assert 100 <= held <= 120
    # What is replayed may fill the buffer again while Redis takes it.
    assert record.identifies == 1
    assert record.resumes >= 1


async def test_an_event_that_is_not_understood_holds_up_no_other(scene, monkeypatch):
    async with scene.gateway() as gateway:
        await enter(scene)
        [run] = gateway.app.shards.runs
        apply = run.state.apply

        def broken(name, event, stamp):
            if name == "VOICE_STATE_UPDATE" and not event.channel_id:
                raise KeyError("never seen before")
            return apply(name, event, stamp)

        monkeypatch.setattr(run.state, "apply", broken)
        await come_and_go(scene, 3)

        await everything_acknowledged(scene)
        assert run.waiting == 0


READY = {"session_id": "s", "resume_gateway_url": "w", "user": {"id": "1"}, "guilds": []}
MOVE = {"user_id": "7", "channel_id": "8", "guild_id": "9"}


def test_a_replay_of_what_is_here_is_nothing_but_that_a_session_was_resumed_is_told():
    told, backlog = [], Backlog(100)
    metrics = Metrics(CollectorRegistry())
    intake = Intake(ShardState(1), None, None, ServerClock(), metrics, backlog)
    intake.on_session = told.append

    intake.take("READY", 1, "s", READY)
    for _ in range(3):
        intake.take("VOICE_STATE_UPDATE", 2, "s", MOVE)
    intake.replaying = True
    intake.take("RESUMED", 2, "s", None)

    assert told == ["READY", "RESUMED"]
    assert not intake.replaying
    assert intake.waiting == 2
    assert backlog.waiting == 3
