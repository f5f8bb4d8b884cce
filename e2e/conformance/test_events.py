"""Events and updates: which come, in which order, with which reasons."""

import time

from conformance import shapes
from conformance.citing import documented
from conformance.client import Client, Connect
from conformance.differences import Differs, Way
from conformance.encoded import HttpTrack
from conformance.guild import Guild

SONG, OTHER, SHORT = "tone-1-60s.webm", "tone-2-60s.webm", "tone-4-2s.webm"
CONNECTS = 5


@documented("Dispatched when you successfully connect to the Lavalink node", "websocket.md")
async def test_a_client_is_greeted(connect: Connect, differs: Differs) -> None:
    firsts = [(await connect()).messages[0] for _ in range(CONNECTS)]
    if all(isinstance(first, shapes.Ready) for first in firsts):
        differs("greeting", Way.EMBEDDED)
    else:
        assert all(isinstance(first, shapes.Ready | shapes.StatsMessage) for first in firsts)
        differs("greeting", Way.OFFICIAL)


@documented("`finished`: The track finished playing", "websocket.md")
async def test_a_track_that_ends_is_finished(
    client: Client, guild: Guild, differs: Differs
) -> None:
    player = await guild.play(SHORT)
    assert player.track is not None
    await guild.event("end:finished")
    told = len(guild.heard())
    assert client.events(guild.id) == ["start", "end:finished"]
    ended = client.of(shapes.TrackEnd, guild.id)[0]
    assert ended.track.encoded == player.track.encoded
    after = await guild.player()
    assert (after.track, after.state.position) == (None, 0)
    await guild.quiet()
    heard = len(guild.heard())
    assert abs(heard - 100) <= 3
    assert heard - told <= 15
    differs("end", Way.EMBEDDED if heard - told > 3 else Way.OFFICIAL)


