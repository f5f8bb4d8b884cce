"""Who leads, by a Lease that a server keeps; a real API server keeps one in e2e/cluster."""

from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from legato.errors import Unavailable
from legato_operator import app
from legato_operator.cluster import Cluster, Conflict
from legato_operator.lease import Lease, NotLeading, Terms
from legato_operator.settings import Settings

TERMS = Terms(timedelta(seconds=10), timedelta(seconds=6), timedelta(milliseconds=200))
USUAL = app._terms(Settings())
"""What an operator is told that is told nothing."""
Json = dict[str, Any]


@dataclass
class Server(Cluster):
    """Keeps one Lease, each write under the version that was read."""

    record: Json | None = None
    version: int = 0
    away: bool = False
    reads: int = 0
    written: list[Json] = field(default_factory=list)

    async def resource(self, kind: str, namespace: str, name: str) -> Json | None:
        self.reads += 1
        if self.away:
            raise Unavailable("kubernetes", "away")
        return self.record

    async def create(self, manifest: Json) -> Json | None:
        return self._write(manifest, expected=None)

    async def update(self, manifest: Json) -> Json | None:
        return self._write(manifest, expected=manifest["metadata"]["resourceVersion"])

    def _write(self, manifest: Json, *, expected: str | None) -> Json:
        if self.away:
            raise Unavailable("kubernetes", "away")
        known = self.record["metadata"]["resourceVersion"] if self.record else None
        if known != expected:
            raise Conflict("kubernetes", "changed")
        self.version += 1
        metadata = {**manifest["metadata"], "resourceVersion": str(self.version)}
        self.record = {**manifest, "metadata": metadata}
        self.written.append(self.record["spec"])
        return self.record

    @property
    def holder(self) -> str:
        assert self.record is not None
        return str(self.record["spec"]["holderIdentity"])


@dataclass
class Room:
    """Operators beside each other, and a clock."""

    server: Server = field(default_factory=Server)
    now: float = 100.0

    def operator(self, name: str, terms: Terms = TERMS) -> Lease:
        return Lease(self.server, "legato", name, terms, clock=lambda: self.now)


async def test_the_first_leads_and_the_second_stands_by() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")

    await one._try()
    await other._try()

    assert (one.leads, other.leads, room.server.holder) == (True, False, "one")
    one.fence()
    with pytest.raises(NotLeading):
        other.fence()


async def test_who_renews_stays_and_reads_nothing_for_it() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")
    for _ in range(20):
        await one._try()
        await other._try()
        room.now += 2

    assert one.leads
    assert not other.leads
    assert room.server.reads == 1 + 20
    assert {spec["leaseTransitions"] for spec in room.server.written} == {1}


async def test_a_record_that_nobody_renews_is_taken_after_its_duration_and_not_before() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")
    await one._try()
    await other._try()

    room.now += 9.9
    await other._try()
    assert not other.leads

    room.now += 0.1
    await other._try()
    assert other.leads
    assert room.server.record is not None
    assert room.server.record["spec"]["leaseTransitions"] == 2


@pytest.mark.parametrize("phase", [0.0, 0.5, 1.0, 1.5, 1.9])
async def test_who_stands_by_leads_within_fifteen_seconds_of_the_last_renewal(phase: float) -> None:
    room, every = Room(), USUAL.retry.total_seconds()
    one, other = room.operator("one", USUAL), room.operator("other", USUAL)
    await one._try()
    last = room.now
    room.now += phase
    while not other.leads:
        assert not one.leads or room.now - last < USUAL.renew_within.total_seconds()
        await other._try()
        room.now += every

    took = room.now - every - last
    assert USUAL.duration.total_seconds() <= took <= 15 - 3  # a call may take the rest


async def test_who_was_frozen_does_not_act_and_finds_that_another_leads() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")
    await one._try()
    await other._try()
    room.now += 12
    await other._try()

    with pytest.raises(NotLeading):
        one.fence()
    await one._try()
    await one._try()
    assert (one.leads, room.server.holder) == (False, "other")


async def test_nobody_leads_at_the_same_time_as_another() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")
    for step in range(400):
        room.server.away = step % 50 > 30
        for each in (one, other) if step % 120 < 60 else (other,):
            try:
                await each._try()
            except Unavailable:
                assert room.server.away
            assert not (one.leads and other.leads)
        room.now += 1
        assert not (one.leads and other.leads)


async def test_who_can_not_renew_stops_before_another_may_begin() -> None:
    room = Room()
    one = room.operator("one")
    await one._try()
    room.server.away = True

    room.now += 5.9
    assert one.leads
    room.now += 0.1
    assert not one.leads


async def test_who_is_told_to_end_lets_the_next_lead_at_once() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")
    await one._try()
    await other._try()
    one._held = True

    await one.release()
    await other._try()

    assert (one.leads, other.leads) == (False, True)


async def test_who_does_not_lead_releases_nothing() -> None:
    room = Room()
    one, other = room.operator("one"), room.operator("other")
    await one._try()

    await other.release()

    assert room.server.holder == "one"


@dataclass
class Slow(Server):
    """Takes its time for every write."""

    room: "Room | None" = None
    takes: float = 0.0

    async def update(self, manifest: Json) -> Json | None:
        assert self.room is not None
        self.room.now += self.takes
        return await super().update(manifest)


@dataclass
class Led:
    """What a process that leads was told, while time passes only by its own waits."""

    room: Room
    lease: Lease
    rounds: int
    begun: list[bool] = field(default_factory=list)
    unled: int = 0
    """Rounds at whose end it did not lead."""

    async def run(self, monkeypatch: pytest.MonkeyPatch) -> None:
        async def passes(seconds: float) -> None:
            self.room.now += seconds
            self.unled += not self.lease.leads
            self.rounds -= 1
            if not self.rounds:
                raise TimeoutError

        monkeypatch.setattr("legato_operator.lease.asyncio.sleep", passes)
        with pytest.raises(TimeoutError):
            await self.lease.run(lambda: self.begun.append(self.lease.is_new))


async def test_calls_that_take_half_the_time_there_is_do_not_end_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room(server=Slow(takes=2.9))
    assert isinstance(room.server, Slow)
    room.server.room = room
    led = Led(room, room.operator("one"), rounds=30)

    await led.run(monkeypatch)

    assert (led.begun, led.unled) == ([True], 0)


async def test_who_leads_again_with_nobody_between_remembers_and_looks_at_all(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    room = Room()
    lease = room.operator("one")
    led = Led(room, lease, rounds=3)
    await led.run(monkeypatch)
    room.now += 8
    led.rounds = 3
    await led.run(monkeypatch)
    assert led.begun == [True, False]

    room.now += 8
    other = room.operator("other")
    await other._try()
    room.now += 10
    await other._try()
    assert other.leads
    other._held = True
    await other.release()
    led.rounds = 30
    await led.run(monkeypatch)

    assert led.begun == [True, False, True]
