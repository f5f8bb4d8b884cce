"""Our connection to a node; also what lavalink.py 5.11.1 gets wrong (numbers: its defects)."""

import asyncio
import dataclasses
import time
from datetime import timedelta

import aiohttp
import pytest

from legato.audio.events import (
    NodeAssigned,
    NodeLost,
    PositionReported,
    TrackEnded,
    TrackStarted,
)
from legato.audio.lavalink import NodeClient
from legato.audio.nodes import NodeLink, Pace
from legato.contracts.fleet import Node
from legato.errors import Unavailable
from support_lavalink import PASSWORD, Double, Session, running_double
from support_linking import CALM, GUILD, QUICK, Partition, linked, up
from support_waiting import PATIENCE, until


async def test_a_new_session_is_kept_and_resumable_before_anything_else(double: Double) -> None:
    port = Partition()
    async with linked(double, port) as link:
        session = await up(link)

        assert port.kept == [session]
        assert double.calls == [
            ("PATCH", f"/v4/sessions/{session}", {"resuming": True, "timeout": 300})
        ]
        assert double.handshakes[0]["User-Id"] == "7"
        assert "Session-Id" not in double.handshakes[0]


async def test_stats_may_come_before_ready(double: Double) -> None:
    double.stats_first = True
    async with linked(double, Partition()) as link:
        assert await up(link)


async def test_a_lost_socket_comes_back_with_its_session(double: Double) -> None:
    """Defects 4 and 7: Session-Id is sent again, and the players are looked at."""
    port = Partition()
    async with linked(double, port) as link:
        session = await up(link)
        double.session.players[str(GUILD)] = {"guildId": str(GUILD), "volume": 50}
        await double.drop()
        await until(lambda: port.opens == 2)

        assert link.session_id == session
        assert double.handshakes[1]["Session-Id"] == session
        assert port.found[0][GUILD].volume == 50
        assert not port.of(NodeLost)


async def test_a_refused_handshake_is_tried_again_and_loses_nothing(double: Double) -> None:
    """Defect 5: one 503 must not end the connection for ever."""
    double.refuse_handshakes = 3
    port = Partition()
    async with linked(double, port) as link:
        assert await up(link)
        assert len(double.handshakes) == 4
        assert not port.of(NodeLost)


async def test_a_node_that_hangs_up_at_once_is_left_longer_and_longer(double: Double) -> None:
    pause = timedelta(milliseconds=200)
    slow = dataclasses.replace(
        CALM, backoff=pause / 2, longest_backoff=pause, life=timedelta(minutes=5)
    )
    port = Partition()
    begun = time.monotonic()
    async with linked(double, port, pace=slow):
        for times in range(1, 5):
            await until(lambda: port.opens >= times)  # noqa: B023
            await double.drop()
        await until(lambda: port.opens == 5)

    assert time.monotonic() - begun > 4 * 0.75 * pause.total_seconds()


async def test_a_connection_that_breaks_while_it_is_ended_ends(
    double: Double, monkeypatch: pytest.MonkeyPatch
) -> None:
    broken: list[str] = []

    async def breaking(*_: object) -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            broken.append("once")
            if len(broken) == 1:
                raise Unavailable("node", "it breaks now") from None
            raise

    monkeypatch.setattr(NodeLink, "_watch", breaking)
    async with aiohttp.ClientSession() as http:
        node = Node(name="n1", url=double.url, password=PASSWORD, lead=400)
        link = NodeLink(NodeClient(http, node, user_id=7), Partition(), pace=QUICK)
        running = asyncio.create_task(link.run())
        await up(link)
        running.cancel()

        ended, _ = await asyncio.wait({running}, timeout=PATIENCE)
        running.cancel()
    assert ended
    assert broken


async def test_events_of_a_guild_come_in_the_order_they_were_sent(double: Double) -> None:
    """Defect 6."""
    port = Partition()
    async with linked(double, port) as link:
        await up(link)
        for number in range(50):
            await double.event("TrackStartEvent", GUILD, f"p{number}")
            await double.event("TrackEndEvent", GUILD, f"p{number}", reason="finished")
        await until(lambda: len(port.told) >= 101)

        plays = [(type(one), one.play_id) for one in port.told if not isinstance(one, NodeAssigned)]
        assert plays == [
            (kind, f"p{number}") for number in range(50) for kind in (TrackStarted, TrackEnded)
        ]


async def test_an_old_session_that_is_free_is_resumed(double: Double) -> None:
    double.sessions["old"] = Session("old", resuming=True)
    port = Partition()
    async with linked(double, port, session_id="old") as link:
        assert await up(link) == "old"
        assert port.kept == []
        assert len(port.found) == 1


@pytest.mark.parametrize("session", ["old", ""])
async def test_a_socket_that_is_lost_before_it_is_up_is_opened_again(
    double: Double, session: str
) -> None:
    double.sessions["old"] = Session("old", resuming=True)
    double.unknown = 2
    async with linked(double, Partition(), session_id=session) as link:
        assert await up(link)
        assert double.unknown == 0