@documented("`stopped`: The track was stopped", "websocket.md")
async def test_a_track_that_is_stopped_is_stopped(client: Client, guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    await guild.patch(track={"encoded": None})
    await guild.event("end:stopped")
    assert client.events(guild.id) == ["start", "end:stopped"]
    await guild.quiet()


@documented("`replaced`: The track was replaced", "websocket.md")
async def test_the_old_ends_before_the_new_starts(client: Client, guild: Guild) -> None:
    old, new = await guild.encoded(SONG), await guild.encoded(OTHER)
    await guild.patch(track={"encoded": old}, voice=await guild.voice())
    await guild.frames(10)
    await guild.patch(track={"encoded": new})
    await guild.event("start", 2)
    assert client.events(guild.id) == ["start", "end:replaced", "start"]
    assert client.of(shapes.TrackEnd, guild.id)[0].track.encoded == old
    assert client.of(shapes.TrackStart, guild.id)[1].track.encoded == new
    since = time.monotonic()
    await guild.frames(35, since)
    assert guild.moments(since).segments[-1].track == 2


@documented("`replaced`: The track was replaced", "websocket.md")
async def test_the_same_track_again_replaces_itself(client: Client, guild: Guild) -> None:
    await guild.start(SONG)
    await guild.start(SONG)
    await guild.event("start", 2)
    assert client.events(guild.id) == ["start", "end:replaced", "start"]


@documented("`loadFailed`: The track failed to load", "websocket.md")
async def test_a_track_that_can_not_start_fails(client: Client, guild: Guild) -> None:
    gone = HttpTrack(guild.around.music("adverse/status/404"))
    await guild.patch(track={"encoded": gone.encode()}, voice=await guild.voice())
    await guild.event("end:loadFailed")
    assert client.events(guild.id) == ["start", "exception", "end:loadFailed"]
    failed = client.of(shapes.TrackException, guild.id)[0]
    assert failed.track.encoded == gone.encode()
    assert failed.exception.cause


@documented("Dispatched when a track gets stuck while playing.", "websocket.md")
async def test_a_track_that_gives_no_frame_is_stuck(client: Client, guild: Guild) -> None:
    slow = HttpTrack(guild.around.music("adverse/slow/tone-1-60s.wav?rate=300"), container="wav")
    await guild.patch(track={"encoded": slow.encode()}, voice=await guild.voice())
    await guild.event("stuck", seconds=15)
    stuck = client.of(shapes.TrackStuck, guild.id)[0]
    assert stuck.threshold_ms > 0
    assert stuck.track.encoded == slow.encode()


@documented("The track end time in milliseconds (must be > 0).", "rest.md")
async def test_a_track_ends_at_its_end_time(client: Client, guild: Guild) -> None:
    await guild.play(SONG, position=10_000, endTime=11_000)
    await guild.event("end:finished")
    assert client.events(guild.id) == ["start", "end:finished"]
    await guild.quiet()
    # The official server looks at the end every so often, and what is buffered still goes out.
    assert 45 <= len(guild.heard()) <= 80


@documented("`null` resets this if it was set previously", "rest.md")
async def test_an_end_time_can_be_taken_back(client: Client, guild: Guild) -> None:
    await guild.play(SHORT, endTime=1_000)
    await guild.patch(endTime=None)
    await guild.event("end:finished")
    await guild.quiet()
    assert abs(len(guild.heard()) - 100) <= 3


@documented("Destroys the player for this guild in this session.", "rest.md")
async def test_a_destroyed_player_ends_its_track(client: Client, guild: Guild) -> None:
    await guild.play(SONG)
    await guild.frames(10)
    await guild.delete()
    await guild.event("end:stopped")
    await guild.client.server.patience.until(lambda: guild.connection() is None, "voice left")
    assert "start" not in client.events(guild.id)[1:]


@documented("Dispatched every x seconds (configurable in `application.yml`)", "websocket.md")
async def test_the_position_is_told_now_and_then(
    client: Client, guild: Guild, differs: Differs
) -> None:
    await guild.play(SONG)
    await guild.frames(1)
    began = time.monotonic()

    def regular() -> list[shapes.PlayerUpdate]:
        found = client.of(shapes.PlayerUpdate, guild.id)
        found = [one for one in found if one.state.position > 800]
        return found if len(found) >= 2 else []

    found = await client.server.patience.until(regular, "two playerUpdates", 14)
    one, two = found[:2]
    assert one.state.connected
    assert one.state.ping >= -1
    passed = two.state.time - one.state.time
    assert abs(two.state.position - one.state.position - passed) < 300
    assert time.monotonic() - began < 14 * client.server.patience.factor
    differs("update-interval", Way.OFFICIAL if passed > 3_000 else Way.EMBEDDED)


@documented("The position of the track in milliseconds", "websocket.md")
async def test_the_position_is_near_what_is_heard(guild: Guild, differs: Differs) -> None:
    await guild.play(SONG)
    await guild.frames(60)
    told, heard = (await guild.player()).state.position, len(guild.heard()) * 20
    ahead = told - heard
    assert -250 < ahead < 700, f"{ahead} ms ahead of the wire"
    differs("position", Way.OFFICIAL if ahead > 250 else Way.EMBEDDED)


@documented("`-1` if not connected", "websocket.md")
async def test_without_voice_nothing_is_consumed(client: Client, guild: Guild) -> None:
    await guild.start(SONG)
    patience = client.server.patience
    updates = await patience.until(
        lambda: client.of(shapes.PlayerUpdate, guild.id), "a playerUpdate"
    )
    assert {(one.state.connected, one.state.ping) for one in updates} == {(False, -1)}
    assert (await guild.player()).state.position == 0


@documented("The guild id", "websocket.md")
async def test_events_go_to_their_own_session(guild: Guild, connect: Connect) -> None:
    other = await connect()
    await guild.start(SONG)
    await guild.event("start")
    assert await other.players() == []
    assert other.events(guild.id) == []
