"""The node in encrypted calls: processes, sockets and real members of the group."""

import asyncio
import itertools
import os
import signal
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio

from legato_simulator.dave.policy import Policy
from legato_simulator.voice_call import Encryption
from legato_simulator.voice_faults import NONE, VoiceFaults
from support_audio_node import BOT, CHANNEL, Json, Stage, Studio, state, studio
from support_media import tone
from support_waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
PATIENCE = 60.0
OTHER_BOT = 701
READING_MS = 10
"""How exactly the time code is read."""
ADA, BEN = 900_000_000_000_000_001, 900_000_000_000_000_002


LONG = "long.opus.ogg"


def encrypted(stage: Stage, policy: Policy = Policy.REQUIRED) -> None:
    stage.voice.calls.demand(policy, stage.guild)


@pytest.fixture(autouse=True)
def long(shared: Studio) -> None:
    """Have a track that lasts."""
    if LONG not in shared.files.files:
        shared.files.files[LONG] = tone("opus.ogg", 60.0)


@pytest_asyncio.fixture(loop_scope="session")
async def hasty(tmp_path: Path, shared: Studio, long: None) -> AsyncIterator[Stage]:
    """Give a node that gives a group up soon, with a guild of its own."""
    files = {LONG: shared.files.files[LONG]}
    async with studio(tmp_path, files, group_timeout="2s", stuck_threshold="500ms") as running:
        yield await running.stage()


async def comes(stage: Stage, *people: int) -> None:
    for each in people:
        await stage.voice.announce(stage.guild, each, CHANNEL)


async def goes(stage: Stage, person: int) -> None:
    await stage.voice.announce(stage.guild, person, None)


def call(stage: Stage) -> Encryption:
    (found,) = [each for each in stage.voice.calls.told() if each.guild_id == stage.guild]
    return found


def opened(stage: Stage, person: int = ADA) -> int:
    calls = [each for each in stage.voice.calls.told() if each.guild_id == stage.guild]
    ears = itertools.chain.from_iterable(each.heard for each in calls)
    return sum(ear.opened for ear in ears if ear.user_id == person)


async def hears(stage: Stage, person: int = ADA, frames: int = 40) -> None:
    """Wait until somebody has opened so many more frames."""
    before = opened(stage, person)
    await until(lambda: opened(stage, person) >= before + frames, PATIENCE)


async def hears_at_last(stage: Stage) -> None:
    """Give the node voice again whenever its call is over, as a client does, until one hears."""
    enough, closes = opened(stage) + 40, 0

    def is_over() -> bool:
        return len(stage.client.events("WebSocketClosedEvent")) > closes

    while opened(stage) < enough:
        await until(lambda: is_over() or opened(stage) >= enough, PATIENCE)
        if is_over():
            closes = len(stage.client.events("WebSocketClosedEvent"))
            await stage.patch(voice=await stage.credentials())


async def settled(stage: Stage, *members: int) -> None:
    wanted = {BOT, *members}
    await until(lambda: set(call(stage).members) == wanted and not call(stage).changing, PATIENCE)


def nothing_is_lost(stage: Stage) -> None:
    told = call(stage)
    assert told.refused == []
    assert told.plain == {}
    assert [each.undecryptable for each in told.heard] == [0] * len(told.heard)
    assert [each.invalid for each in told.heard] == [0] * len(told.heard)


def no_moment_is_lost(stage: Stage) -> None:
    """A machine that is too slow for a change may make the track wait, but not skip."""
    heard = stage.moments()
    assert max(heard.skipped_ms, heard.repeated_ms) <= READING_MS


async def test_a_track_begins_when_the_group_stands_and_is_heard_from_its_first_frame(
    stage: Stage,
) -> None:
    encrypted(stage)
    await comes(stage, ADA)

    await stage.play("tone.opus.ogg")
    await hears(stage)

    nothing_is_lost(stage)
    assert call(stage).heard[0].early == 0
    assert stage.moments().segments[0].start_ms <= 45


async def test_who_is_alone_plays_and_the_first_to_come_hears(stage: Stage) -> None:
    encrypted(stage)
    await stage.play("tone.mp3")
    await stage.frames(20)

    await comes(stage, ADA)
    await hears(stage)

    nothing_is_lost(stage)
    no_moment_is_lost(stage)


async def test_people_come_and_go_and_nobody_misses_a_frame(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)

    for _ in range(10):
        await comes(stage, BEN)
        await settled(stage, ADA, BEN)
        await goes(stage, BEN)
        await settled(stage, ADA)
    await hears(stage)

    nothing_is_lost(stage)
    assert call(stage).flagged == 0
    no_moment_is_lost(stage)


