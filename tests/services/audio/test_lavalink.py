"""What a node says, in our words."""

import aiohttp

from legato.audio.events import (
    PositionReported,
    TrackFailed,
    VoiceClosed,
)
from legato.audio.lavalink import NodeClient
from legato.contracts.fleet import Node
from support_lavalink import PASSWORD, Double
from support_linking import GUILD, Partition, linked, up
from support_waiting import until


async def test_every_event_is_put_into_the_players_words(double: Double) -> None:
    port = Partition()
    async with linked(double, port) as link:
        session = await up(link)
        port.told.clear()
        failure = {"message": None, "severity": "common", "cause": "gone"}
        await double.event("TrackExceptionEvent", GUILD, "p", exception=failure)
        await double.event("TrackStuckEvent", GUILD, "p", thresholdMs=1)
        await double.event("WebSocketClosedEvent", GUILD, code=4006, reason="x", byRemote=True)
        await double.event("SomethingNewEvent", GUILD)
        await double.say({"op": "somethingNew"})
        await double.update(GUILD, 1500)
        await until(lambda: len(port.told) == 4)

        assert port.told == [
            TrackFailed(guild_id=GUILD, play_id="p", message="gone"),
            TrackFailed(guild_id=GUILD, play_id="p", message="", stuck=True),
            VoiceClosed(guild_id=GUILD, node="n1", session_id=session, code=4006, at=1000),
            PositionReported(
                guild_id=GUILD, play_id="", position=1500, connected=True, at=1000, lead=400
            ),
        ]


async def test_what_no_database_takes_is_left_out_of_a_found_track(double: Double) -> None:
    info = {
        "identifier": "1",
        "isSeekable": True,
        "author": "x\0",
        "length": 1,
        "isStream": False,
        "position": 0,
        "title": "A\0 tone",
        "uri": None,
        "artworkUrl": "\0",
        "isrc": None,
        "sourceName": "http",
    }
    track = {"encoded": "E", "info": info, "pluginInfo": {}, "userData": {}}
    double.loads["q"] = {"loadType": "track", "data": track}
    async with aiohttp.ClientSession() as http:
        node = Node(name="n1", url=double.url, password=PASSWORD, lead=400)
        (found,) = (await NodeClient(http, node, user_id=7).load("q")).tracks

    assert (found.title, found.author, found.uri, found.artwork_url) == ("A tone", "x", None, "")
