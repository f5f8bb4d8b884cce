"""Players without voice: what a PATCH sets and an answer shows."""

import time

import pytest

from conformance import shapes
from conformance.citing import documented
from conformance.client import Client
from conformance.guild import Guild

SONG, OTHER, SHORT = "tone-1-60s.webm", "tone-2-60s.webm", "tone-4-2s.webm"


@documented("Updates or creates the player for this guild if it doesn't already exist.", "rest.md")
async def test_an_empty_patch_makes_a_player(guild: Guild) -> None:
    player = await guild.patch()
    assert player.guild_id == str(guild.id)
    assert (player.track, player.volume, player.paused) == (None, 100, False)
    assert (player.state.position, player.state.connected, player.state.ping) == (0, False, -1)
    assert not any(player.filters.values())


@documented("Unix timestamp in milliseconds", "websocket.md")
async def test_the_state_carries_the_time(guild: Guild) -> None:
    assert abs((await guild.patch()).state.time / 1000 - time.time()) < 60


@documented("Returns the player for this guild in this session.", "rest.md")
async def test_a_player_is_found_and_listed(client: Client, guild: Guild) -> None:
    await guild.patch(volume=42)
    assert (await guild.player()).volume == 42
    listed = await client.players()
    assert [(one.guild_id, one.volume) for one in listed] == [(str(guild.id), 42)]


@documented("PlayerRestHandler.kt: Player not found", "server")
async def test_a_player_that_was_never_made_is_404(guild: Guild) -> None:
    (await guild.client.server.get(guild.path)).refused(404)


@documented("Destroys the player for this guild in this session.", "rest.md")
async def test_a_destroyed_player_is_gone(client: Client, guild: Guild) -> None:
    await guild.patch()
    answer = await guild.delete()
    assert (answer.status, answer.body) == (204, b"")
    (await client.server.get(guild.path)).refused(404)
    assert await client.players() == []


@documented("204 - No Content", "rest.md")
async def test_destroying_nothing_is_204(guild: Guild) -> None:
    assert (await guild.delete()).status == 204


@pytest.mark.parametrize("volume", [0, 1, 99, 1000])
@documented("The player volume, in percentage, from 0 to 1000", "rest.md")
async def test_the_volume_is_set(guild: Guild, volume: int) -> None:
    assert (await guild.patch(volume=volume)).volume == volume


@pytest.mark.parametrize(("volume", "bound"), [(-1, 0), (1001, 1000)])
@documented("The volume of the player, range 0-1000, in percentage", "rest.md")
async def test_the_volume_keeps_its_range(guild: Guild, volume: int, bound: int) -> None:
    answer = await guild.ask({"volume": volume})
    if answer.status == 200:
        assert answer.be(shapes.Player).volume == bound
    else:
        answer.refused(400)


@documented("Whether the player is paused", "rest.md")
async def test_pausing_is_set(guild: Guild) -> None:
    assert (await guild.patch(paused=True)).paused
    assert (await guild.player()).paused
    assert not (await guild.patch(paused=False)).paused


@documented("The base64 encoded track to play.", "rest.md")
async def test_an_encoded_track_plays(guild: Guild) -> None:
    encoded = await guild.encoded(SONG)
    track = (await guild.patch(track={"encoded": encoded})).track
    assert track is not None
    assert track.encoded == encoded
    await guild.event("start")


@documented("Lavalink will try to resolve the identifier as a single track.", "rest.md")
async def test_an_identifier_plays(guild: Guild) -> None:
    link = guild.around.music(SONG)
    track = (await guild.patch(track={"identifier": link})).track
    assert track is not None
    assert track.info.uri == link


@documented("`encodedTrack` and `identifier` are mutually exclusive and deprecated.", "rest.md")
async def test_the_deprecated_fields_play(guild: Guild) -> None:
    encoded, link = await guild.encoded(SONG), guild.around.music(OTHER)
    track = (await guild.patch(encodedTrack=encoded)).track
    assert track is not None
    assert track.encoded == encoded
    track = (await guild.patch(identifier=link)).track
    assert track is not None
    assert track.info.uri == link
    assert (await guild.patch(encodedTrack=None)).track is None


@documented("`encoded` and `identifier` are mutually exclusive.", "rest.md")
async def test_two_ways_to_name_a_track_are_400(guild: Guild) -> None:
    encoded, link = await guild.encoded(SONG), guild.around.music(SONG)
    (await guild.ask({"track": {"encoded": encoded, "identifier": link}})).refused(400)
    (await guild.ask({"encodedTrack": encoded, "identifier": link})).refused(400)
    (await guild.ask({"track": {"encoded": encoded}, "identifier": link})).refused(400)


@documented("An HTTP `400` error is returned when resolving a playlist", "rest.md")
async def test_an_identifier_of_no_single_track_is_400(guild: Guild) -> None:
    missing = guild.around.music("adverse/status/404")
    (await guild.ask({"track": {"identifier": missing}})).refused(400)
    links = guild.around.music("list.m3u?of=tone-1-60s.webm,tone-2-60s.webm")
    if isinstance(await guild.client.server.load(links), shapes.PlaylistLoaded):
        (await guild.ask({"track": {"identifier": links}})).refused(400)


