"""Voice: joining, sounding, moving, and every way a connection ends."""

import asyncio
import time

import pytest

from conformance import shapes
from conformance.citing import documented
from conformance.client import Client
from conformance.differences import Differs, Way
from conformance.guild import CHANNEL, PERSON, Guild
from legato_simulator.dave.policy import Policy

SONG = "tone-1-60s.webm"
FRAME = 35.0
"""Milliseconds: one frame, and what codecs delay."""
ANSWER = 7.0
"""Seconds after which a PATCH is taken for one that never answers."""


@documented("Information required for connecting to Discord", "rest.md")
async def test_a_patch_joins_voice(guild: Guild) -> None:
    voice = await guild.voice()
    player = await guild.patch(voice=voice)
    assert (player.voice.token, player.voice.endpoint) == (voice["token"], voice["endpoint"])
    assert player.voice.session_id == voice["sessionId"]
    found = await guild.client.server.patience.until(guild.connection, "a voice connection")
    assert (found.guild_id, found.user_id) == (guild.id, guild.client.user)
    assert found.channel_id == CHANNEL


@documented(
    "The voice state has a new channelId field which is required (changelog, 4.2.0)", "server"
)
async def test_the_channel_is_shown(guild: Guild) -> None:
    assert (await guild.patch(voice=await guild.voice())).voice.channel_id == str(CHANNEL)


@documented("Added support for end-to-end encryption of voice (changelog, 4.2.0)", "server")
async def test_sound_is_encrypted_end_to_end(guild: Guild) -> None:
    """Who listens is a member of the group, and opens each frame with its key."""
    await guild.play(SONG)
    await guild.frames(30)
    (call,) = [one for one in guild.around.voice.calls.told() if one.guild_id == guild.id]
    if call.policy is Policy.OFF:
        pytest.skip("run without end-to-end encryption")
    assert (call.version, call.plain) == (1, {})
    assert set(call.members) == {guild.client.user, PERSON}
    (person,) = call.heard
    assert (person.opened >= 30, person.undecryptable) == (True, 0)


@documented("Whether Lavalink is connected to the voice gateway", "websocket.md")
async def test_being_connected_is_told(client: Client, guild: Guild) -> None:
    await guild.patch(voice=await guild.voice())
    assert (await guild.player()).state.connected
    patience = client.server.patience
    await patience.until(
        lambda: [one for one in client.of(shapes.PlayerUpdate, guild.id) if one.state.connected],
        "a playerUpdate that says so",
    )


@pytest.mark.parametrize("blank", ["token", "endpoint", "sessionId", "channelId"])
@documented("PlayerRestHandler.kt: Partial Lavalink voice state", "server")
async def test_a_partial_voice_state_is_400(guild: Guild, blank: str) -> None:
    voice = await guild.voice()
    (await guild.ask({"voice": {**voice, blank: ""}})).refused(400)
    del voice[blank]
    (await guild.ask({"voice": voice})).refused(400)


@pytest.mark.parametrize("ending", ["webm", "ogg", "mp3", "flac", "wav"])
@documented("The base64 encoded track to play.", "rest.md")
async def test_a_track_is_heard_from_its_first_moment(guild: Guild, ending: str) -> None:
    began = time.monotonic()
    await guild.play(f"tone-1-60s.{ending}")
    track, moment = await guild.first_moment(began)
    assert (track, moment < 100) == (1, True), moment
    found = guild.moments(began)
    assert (found.skipped_ms, found.repeated_ms) == (0, 0)


@documented("A track waits without voice", "measured")
async def test_a_track_waits_for_voice(guild: Guild) -> None:
    await guild.start(SONG)
    await guild.event("start")
    began = time.monotonic()
    await guild.patch(voice=await guild.voice())
    _, moment = await guild.first_moment(began)
    assert moment < 100


@documented("The track position in milliseconds", "rest.md")
async def test_a_start_at_a_position_is_heard(guild: Guild) -> None:
    began = time.monotonic()
    await guild.play(SONG, position=30_000)
    _, moment = await guild.first_moment(began)
    assert abs(moment - 30_000) < 150


