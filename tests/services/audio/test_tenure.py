import asyncio
from types import SimpleNamespace

import pytest
from prometheus_client import CollectorRegistry

from legato.audio.changes import Change, Commit, DeadLetter, Position
from legato.audio.ledger import Books, Broken
from legato.audio.metrics import Metrics
from legato.audio.placement import Candidate
from legato.audio.state import Player, VoiceState
from legato.audio.tenure import Tenure
from legato.audio.writer import Fenced
from legato.contracts.fleet import Directive
from legato.contracts.partitions import Partition
from legato.errors import Unavailable
from legato.leases import Lease
from support_waiting import PATIENCE

P = Partition(7, "default", 3)
LEASE = Lease(P, "a~1", 5, deadline=0.0)


class Emptied:
    """Books of a Redis that knows no lease."""

    async def keep_session(self, lease: Lease, node: str, session_id: str) -> bool:
        return False


def tenure(lease: Lease | None, said: Directive | None = None) -> Tenure:
    tools = SimpleNamespace(
        means=SimpleNamespace(ledger=Emptied(), metrics=Metrics(CollectorRegistry())),
        fleet=SimpleNamespace(directive=said),
        region="europe",
        playing=dict,
        sessions=dict,
    )
    return Tenure(P, lambda: lease, tools, asyncio.Event())


async def test_a_session_that_redis_does_not_take_is_tried_again_while_the_lease_is_ours() -> None:
    with pytest.raises(Unavailable):
        await tenure(LEASE).keep("n1", "s1")


async def test_a_session_of_a_lost_lease_ends_the_tenure() -> None:
    with pytest.raises(Fenced):
        await tenure(None).keep("n1", "s1")


async def test_what_can_not_be_read_is_put_aside_before_anything_else(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    owner = tenure(LEASE)
    written: list[Commit] = []

    async def commit(found: Commit) -> None:
        written.append(found)
        raise Unavailable("redis", "enough is seen")

    monkeypatch.setattr(owner.loop.writer, "commit", commit)
    monkeypatch.setattr(owner, "_parts", lambda: (None, None))
    letter, change = DeadLetter(b"{", "truncated"), Change(guild_id=1, gone=True)
    books = Books(Position(), 0, {}, {}, (), (Broken(change, (letter,)),))
    with pytest.raises(Unavailable):
        async with asyncio.timeout(PATIENCE):
            await owner._resume(asyncio.TaskGroup(), books, [])

    assert written == [Commit(changes=[change], dead=[letter])]


class Places:
    """Nodes of two regions, none with a connection."""

    def candidates(self, **_: object) -> list[Candidate]:
        return [Candidate(name="berlin", region="europe"), Candidate(name="dallas", region="us")]


@pytest.mark.parametrize(
    ("endpoint", "node", "waits"),
    [
        ("us-east1234.discord.media:443", "dallas", False),
        ("frankfurt7013.discord.media:443", "berlin", False),
        ("sydney4.discord.media:443", "berlin", False),
        ("", "berlin", True),
    ],
)
def test_a_player_gets_a_node_where_its_voice_server_is_and_waits_until_that_is_known(
    monkeypatch: pytest.MonkeyPatch, endpoint: str, node: str, waits: bool
) -> None:
    said = Directive(version=1, voice_regions={"us-east": "us", "frankfurt": "europe"})
    owner = tenure(LEASE, said)
    player = Player(guild_id=1, voice=VoiceState(wanted=9, endpoint=endpoint))
    monkeypatch.setattr(owner.loop, "player", lambda _: player)
    monkeypatch.setattr(owner, "_parts", lambda: (Places(), None))

    assert owner.choose(1, current=None).node == node
    assert owner.awaits_voice(player) is waits


def test_where_no_voice_region_is_listed_nobody_waits_for_one() -> None:
    player = Player(guild_id=1, voice=VoiceState(wanted=9))

    assert not tenure(LEASE, Directive(version=1)).awaits_voice(player)
