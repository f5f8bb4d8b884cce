"""Players moved between nodes; lavalink.py's defects 2, 3 and 8 among them."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

import pytest
import structlog
from msgspec.structs import replace

from legato.audio import moving, rooted
from legato.audio.events import VoiceClosed
from legato.audio.lavalink import NodeClient
from legato.audio.position import Clock
from legato.audio.spacing import Spacing
from legato.contracts.fleet import Node
from legato.errors import Unavailable
from support_driving import GUILD, VOICE, World, seat_and_play, world_of
from support_waiting import until


def mover(world: World) -> moving.Mover:
    tools = SimpleNamespace(
        fleet=SimpleNamespace(nodes=world.nodes),
        room=asyncio.Semaphore(1),
        meetings=Spacing(timedelta(milliseconds=10)),
        means=SimpleNamespace(metrics=world.metrics),
    )
    pace = moving.Pace(
        lead=timedelta(milliseconds=100),
        seated=timedelta(milliseconds=20),
        overlap=timedelta(milliseconds=20),
        look=timedelta(milliseconds=10),
    )
    return moving.Mover(world, world.links, world.driver, tools=tools, places=world, pace=pace)


async def test_a_move_warms_the_new_node_and_deletes_on_the_old(double, other) -> None:
    """Defects 2, 3, 8: DELETE goes to the old node, the position is ours, userData is carried."""
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        await mover(world).migrate(GUILD)

        seat = world.players[GUILD].seat
        assert seat is not None
        assert seat.node == "n2"
        meeting = other.patches[0].pop("position")
        assert 5_100 <= meeting < 5_200
        assert other.patches[0] == {
            "track": {"encoded": "QAAA", "userData": {"play_id": "1-1"}},
        }
        assert set(other.patches[1]) == {"voice"}
        assert double.patches[-1] == {"endTime": meeting}
        assert not other.called("DELETE")
        assert len(double.called("DELETE")) == 1
        await world.driver.sync(GUILD)
        assert len(other.patches) == 2


async def test_a_node_that_counts_from_zero_again_is_not_believed_in_a_move(double, other) -> None:
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        [session] = double.sessions.values()
        session.players[str(GUILD)]["state"]["position"] = 300
        world.chosen = "n2"
        await mover(world).migrate(GUILD)

        assert other.patches[0]["position"] == 5_100
        assert not any("endTime" in patch for patch in double.patches)


async def test_a_move_teaches_how_long_the_next_one_sounds_on_the_old_node(double, other) -> None:
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        assert await world.driver.ahead(VOICE.endpoint) == 0
        await mover(world).migrate(GUILD)
        closed = VoiceClosed(guild_id=GUILD, node="n1", session_id="s", code=4014, at=10_075)

        world.driver.learn(closed)

        assert await world.driver.ahead(VOICE.endpoint) == 75


async def test_a_move_whose_first_change_may_have_been_made_takes_it_back(
    double, other, monkeypatch: pytest.MonkeyPatch
) -> None:
    change = NodeClient.patch

    async def unheard(client: NodeClient, *args: object) -> None:
        await change(client, *args)
        raise Unavailable("node", "its answer got lost")

    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        monkeypatch.setattr(NodeClient, "patch", unheard)
        with pytest.raises(Unavailable, match="got lost"):
            await mover(world).migrate(GUILD)

        assert other.patches
        assert other.session.players == {}


class Looks(dict[str, Node]):
    """Nodes that count how often they were looked at."""

    count = 0

    def get(self, name: str) -> Node | None:  # type: ignore[override]
        self.count += 1
        return self[name]


async def test_a_channel_whose_voice_goes_elsewhere_is_followed_to_a_node_there(
    double, other
) -> None:
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen, world.region = "n2", "america"
        looks = Looks(world.nodes)
        looks["n2"] = replace(looks["n2"], region="america")
        world.nodes = looks
        looking = asyncio.create_task(mover(world).run())
        await until(lambda: looks.count >= 20)
        assert not other.patches  # no node there takes it

        world.nearer = True
        await until(lambda: other.called("PATCH") and double.called("DELETE"))
        looking.cancel()
        await asyncio.wait([looking])


async def test_a_track_that_does_not_sound_yet_is_not_moved(double, other) -> None:
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        looks = Looks(world.nodes)
        looks["n1"] = replace(looks["n1"], drain_deadline=1)
        world.nodes = looks
        play = world.players[GUILD].play
        world.change(play=replace(play, sounding=False))
        looking = asyncio.create_task(mover(world).run())
        await until(lambda: looks.count >= 20)
        assert not other.patches

        world.change(play=play)
        await until(lambda: other.patches)
        looking.cancel()
        await asyncio.wait([looking])


async def test_who_can_not_move_is_told_of_once_and_again_for_another_reason(double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        world.nodes["n1"] = replace(world.nodes["n1"], drain_deadline=1)
        failed = world.metrics.moves.labels("failed")
        with structlog.testing.capture_logs() as lines:
            looking = asyncio.create_task(mover(world).run())
            await until(lambda: failed._value.get() >= 3)
            world.why = "for another reason"
            before = failed._value.get()
            await until(lambda: failed._value.get() >= before + 3)
            looking.cancel()
            await asyncio.wait([looking])

    told = [line["why"] for line in lines if line["event"] == "player not moved"]
    assert len(told) == 2
    assert "for another reason" in told[1]


async def test_a_move_that_is_called_off_ends_though_nothing_can_be_taken_back(
    double, other, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def refused(*_: object) -> None:
        raise Unavailable("lease", "it is another's")

    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        monkeypatch.setattr(NodeClient, "delete", refused)
        moved = asyncio.create_task(mover(world).migrate(GUILD))
        await until(lambda: other.patches)
        moved.cancel()

        with pytest.raises(asyncio.CancelledError):
            await moved


async def test_a_move_that_fails_leaves_the_player_where_it_is(double, other) -> None:
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        moved = asyncio.create_task(mover(world).migrate(GUILD))
        while not other.patches:
            await asyncio.sleep(0.005)
        world.change(voice=replace(VOICE, token=""))
        with pytest.raises(Unavailable):
            await moved

        seat = world.players[GUILD].seat
        assert seat is not None
        assert seat.node == "n1"
        assert not double.called("DELETE")
        assert len(other.called("DELETE")) == 1


async def test_a_move_that_breaks_unexpectedly_fails_alone_and_is_tried_again(
    double, other, monkeypatch: pytest.MonkeyPatch
) -> None:
    async def broken(*_: object) -> float:
        raise TypeError("nobody thought of this")

    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        world.chosen = "n2"
        monkeypatch.setattr(world.driver, "ahead", broken)
        world.nodes["n1"] = replace(world.nodes["n1"], drain_deadline=1)
        failed = world.metrics.moves.labels("failed")
        looking = asyncio.create_task(mover(world).run())
        await until(lambda: failed._value.get() >= 2 or looking.done())

        assert not looking.done()
        looking.cancel()
        await asyncio.wait([looking])


async def test_a_track_that_no_other_node_begins_midway_stays_and_the_next_one_moves(
    double, other
) -> None:
    """The official server fails so with an OGG."""
    async with world_of(n1=double, n2=other) as world:
        await seat_and_play(world)
        other.begins_midway = False
        world.chosen = "n2"
        world.nodes["n1"] = replace(world.nodes["n1"], drain_deadline=1)
        with structlog.testing.capture_logs() as lines:
            looking = asyncio.create_task(mover(world).run())
            await until(lambda: "player not moved" in [one["event"] for one in lines])
            seat = world.players[GUILD].seat
            assert seat is not None
            assert seat.node == "n1"
            assert not double.called("DELETE")
            tried = len(other.patches)

            play = world.players[GUILD].play
            world.change(play=replace(play, play_id="1-2", clock=Clock(since=10_000)))
            other.begins_midway = True
            await until(lambda: double.called("DELETE"))
            looking.cancel()
            await asyncio.wait([looking])

    assert tried == 1
    [why] = [one["why"] for one in lines if one["event"] == "player not moved"]
    assert "can't begin the track in its middle" in why


@asynccontextmanager
async def failed_once(double, other) -> AsyncIterator[World]:
    """A player whose node is drained, and whose track the other one did not begin midway."""
    async with world_of(n1=double, n2=other, n3=other) as world:
        await seat_and_play(world)
        other.begins_midway = False
        world.chosen = "n2"
        world.nodes["n1"] = replace(world.nodes["n1"], drain_deadline=1)
        failed = world.metrics.moves.labels("failed")
        looking = asyncio.create_task(mover(world).run())
        await until(lambda: failed._value.get() == 1)
        other.begins_midway = True
        yield world
        looking.cancel()
        await asyncio.wait([looking])


async def test_a_track_that_a_node_did_not_begin_once_is_tried_there_again(double, other) -> None:
    async with failed_once(double, other) as world:
        world.at += rooted.FORGOTTEN_AFTER
        await until(lambda: double.called("DELETE"))

        assert world.players[GUILD].seat.node == "n2"


async def test_a_track_that_a_node_did_not_begin_goes_to_another_one(double, other) -> None:
    async with failed_once(double, other) as world:
        world.chosen = "n3"
        await until(lambda: double.called("DELETE"))

        assert world.players[GUILD].seat.node == "n3"


async def test_a_player_that_is_no_more_is_forgotten_by_who_would_have_moved_it(double) -> None:
    async with world_of(n1=double) as world:
        await seat_and_play(world)
        world.nodes["n1"] = replace(world.nodes["n1"], drain_deadline=1)
        moves, failed = mover(world), world.metrics.moves.labels("failed")
        looking = asyncio.create_task(moves.run())
        await until(lambda: failed._value.get() >= 1)
        assert moves._stays

        world.players.clear()
        await until(lambda: not moves._stays)
        looking.cancel()
        await asyncio.wait([looking])


async def test_a_node_that_came_again_with_another_password_is_reached_anew(double, other) -> None:
    """A password is rotated by replacing nodes; what failed with the old one never succeeds."""
    async with world_of(n1=double, n2=other) as world:
        right = world.nodes["n2"]
        world.nodes["n2"] = replace(right, password="the one before")
        await seat_and_play(world)
        old = world.links.open("n2")
        world.links.renew()
        assert world.links.get("n2") is old

        world.nodes["n2"] = right
        async with asyncio.TaskGroup() as tasks:
            looking = tasks.create_task(mover(world).run())
            await until(lambda: (link := world.links.get("n2")) and link.state == "up")
            looking.cancel()
