"""Nodes brought to what players say; lavalink.py's defect 1 among them."""

import asyncio

import pytest
from msgspec.structs import replace

from legato.audio import nodestate
from legato.audio.events import (
    Internal,
    NodeAssigned,
    NodeReleased,
    NodeSnapshot,
    PositionReported,
    TrackEnded,
    TrackFailed,
    VoiceClosed,
)
from legato.audio.state import VoiceState
from legato.errors import Unavailable
from support_driving import GUILD, VOICE, World, playing, seat_and_play, world_of
from support_lavalink import Double
from support_waiting import until


async def test_two_syncs_at_once_seat_a_player_once(double: Double) -> None:
    class Slow(World):
        """Takes what it is told when somebody waits for it."""

        def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
            self.waiting = [*getattr(self, "waiting", []), event]

        async def reached(self) -> None:
            await asyncio.sleep(0)
            for event in self.waiting:
                super().tell(event)
            self.waiting = []

    async with world_of(n1=double) as world:
        world.__class__ = Slow
        await asyncio.gather(world.driver.sync(GUILD), world.driver.sync(GUILD))

        assert len(world.of(NodeAssigned)) == 1
        assert len(double.patches) == 1


async def test_a_player_gets_a_node_then_its_track_voice_and_play_id(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)

    assert len(world.of(NodeAssigned)) == 1
    assert double.patches == [
        {
            "track": {"encoded": "QAAA", "userData": {"play_id": "1-1"}},
            "position": 5_000,
            "voice": {
                "token": "vt",
                "endpoint": "127.0.0.1:1",
                "sessionId": "vs",
                "channelId": "9",
            },
        }
    ]


async def test_where_nodes_are_chosen_by_voice_a_player_waits_for_its_voice_server(
    double: Double,
) -> None:
    async with world_of(n1=double) as world:
        world.by_voice = True
        world.change(voice=replace(VOICE, endpoint=""))
        await world.driver.sync(GUILD)
        assert world.of(NodeAssigned) == []

        world.change(voice=VOICE)
        await world.driver.sync(GUILD)

    assert len(world.of(NodeAssigned)) == 1


async def test_an_equal_track_is_never_sent_again(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        world.change(volume=50)
        await world.driver.sync(GUILD)
        await world.driver.sync(GUILD)

    assert double.patches[1:] == [{"volume": 50}]


async def test_a_move_to_another_channel_names_that_channel(double: Double) -> None:
    """Defect 1."""
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        moved = replace(VOICE, wanted=10, actual=10, token="new")
        world.change(voice=moved)
        await world.driver.sync(GUILD)

    assert double.patches[1]["voice"]["channelId"] == "10"
    assert double.patches[1]["voice"]["token"] == "new"
    assert "track" not in double.patches[1]


async def test_voice_that_was_lost_is_given_again(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        seat = world.players[GUILD].seat
        assert seat is not None
        world.driver.learn(
            VoiceClosed(guild_id=GUILD, node="n1", session_id=seat.session_id, code=4006)
        )
        await world.driver.sync(GUILD)

    assert set(double.patches[1]) == {"voice"}


async def test_a_dead_voice_server_never_reaches_the_node(double: Double) -> None:
    async with world_of(n1=double) as world:
        world.change(voice=replace(VOICE, endpoint="dead:443"))
        await seat_and_play(world)

    assert double.patches == []
    assert [event.code for event in world.of(VoiceClosed)] == [1013]


async def test_a_voice_server_that_the_node_can_not_speak_with_is_told_of(double: Double) -> None:
    double.fail_voice = True
    async with world_of(n1=double) as world:
        await seat_and_play(world)

    assert [event.code for event in world.of(VoiceClosed)] == [1013]


async def test_a_track_that_the_node_refuses_is_a_failed_play(double: Double) -> None:
    double.refuse_tracks = True
    async with world_of(n1=double) as world:
        await seat_and_play(world)

    assert world.of(TrackFailed) == [
        TrackFailed(guild_id=GUILD, play_id="1-1", message="bad track")
    ]
    assert [event.reason for event in world.of(TrackEnded)] == ["loadFailed"]


async def test_after_an_unknown_outcome_the_node_is_asked(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        world.driver.forget(GUILD)
        await world.driver.sync(GUILD)

    assert (
        double.called("GET") == [f"/v4/sessions/{world.players[GUILD].seat.session_id}/players"] * 2
    )
    assert len(double.patches) == 1


async def test_what_another_replaced_is_looked_at_and_brought_back(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        seat = world.players[GUILD].seat
        late = world.client(world.nodes["n1"])
        older = replace(playing().play, play_id="0-1")
        stale = nodestate.desired(replace(playing(), play=older, seat=seat), now=10_000)
        patch = nodestate.difference(stale, None)
        await late.patch(seat.session_id, GUILD, patch)
        world.driver.learn(TrackEnded(guild_id=GUILD, play_id="1-1", reason="replaced"))
        await world.driver.sync(GUILD)

    ids = [one["track"]["userData"]["play_id"] for one in double.patches if "track" in one]
    assert ids == ["1-1", "0-1", "1-1"]


async def test_a_player_that_wants_no_voice_is_deleted_and_says_so(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        world.change(voice=VoiceState())
        await world.driver.sync(GUILD)

    assert double.called("DELETE")
    assert world.of(NodeReleased) == [NodeReleased(guild_id=GUILD, node="n1")]


async def test_a_session_without_its_socket_is_waited_for(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        double.session.socket, lost = None, double.session.socket
        world.change(volume=10)

        with pytest.raises(Unavailable):
            await world.driver.sync(GUILD)
        assert lost is not None


async def test_without_a_node_the_effect_waits(double: Double) -> None:
    async with world_of(n1=double) as world:
        world.chosen = None
        with pytest.raises(Unavailable, match="as the test says"):
            await world.driver.sync(GUILD)


async def test_a_position_gets_the_play_it_is_of(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        report = PositionReported(
            guild_id=GUILD, play_id="", position=7_000, connected=True, at=0, lead=400
        )

        assert world.driver.saw(report).play_id == "1-1"


async def test_a_resume_tells_what_plays_and_deletes_orphans(double: Double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        session = double.session
        session.players["77"] = {"guildId": "77"}
        session.players[str(GUILD)]["state"]["position"] = 8_000
        await double.drop()
        await until(lambda: world.of(NodeSnapshot) and "77" not in session.players)

    (snapshot,) = world.of(NodeSnapshot)
    assert (snapshot.play_id, snapshot.position, snapshot.connected) == ("1-1", 8_000, True)
    assert set(session.players) == {str(GUILD)}


async def test_a_look_ignores_who_was_changed_meanwhile_and_nobody_is_remembered(
    double: Double,
) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        link = world.links.get("n1")
        look = world.begin_look()
        found = await link.client.players(link.session_id)
        world.change(volume=50)
        await world.driver.sync(GUILD)

        assert await world.driver.looked(link, found, look) == []
        assert look.changed == {GUILD}
        del look
        assert len(world.driver._looks) == 0
        assert len(world.driver._locks) == 0