async def test_a_node_that_talks_nonsense_is_asked_until_it_makes_sense(double: Double) -> None:
    players = {"1": {"guildId": "nonsense"}}
    double.sessions["old"] = Session("old", resuming=True, players=players)
    port = Partition()
    async with linked(double, port, session_id="old") as link:
        await until(lambda: len(double.handshakes) > 2)
        players.clear()
        assert await up(link) == "old"
        await double.say({"op": "playerUpdate", "guildId": "nonsense", "state": {"time": 0}})
        await until(lambda: port.opens == 2)


async def test_an_old_session_that_is_gone_is_replaced_after_a_second_look(double: Double) -> None:
    port = Partition()
    async with linked(double, port, session_id="gone") as link:
        session = await up(link)

        assert session != "gone"
        assert [one.get("Session-Id") for one in double.handshakes] == ["gone", "gone"]
        assert port.of(NodeAssigned) == [
            NodeAssigned(guild_id=GUILD, node="n1", session_id=session)
        ]
        assert port.kept == [session]


async def test_a_session_that_another_still_holds_is_waited_for(double: Double) -> None:
    other = Partition()
    async with linked(double, other) as holder:
        session = await up(holder)
        held = double.session
        port = Partition()
        async with linked(double, port, session_id=session) as link:
            await until(lambda: len(double.handshakes) > 3)
            assert link.state == "connecting"
            assert port.kept == []

            held_socket, held.socket = held.socket, None
            assert await up(link) == session
            assert held_socket is not None
    assert not port.of(NodeAssigned)


async def test_a_session_held_for_too_long_is_given_up(double: Double) -> None:
    other = Partition()
    async with linked(double, other) as holder:
        session = await up(holder)
        port = Partition()
        async with linked(double, port, session_id=session, pace=QUICK) as link:
            assert await up(link) != session
            assert port.of(NodeAssigned)


async def test_a_node_that_refuses_connections_is_down_soon(double: Double) -> None:
    port = Partition()
    async with linked(double, port) as link:
        await up(link)
        address = double.url
        await _stop(double)
        await until(lambda: port.of(NodeLost))

        assert link.state == "down"
        with pytest.raises(Unavailable, match="down"):
            await up(link)
        async with running_double(int(address.rpartition(":")[2])):
            await until(lambda: link.state == "up")
        assert port.of(NodeLost) == [NodeLost(guild_id=GUILD, node="n1")]


async def _stop(double: Double) -> None:
    double.url = "http://127.0.0.1:1"
    await double.stop()


async def test_a_silent_node_that_answers_a_probe_is_well(double: Double) -> None:
    port = Partition()
    async with linked(double, port) as link:
        await up(link)
        port.due = True
        await until(lambda: double.called("GET").count("/version") >= 2)

        assert link.state == "up"
        assert not port.of(NodeLost)
        assert double.pings > 0


async def test_a_silent_node_that_does_not_answer_is_down(double: Double) -> None:
    port = Partition()
    async with linked(double, port, pace=QUICK) as link:
        await up(link)
        port.due = True
        double.frozen = True
        await until(lambda: port.of(NodeLost))

        assert link.state == "down"


async def test_a_node_behind_a_dead_socket_is_not_down_and_its_session_is_resumed(
    double: Double,
) -> None:
    port = Partition()
    # Two seconds are enough to answer beside the socket, and not too long to wait for it.
    async with linked(double, port, pace=dataclasses.replace(CALM, silence=11.25)) as link:
        session = await up(link)
        port.due = double.mute = True
        await until(lambda: link.state == "connecting")
        assert not link.is_hopeful
        double.mute = False
        double.sessions[session].socket = None
        await until(lambda: link.state == "up")

        assert link.session_id == session
        assert link.is_hopeful
        assert not port.of(NodeLost)


async def test_an_update_that_comes_for_a_seek_makes_nobody_impatient(double: Double) -> None:
    port = Partition()
    slow = dataclasses.replace(CALM, update=timedelta(minutes=1), fastest=timedelta(minutes=1))
    async with linked(double, port, pace=slow) as link:
        await up(link)
        for position in range(3):
            await double.update(GUILD, position)
        await until(lambda: len(port.of(PositionReported)) == 3)
        port.due = True
        await until(lambda: double.pings >= 5)

        assert "/version" not in double.called("GET")


async def test_a_node_that_need_not_speak_is_left_alone(double: Double) -> None:
    port = Partition()
    async with linked(double, port) as link:
        await up(link)
        await until(lambda: double.pings >= 5)

        assert "/version" not in double.called("GET")


async def test_a_fast_nodes_interval_is_learned(double: Double) -> None:
    slow = Pace(update=timedelta(seconds=5), fastest=timedelta(milliseconds=200))
    port = Partition()
    async with linked(double, port, pace=slow) as link:
        await up(link)
        await double.update(GUILD, 0)
        await until(lambda: port.of(PositionReported))
        await asyncio.sleep(0.25)
        await double.update(GUILD, 250)
        port.due = True

        await until(lambda: "/version" in double.called("GET"))