async def test_a_call_goes_down_to_no_encryption_and_up_again(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)

    encrypted(stage, Policy.OFF)
    await until(lambda: call(stage).version == 0, PATIENCE)
    await stage.frames(40)
    encrypted(stage)
    await settled(stage, ADA)
    await hears(stage)

    assert call(stage).refused == []
    no_moment_is_lost(stage)


@pytest.mark.parametrize("fault", ["spoil_commits", "spoil_welcomes"])
async def test_a_broken_commit_or_welcome_is_recovered_from(stage: Stage, fault: str) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    faults = VoiceFaults(spoil_commits=1, spoil_welcomes=fault == "spoil_welcomes")
    if fault == "spoil_welcomes":
        stage.voice.set_faults(faults, guild_id=stage.guild)
    await stage.play(LONG)
    await hears(stage)
    if fault == "spoil_commits":
        stage.voice.set_faults(faults, guild_id=stage.guild)
        await comes(stage, BEN)
        await settled(stage, ADA, BEN)
        await hears(stage)

    assert call(stage).flagged > 0
    nothing_is_lost(stage)
    no_moment_is_lost(stage)


async def test_another_key_process_joins_anew_when_the_first_dies(
    shared: Studio, stage: Stage
) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)
    epochs = call(stage).epochs

    (pid,) = [each for each, line in stage.node.children().items() if "key_process" in line]
    os.kill(pid, signal.SIGKILL)
    await until(lambda: call(stage).epochs > epochs, PATIENCE)
    await settled(stage, ADA)
    await hears(stage)

    nothing_is_lost(stage)
    no_moment_is_lost(stage)


async def test_only_the_key_process_computes_for_groups(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)

    loaded = {
        line
        for pid, line in [(stage.node.process.pid, "control"), *stage.node.children().items()]
        if "davey" in Path(f"/proc/{pid}/maps").read_text()
    }

    (line,) = loaded
    assert "key_process" in line


async def test_a_broken_welcome_each_time_is_not_tried_for_ever(hasty: Stage) -> None:
    encrypted(hasty)
    await comes(hasty, ADA, BEN)
    faults = VoiceFaults(spoil_welcomes=10_000, spoil_commits=10_000)
    hasty.voice.set_faults(faults, guild_id=hasty.guild)
    await hasty.play(LONG)

    closed = await hasty.client.event("WebSocketClosedEvent")

    assert (closed["code"], closed["byRemote"]) == (4017, False)
    assert call(hasty).plain == {}


async def test_a_group_that_never_lets_the_bot_in_is_told_and_the_track_waits(
    hasty: Stage,
) -> None:
    encrypted(hasty)
    await comes(hasty, ADA, BEN)
    hasty.voice.set_faults(VoiceFaults(lost_welcomes=10_000), guild_id=hasty.guild)
    await hasty.play(LONG)

    closed = await hasty.client.event("WebSocketClosedEvent")
    before = hasty.client.messages[: hasty.client.messages.index(closed)]
    hasty.voice.set_faults(NONE, guild_id=hasty.guild)
    await hears_at_last(hasty)

    assert (closed["code"], closed["byRemote"]) == (4017, False)
    assert "does not let this node in" in str(closed["reason"])
    last = [each for each in before if each["op"] == "playerUpdate"][-1]
    assert (state(last)["position"], state(last)["connected"]) == (0, False), "where it waited"
    assert hasty.moments().segments[0].start_ms <= 45
    nothing_is_lost(hasty)


async def test_a_track_that_waits_for_its_keys_is_not_stuck(hasty: Stage) -> None:
    encrypted(hasty)
    await comes(hasty, ADA)
    await hasty.play(LONG)
    await hears(hasty)

    faults = VoiceFaults(spoil_commits=1, lost_welcomes=10_000)
    hasty.voice.set_faults(faults, guild_id=hasty.guild)
    await comes(hasty, BEN)
    closed = await hasty.client.event("WebSocketClosedEvent")

    assert (closed["code"], closed["byRemote"]) == (4017, False)
    assert hasty.client.events("TrackStuckEvent") == []


@pytest.mark.parametrize("code", [4015, 4000])
async def test_a_resumed_websocket_finds_the_group_as_it_was(stage: Stage, code: int) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)
    before, resumes = call(stage), stage.voice.resumes

    await stage.voice.close(stage.guild, BOT, code)
    await until(lambda: stage.voice.resumes > resumes, PATIENCE)
    await hears(stage)

    assert (call(stage).epoch, call(stage).members) == (before.epoch, before.members)
    nothing_is_lost(stage)
    no_moment_is_lost(stage)


async def test_people_who_come_while_the_websocket_is_away_are_heard_after_it(
    stage: Stage,
) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)
    resumes = stage.voice.resumes

    await stage.voice.close(stage.guild, BOT, 4015)
    await comes(stage, BEN)
    await until(lambda: stage.voice.resumes > resumes, PATIENCE)
    await settled(stage, ADA, BEN)
    await hears(stage, BEN)

    nothing_is_lost(stage)
    no_moment_is_lost(stage)