@documented("The track position in milliseconds", "rest.md")
async def test_a_seek_is_heard(guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(30)
    await guild.patch(position=40_000)
    await guild.frames(45)
    segment = guild.moments().segments[-1]
    assert abs(segment.start_ms - 40_000) < 150


@pytest.mark.parametrize("ending", ["webm", "mp3", "flac", "wav"])
@documented("The track position in milliseconds", "rest.md")
async def test_start_and_seek_are_heard_to_the_frame(guild: Guild, ending: str) -> None:
    await guild.play(f"tone-1-60s.{ending}", position=30_010, paused=True)
    assert await _let_go(guild) == pytest.approx(30_010, abs=FRAME)
    await guild.patch(paused=True)
    await guild.quiet()
    await guild.patch(position=47_777)
    assert await _let_go(guild) == pytest.approx(47_777, abs=FRAME)


async def _let_go(guild: Guild) -> float:
    """Let a paused player sound, and say with which moment of its track it begins."""
    began = time.monotonic()
    await guild.patch(paused=False)
    return (await guild.first_moment(began))[1]


@documented("Whether the player is paused", "rest.md")
async def test_a_pause_is_silent_and_loses_nothing(guild: Guild, differs: Differs) -> None:
    await guild.play(SONG)
    await guild.frames(30)
    await guild.patch(paused=True)
    at_once = time.monotonic()
    await guild.quiet()
    late = len(guild.heard(at_once))
    assert late <= 30
    differs("pause", Way.OFFICIAL if late > 8 else Way.EMBEDDED)
    position = (await guild.player()).state.position
    await guild.patch(paused=False)
    await guild.frames(30)
    found = guild.moments()
    assert (found.skipped_ms, found.repeated_ms) == (0, 0)
    assert (await guild.player()).state.position > position


@documented("starting an OGG (Opus or Vorbis) at a position > 0 fails", "measured")
async def test_an_ogg_starts_at_a_position(guild: Guild, differs: Differs) -> None:
    began = time.monotonic()
    await guild.play("tone-1-60s.ogg", position=30_000)
    events = guild.client.events
    patience = guild.client.server.patience
    await patience.until(
        lambda: "end:loadFailed" in events(guild.id) or len(guild.heard(began)) > 25,
        "sound or a failure",
    )
    if "end:loadFailed" in events(guild.id):
        differs("ogg-start", Way.OFFICIAL)
    else:
        _, moment = await guild.first_moment(began)
        assert moment == pytest.approx(30_000, abs=FRAME)
        differs("ogg-start", Way.EMBEDDED)


@documented("seeking in OGG while playing: the reported position counts from 0", "measured")
async def test_an_ogg_seeks(guild: Guild, differs: Differs) -> None:
    await guild.play("tone-1-60s.ogg")
    await guild.frames(30)
    await guild.patch(paused=True)
    await guild.quiet()
    await guild.patch(position=40_000)
    assert await _let_go(guild) == pytest.approx(40_000, abs=FRAME)
    position = (await guild.player()).state.position
    assert position < 5_000 or position > 40_000
    differs("ogg-seek", Way.OFFICIAL if position < 5_000 else Way.EMBEDDED)


@documented("an MP3 whose server ignores Range plays from 0", "measured")
async def test_an_mp3_without_range_starts_at_a_position(guild: Guild, differs: Differs) -> None:
    began = time.monotonic()
    await guild.play("adverse/no-range/tone-1-60s.mp3", position=20_000)
    _, moment = await guild.first_moment(began)
    if moment < 1_000:
        differs("mp3-without-range", Way.OFFICIAL)
    else:
        assert abs(moment - 20_000) < 200
        differs("mp3-without-range", Way.EMBEDDED)


@documented("WebM without Range gives TrackException, then TrackEnd `finished`", "measured")
async def test_a_webm_without_range_starts_at_a_position(guild: Guild, differs: Differs) -> None:
    began = time.monotonic()
    await guild.play("adverse/no-range/tone-1-60s.webm", position=20_000)
    events = guild.client.events
    await guild.client.server.patience.until(
        lambda: "exception" in events(guild.id) or len(guild.heard(began)) > 25,
        "sound or a failure",
    )
    if "exception" in events(guild.id):
        await guild.event("end:finished")
        differs("webm-without-range", Way.OFFICIAL)
    else:
        _, moment = await guild.first_moment(began)
        assert abs(moment - 20_000) < 200
        differs("webm-without-range", Way.EMBEDDED)


@documented("Identical voice data while connected: no-op.", "measured")
async def test_the_same_voice_again_changes_nothing(guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    before = guild.around.voice.identifies
    await guild.patch(voice=await guild.voice())
    await guild.frames(10)
    assert guild.around.voice.identifies == before
    assert "closed:1000" not in guild.client.events(guild.id)
    assert guild.moments().skipped_ms == 0


@pytest.mark.parametrize("code", [4004, 4006, 4011, 4014, 4021, 4022])
@documented("Dispatched when an audio WebSocket (to Discord) is closed.", "websocket.md")
async def test_a_final_close_is_told(client: Client, guild: Guild, code: int) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    await guild.around.voice.close(guild.id, client.user, code)
    await guild.event(f"closed:{code}")
    closed = client.of(shapes.VoiceClosed, guild.id)[-1]
    assert closed.by_remote
    player = await guild.player()
    assert (player.state.connected, player.state.ping) == (False, -1)
    assert player.track is not None


@documented("no reconnect, but the player keeps consuming the track; voice again", "measured")
async def test_after_a_final_close_new_voice_plays_on(client: Client, guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    await guild.around.voice.close(guild.id, client.user, 4014)
    await guild.event("closed:4014")
    before = guild.around.voice.identifies
    began = time.monotonic()
    await guild.patch(voice=await guild.voice())
    _, moment = await guild.first_moment(began)
    assert guild.around.voice.identifies == before + 1
    assert moment > 150
    assert client.events(guild.id).count("start") == 1


@pytest.mark.parametrize("code", [4000, 4009, 4015])
@documented("4000, 4009, 4015: resumes silently in 50 ms, no event.", "measured")
async def test_a_close_that_allows_it_is_resumed(client: Client, guild: Guild, code: int) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    before = guild.around.voice.resumes
    await guild.around.voice.close(guild.id, client.user, code)
    patience = client.server.patience
    await patience.until(lambda: guild.around.voice.resumes > before, "a resume")
    await guild.frames(30)
    assert client.events(guild.id) == ["start"]
    found = guild.moments()
    assert (found.skipped_ms, found.repeated_ms) == (0, 0)


@documented("Dispatched when an audio WebSocket (to Discord) is closed.", "websocket.md")
async def test_a_refused_identify_is_told(client: Client, guild: Guild) -> None:
    voice = await guild.voice()
    await guild.ask({"voice": {**voice, "token": "stale"}})
    await guild.event("closed:4004")
    assert not (await guild.player()).state.connected


@documented(
    "A voice connection is now initiated by forwarding a VOICE_SERVER_UPDATE to the server.",
    "index.md",
)
async def test_another_voice_server_is_followed(client: Client, guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(30)
    began = time.monotonic()
    await guild.patch(voice=await guild.voice("hill"))
    _, moment = await guild.first_moment(began)
    assert moment > 400
    found = await client.server.patience.until(guild.connection, "a voice connection")
    assert found.region == "hill"
    assert client.events(guild.id).count("start") == 1


@documented("Destroys the player for this guild in this session.", "rest.md")
async def test_a_destroyed_player_leaves_voice(client: Client, guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    await guild.delete()
    patience = client.server.patience
    await patience.until(lambda: guild.connection() is None, "voice left")
    await guild.quiet()


@documented("a PATCH with a dead voice endpoint never answers", "measured")
async def test_a_dead_endpoint_is_an_error(guild: Guild, differs: Differs) -> None:
    await guild.around.voice.add_dead_region("dead", "silent")
    voice = await guild.voice("dead")
    try:
        async with asyncio.timeout(ANSWER * guild.client.server.patience.factor):
            answer = await guild.ask({"voice": voice})
    except TimeoutError:
        differs("dead-endpoint", Way.OFFICIAL)
    else:
        answer.refused(500)
        differs("dead-endpoint", Way.EMBEDDED)