@documented("PlayerRestHandler.kt: loadFailed is INTERNAL_SERVER_ERROR", "server")
async def test_an_identifier_that_fails_to_load_is_500(guild: Guild) -> None:
    broken = guild.around.music("adverse/page.html")
    (await guild.ask({"track": {"identifier": broken}})).refused(500)


@documented("The base64 encoded track to play.", "rest.md")
async def test_a_track_that_is_none_is_an_error(guild: Guild) -> None:
    (await guild.ask({"track": {"encoded": "rubbish"}})).refused(400, 500)


@documented("`null` stops the current track", "rest.md")
async def test_null_stops(guild: Guild) -> None:
    await guild.start(SONG)
    assert (await guild.patch(track={"encoded": None})).track is None
    await guild.event("end:stopped")
    assert guild.client.events(guild.id) == ["start", "end:stopped"]


@documented("Whether to replace the current track with the new track.", "rest.md")
async def test_no_replace_keeps_the_track(guild: Guild) -> None:
    first, second = await guild.encoded(SONG), await guild.encoded(OTHER)
    keep = {"noReplace": "true"}
    one = (await guild.ask({"track": {"encoded": first}}, keep)).be(shapes.Player)
    two = (await guild.ask({"track": {"encoded": second}}, keep)).be(shapes.Player)
    assert one.track is not None
    assert two.track is not None
    assert one.track.encoded == two.track.encoded == first
    three = (await guild.ask({"track": {"encoded": second}}, {"noReplace": "false"})).be(
        shapes.Player
    )
    assert three.track is not None
    assert three.track.encoded == second
    await guild.event("start", 2)
    assert guild.client.events(guild.id) == ["start", "end:replaced", "start"]


@documented("Whether to replace the current track with the new track.", "rest.md")
async def test_no_replace_keeps_the_track_also_from_an_identifier(guild: Guild) -> None:
    first = await guild.encoded(SONG)
    await guild.patch(track={"encoded": first})
    other = {"track": {"identifier": guild.around.music(OTHER)}}
    kept = (await guild.ask(other, {"noReplace": "true"})).be(shapes.Player)
    assert kept.track is not None
    assert kept.track.encoded == first


@documented("Additional track data to be sent back in the Track Object", "rest.md")
async def test_user_data_comes_back_everywhere(client: Client, guild: Guild) -> None:
    data = {"a": 1, "b": ["c", {"d": None}], "ü": True}
    track = {"encoded": await guild.encoded(SONG), "userData": data}
    player = await guild.patch(track=track)
    assert player.track is not None
    assert player.track.user_data == data
    await guild.patch(track={"encoded": None})
    await guild.event("end:stopped")
    assert [one.track.user_data for one in client.of(shapes.TrackStart, guild.id)] == [data]
    assert [one.track.user_data for one in client.of(shapes.TrackEnd, guild.id)] == [data]


@documented("Specification for a new track to load, as well as user data to set", "rest.md")
async def test_user_data_alone_changes_no_track(client: Client, guild: Guild) -> None:
    await guild.start(SONG)
    player = await guild.patch(track={"userData": {"new": True}})
    assert player.track is not None
    assert player.track.user_data == {"new": True}
    assert client.events(guild.id) == ["start"]


@documented("PlayerRestHandler.kt: setPause(if paused is present its value else false)", "server")
async def test_a_new_track_plays_unless_it_is_paused_as_well(guild: Guild) -> None:
    await guild.patch(paused=True)
    assert not (await guild.start(SONG)).paused
    assert (await guild.start(SONG, paused=True)).paused


@documented("The track position in milliseconds", "rest.md")
async def test_a_track_starts_at_a_position(guild: Guild) -> None:
    player = await guild.start(SONG, position=30_000)
    assert player.track is not None
    assert abs(player.state.position - 30_000) < 1_000
    assert abs(player.track.info.position - 30_000) < 1_000


@documented("The track position in milliseconds", "rest.md")
async def test_a_position_alone_seeks(guild: Guild) -> None:
    await guild.start(SONG)
    player = await guild.patch(position=20_000)
    assert abs(player.state.position - 20_000) < 1_000
    assert guild.client.events(guild.id) == ["start"]


@documented("PlayerRestHandler.kt: a position without a track is left alone", "server")
async def test_a_position_without_a_track_does_nothing(guild: Guild) -> None:
    assert (await guild.patch(position=20_000)).state.position == 0


@pytest.mark.parametrize("end", [0, -1])
@documented("The track end time in milliseconds (must be > 0).", "rest.md")
async def test_an_end_before_the_beginning_is_400(guild: Guild, end: int) -> None:
    (await guild.ask({"endTime": end})).refused(400)


@documented("Returns the player for this guild in this session.", "rest.md")
async def test_guilds_do_not_touch_each_other(client: Client, guild: Guild) -> None:
    other = Guild.made(client, guild.around)
    await guild.start(SONG, volume=30)
    await other.start(OTHER, paused=True)
    await other.patch(track={"encoded": None})
    player = await guild.player()
    assert (player.volume, player.paused, player.track is None) == (30, False, False)
    await other.event("end:stopped")
    assert client.events(guild.id) == ["start"]
    assert len(await client.players()) == 2


@documented("Updates or creates the player for this guild", "rest.md")
async def test_a_refused_patch_changes_nothing(guild: Guild) -> None:
    await guild.patch(volume=50)
    (await guild.ask({"volume": 70, "endTime": 0})).refused(400)
    assert (await guild.player()).volume == 50
