"""Figures of the server, asked for and sent."""

from conformance import shapes
from conformance.citing import documented
from conformance.client import Client
from conformance.differences import Differs, Way
from conformance.guild import Guild
from conformance.server import Server

SONG = "tone-1-60s.webm"
MINUTE = 65.0
"""Stats come once a minute."""


@documented("`frameStats` is always missing for this endpoint.", "rest.md")
async def test_figures_can_be_asked_for(server: Server) -> None:
    stats = await server.stats()
    assert stats.players >= stats.playing_players >= 0
    assert stats.uptime > 0
    assert stats.memory.used > 0
    assert stats.memory.reservable >= stats.memory.used
    assert stats.cpu.cores >= 1
    assert stats.cpu.system_load >= 0
    assert stats.cpu.lavalink_load >= 0


@documented("The uptime of the node in milliseconds", "websocket.md")
async def test_the_uptime_grows(server: Server) -> None:
    uptimes = [(await server.stats()).uptime for _ in range(5)]
    assert uptimes == sorted(uptimes)
    assert uptimes[-1] > uptimes[0]


@documented("The amount of players playing a track", "websocket.md")
async def test_players_are_counted(guild: Guild) -> None:
    server = guild.client.server
    before = await server.stats()
    await guild.start(SONG, voice=await guild.voice())
    after = await server.stats()
    assert (after.players, after.playing_players) == (
        before.players + 1,
        before.playing_players + 1,
    )
    await guild.patch(paused=True)
    assert (await server.stats()).playing_players == before.playing_players
    await guild.delete()
    assert (await server.stats()).players == before.players


@documented("`null` if the node has no players", "websocket.md")
async def test_figures_are_sent(client: Client) -> None:
    patience = client.server.patience
    stats = await patience.until(lambda: client.of(shapes.StatsMessage), "stats", MINUTE)
    assert stats[0].frame_stats is None


@documented("The amount of frames sent to Discord", "websocket.md")
async def test_frames_are_counted(client: Client, guild: Guild, differs: Differs) -> None:
    await guild.play(SONG)
    await guild.frames(50)
    before = len(client.of(shapes.StatsMessage))
    patience = client.server.patience
    sent = await patience.until(
        lambda: client.of(shapes.StatsMessage)[before:], "stats while playing", MINUTE
    )
    frames = sent[0].frame_stats
    if frames is None:
        differs("frame-stats", Way.OFFICIAL)
    else:
        assert frames.sent > 0
        assert frames.nulled >= 0
        differs("frame-stats", Way.EMBEDDED)
