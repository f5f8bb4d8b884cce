"""Nodes brought to what players say, and moved; lavalink.py's defects 1 to 3 and 8 among them."""

import asyncio
from collections.abc import AsyncIterator, Mapping
from contextlib import asynccontextmanager
from datetime import timedelta
from types import SimpleNamespace

import aiohttp
import pytest
import structlog
from msgspec.structs import replace
from prometheus_client import CollectorRegistry

from legato.audio import moving, nodestate
from legato.audio.driving import Driver
from legato.audio.endpoint import Endpoints
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
from legato.audio.lavalink import NodeClient
from legato.audio.links import Links
from legato.audio.metrics import Metrics
from legato.audio.nodes import Look, Pace
from legato.audio.placement import Choice
from legato.audio.position import Clock
from legato.audio.state import Play, Player, Seat, VoiceState
from legato.contracts.fleet import Node
from legato.contracts.tracks import QueueItem, Track
from legato.errors import Unavailable
from support_lavalink import PASSWORD, Double, running_double
from support_waiting import until

GUILD = 42
TRACK = Track(encoded="QAAA", title="A tone", length=60_000)
ITEM = QueueItem(id="1", rank=0, track=TRACK, requester_id=5, added_at=0)
VOICE = VoiceState(
    wanted=9, actual=9, session_id="vs", token="vt", endpoint="127.0.0.1:1", listeners=1
)


def playing(at: int = 5_000) -> Player:
    clock = Clock(at=at, since=10_000)
    play = Play(play_id="1-1", item=ITEM, track=TRACK, started_at=0, clock=clock, sounding=True)
    return Player(guild_id=GUILD, voice=VOICE, play=play)


class Sound(Endpoints):
    """Every voice server answers but the dead one."""

    async def check(self, endpoint: str) -> None:
        if endpoint.startswith("dead"):
            raise Unavailable("voice server")


class World:
    """A partition reduced to one player."""

    def __init__(self, nodes: Mapping[str, Node], http: aiohttp.ClientSession) -> None:
        self.nodes = dict(nodes)
        self.players: dict[int, Player] = {GUILD: playing()}
        self.told: list[Internal] = []
        self.chosen, self.why = "n1", "as the test says"
        self.client = lambda node: NodeClient(http, node, user_id=7)
        self.links: Links
        self.driver: Driver
        self.metrics = Metrics(CollectorRegistry())

    def player(self, guild_id: int) -> Player | None:
        return self.players.get(guild_id)

    def seated(self, node: str) -> list[int]:
        return [guild for guild, one in self.players.items() if one.seat and one.seat.node == node]

    async def reached(self) -> None:
        await asyncio.sleep(0)

    def tell(self, event: Internal, *, node: str = "", session_id: str = "") -> None:
        self.told.append(event)
        if isinstance(event, NodeAssigned):
            seat = Seat(node=event.node, session_id=event.session_id)
            self.players[GUILD] = replace(self.players[GUILD], seat=seat)

    def sounding(self, node: str) -> bool:
        return False

    def now(self) -> int:
        return 10_000

    def choose(self, guild_id: int, *, current: str | None) -> Choice:
        return Choice(self.chosen, self.why)

    async def keep(self, node: str, session_id: str) -> None:
        pass

    def begin_look(self) -> Look:
        return self.driver.begin_look()

    async def looked(self, link, found, look) -> None:
        for snapshot in await self.driver.looked(link, found, look):
            self.tell(snapshot)

    def opened(self, link) -> None:
        pass

    def change(self, **changes: object) -> None:
        self.players[GUILD] = replace(self.players[GUILD], **changes)

    def of(self, kind: type) -> list:
        return [event for event in self.told if isinstance(event, kind)]


@asynccontextmanager
async def world_of(**doubles: Double) -> AsyncIterator[World]:
    async with aiohttp.ClientSession() as http, asyncio.TaskGroup() as tasks:
        nodes = {name: Node(name=name, url=d.url, password=PASSWORD) for name, d in doubles.items()}
        world = World(nodes, http)
        pace = Pace(backoff=timedelta(milliseconds=10))
        world.links = Links(tasks, lambda: world.nodes, world.client, world, pace=pace)
        world.driver = Driver(world.links, world, Sound())
        yield world
        await world.links.close_all()


@pytest.fixture
async def double() -> AsyncIterator[Double]:
    async with running_double() as running:
        yield running


@pytest.fixture
async def other() -> AsyncIterator[Double]:
    async with running_double() as running:
        yield running


async def seat_and_play(world: World) -> None:
    await world.driver.sync(GUILD)
    await world.driver.sync(GUILD)


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


def mover(world: World) -> moving.Mover:
    tools = SimpleNamespace(
        fleet=SimpleNamespace(nodes=world.nodes),
        room=asyncio.Semaphore(1),
        means=SimpleNamespace(metrics=world.metrics),
    )
    pace = moving.Pace(
        lead=timedelta(milliseconds=100),
        seated=timedelta(milliseconds=20),
        overlap=timedelta(milliseconds=20),
        look=timedelta(milliseconds=10),
    )
    return moving.Mover(
        world, world.links, world.driver, tools=tools, choose=world.choose, pace=pace
    )


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