async def test_a_move_to_another_voice_server_makes_a_new_group(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)

    moved = await stage.voice.move(stage.guild, BOT, "hill")
    assert moved is not None
    voice = {"token": moved.token, "endpoint": moved.endpoint}
    await stage.patch(voice={**voice, "sessionId": "gateway-session", "channelId": str(CHANNEL)})
    await until(lambda: len(stage.report().epochs) == 2, PATIENCE)
    await hears(stage)

    assert call(stage).refused == []
    assert stage.client.events("TrackEndEvent") == []


async def test_the_track_waits_until_a_new_voice_servers_group_lets_the_bot_in(
    stage: Stage,
) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)
    stage.voice.set_faults(VoiceFaults(lost_welcomes=1), guild_id=stage.guild)

    await stage.patch(paused=True)  # what is sent to a server that moves away is lost on its way
    await stage.quiet()
    moved = await stage.voice.move(stage.guild, BOT, "hill")
    assert moved is not None
    voice = {"token": moved.token, "endpoint": moved.endpoint}
    voice |= {"sessionId": "gateway-session", "channelId": str(CHANNEL)}
    await stage.patch(voice=voice, paused=False)
    await hears(stage)

    assert len(stage.report().epochs) == 2
    no_moment_is_lost(stage)


async def test_many_calls_change_at_once_and_each_plays_on(shared: Studio, stage: Stage) -> None:
    async def play(stage: Stage, name: str) -> None:
        encrypted(stage)
        await comes(stage, ADA)
        await stage.play(LONG)
        await hears(stage)

    stages = await shared.stages([str(each) for each in range(6)], play)
    for each in itertools.chain.from_iterable([stages.values()] * 2):
        await comes(each, BEN)
        await goes(each, BEN)
    async with asyncio.TaskGroup() as group:
        for each in stages.values():
            group.create_task(hears(each))

    for each in stages.values():
        nothing_is_lost(each)
        no_moment_is_lost(each)


async def test_twenty_four_people_and_a_bot_are_one_group_and_all_hear(
    stage: Stage, monkeypatch: pytest.MonkeyPatch
) -> None:
    people = [ADA + each for each in range(24)]
    monkeypatch.setattr(stage.voice.calls, "most_ears", len(people))
    encrypted(stage)
    await comes(stage, *people)

    await stage.play(LONG)
    await hears(stage)
    await settled(stage, *people)
    async with asyncio.TaskGroup() as group:
        for each in people:
            group.create_task(hears(stage, each))

    nothing_is_lost(stage)
    no_moment_is_lost(stage)


async def test_a_seek_and_the_next_track_are_heard_encrypted(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play("tone.opus.ogg", endTime=2000)
    await hears(stage)
    await stage.patch(position=500)
    await stage.client.event("TrackEndEvent")
    await stage.patch(track={"encoded": await stage.track("tone.mp3")})
    await hears(stage)

    nothing_is_lost(stage)


async def test_two_bots_of_a_call_are_both_heard(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)
    other = await stage.node.connect(user=OTHER_BOT)
    given = await stage.voice.open(stage.guild, CHANNEL, OTHER_BOT, "another")
    voice = {"token": given.token, "endpoint": given.endpoint}
    body: Json = {
        "track": {"encoded": await stage.track(LONG)},
        "voice": {**voice, "sessionId": "another", "channelId": str(CHANNEL)},
    }

    await other.patch(body, guild=stage.guild)
    await settled(stage, OTHER_BOT, ADA)
    await until(lambda: sounding(stage, OTHER_BOT) >= 40, PATIENCE)
    await hears(stage)

    nothing_is_lost(stage)
    no_moment_is_lost(stage)


def sounding(stage: Stage, bot: int) -> int:
    report = stage.voice.report(stage.guild, bot)
    return 0 if report is None else report.sound


async def test_a_stage_is_not_encrypted_whatever_the_server_asks(stage: Stage) -> None:
    encrypted(stage)
    stage.voice.calls.stage(stage.guild, CHANNEL)
    await comes(stage, ADA)

    await stage.play("tone.mp3")
    await stage.frames(40)

    assert (call(stage).version, call(stage).epoch) == (0, 0)
    assert stage.report().epochs[0].sealed == 0


async def test_a_slow_member_is_waited_for_and_misses_nothing(stage: Stage) -> None:
    encrypted(stage)
    await comes(stage, ADA)
    await stage.play(LONG)
    await hears(stage)
    stage.voice.set_faults(VoiceFaults(slow_listeners=0.3), guild_id=stage.guild)

    await comes(stage, BEN)
    await settled(stage, ADA, BEN)
    await hears(stage, BEN)

    nothing_is_lost(stage)
    no_moment_is_lost(stage)
