"""Watches at an API server that breaks, forgets and refuses; a real one is in e2e/cluster."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from dataclasses import dataclass, field
from datetime import timedelta
from typing import Any

import pytest

from legato.errors import Unavailable
from legato_operator import app, kinds, watches
from legato_operator.cache import Cache
from legato_operator.cluster import Cluster, Event, Expired, Refused
from legato_operator.listing import Listed
from legato_operator.settings import Settings
from legato_operator.watches import Watches
from support_waiting import until

Json = dict[str, Any]
Said = Event | Exception
"""What a watch brings next; an error ends it."""
AGES = Settings(blind_after=timedelta(minutes=5))


@dataclass
class Server(Cluster):
    """Answers for one kind as it is told, and for every other with nothing."""

    kind: str = "Service"
    lists: list[Listed | Exception | None] = field(default_factory=list)
    """The answers in order; the last one stays."""
    streams: list[list[Said]] = field(default_factory=list)
    """What each watch brings before it ends; after the last one they hear nothing."""
    listings: int = 0
    watched_from: list[str] = field(default_factory=list)

    async def listed(
        self, kind: str, namespace: str, selector: str = "", *, fields: str = ""
    ) -> Listed | None:
        if kind != self.kind:
            return Listed([], "1")
        self.listings += 1
        found = self.lists.pop(0) if len(self.lists) > 1 else self.lists[0]
        if isinstance(found, Exception):
            raise found
        return found

    async def watched(
        self, kind: str, namespace: str, selector: str, version: str, *, lasting: int = 290
    ) -> AsyncIterator[Event]:
        if kind == self.kind:
            self.watched_from.append(version)
            if self.streams:
                for said in self.streams.pop(0):
                    if isinstance(said, Exception):
                        raise said
                    yield said
                return
        await asyncio.Event().wait()


def service(name: str, version: int) -> Json:
    labels = {"legato.dev/bot": "melody"}
    said = {"name": name, "namespace": "music", "labels": labels, "resourceVersion": str(version)}
    return {"kind": "Service", "metadata": said}


def machine(name: str, version: int, *, cordoned: bool = False) -> Json:
    said = {"name": name, "resourceVersion": str(version)}
    ready = [{"type": "Ready", "status": "True"}]
    spec = {"unschedulable": cordoned}
    return {"kind": "Node", "metadata": said, "spec": spec, "status": {"conditions": ready}}


def listed(version: int, *items: Json) -> Listed:
    return Listed(list(items), str(version))


@pytest.fixture(autouse=True)
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(watches, "FIRST", 0.001)
    monkeypatch.setattr(watches, "LONGEST", 0.004)
    monkeypatch.setattr(watches, "UNKNOWN_AGAIN", 0.01)


@dataclass
class Room:
    """Watches of one server, and whom they told of what."""

    server: Server
    namespaces: tuple[str, ...] = ()
    changed: list[str] = field(default_factory=list)
    cache: Cache = field(default_factory=Cache)

    def __post_init__(self) -> None:
        self.watches = Watches(self.server, self.cache, self.namespaces, self._note)

    def _note(self, one: Json) -> None:
        self.changed.append(one["metadata"]["name"])

    @property
    def names(self) -> list[str]:
        return [one["metadata"]["name"] for one in self.cache.all(self.server.kind, "")]

    @contextlib.asynccontextmanager
    async def watching(self, look: Callable[[], object]) -> AsyncIterator[None]:
        task = asyncio.create_task(self.watches.run())
        try:
            await until(look)
            yield
        finally:
            task.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await task


def forgotten() -> Expired:
    return Expired("kubernetes", "too old")


def away() -> Unavailable:
    return Unavailable("kubernetes", "away")


def silence(room: Room, seconds: float) -> None:
    """Let time pass in which nobody said anything."""
    for state in room.watches._states.values():
        state.heard -= seconds


def bot(version: int) -> Json:
    return service("melody", version) | {"kind": "MusicBot", "spec": {"applicationId": "1"}}


async def test_a_resource_is_told_of_but_for_what_we_wrote_ourselves() -> None:
    stream: list[Said] = [Event("MODIFIED", bot(n)) for n in (5, 6, 7)]
    stream.append(Event("DELETED", bot(8)))
    room = Room(Server(kind="MusicBot", lists=[listed(4, bot(3))], streams=[stream]))
    room.cache.put(bot(6))

    async with room.watching(lambda: not room.names):
        assert room.changed == ["melody"] * 3


async def test_what_is_listed_and_what_happens_next_is_told_and_kept() -> None:
    stream: list[Said] = [Event("ADDED", service("b", 6)), Event("DELETED", service("a", 7))]
    room = Room(Server(lists=[listed(5, service("a", 4))], streams=[stream]))

    async with room.watching(lambda: room.names == ["b"]):
        assert room.changed == ["a", "b", "a"]


async def test_a_watch_that_ends_goes_on_where_it_was_and_lists_nothing() -> None:
    bookmark = Event("BOOKMARK", service("", 9))
    room = Room(Server(lists=[listed(5)], streams=[[Event("ADDED", service("a", 6))], [bookmark]]))

    async with room.watching(lambda: len(room.server.watched_from) == 3):
        assert room.server.watched_from == ["5", "6", "9"]
        assert room.server.listings == 1
        assert room.changed == ["a"]


async def test_what_the_server_no_longer_remembers_is_listed_anew_and_what_went_is_told() -> None:
    lists: list[Listed | Exception | None] = [
        listed(5, service("a", 4), service("b", 5)),
        listed(20, service("b", 5), service("c", 18)),
    ]
    room = Room(Server(lists=lists, streams=[[forgotten()]]))

    async with room.watching(lambda: room.names == ["b", "c"]):
        await until(lambda: room.server.watched_from == ["5", "20"])
        assert room.changed == ["a", "b", "b", "c", "a"]


async def test_a_server_that_forgets_at_once_is_asked_with_pauses(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    pauses: list[float] = []
    sleep = asyncio.sleep

    async def counted(seconds: float) -> None:
        pauses.append(seconds)
        await sleep(0)

    monkeypatch.setattr("legato_operator.watches.asyncio.sleep", counted)
    room = Room(Server(lists=[listed(5)], streams=[[forgotten()] for _ in range(20)]))

    async with room.watching(lambda: room.server.listings > 20):
        assert len(pauses) >= 20
        assert all(pauses)


async def test_a_server_that_is_away_is_asked_until_it_is_back_and_what_was_known_stays() -> None:
    lists: list[Listed | Exception | None] = [
        listed(5, service("a", 4)),
        *(away() for _ in range(6)),
        listed(9, service("a", 4), service("b", 8)),
    ]
    room = Room(Server(lists=lists, streams=[[away()]]))
    known: list[list[str]] = []

    def look() -> bool:
        known.append(room.names)
        return room.names == ["a", "b"]

    async with room.watching(look):
        assert [] not in known[known.index(["a"]) :]
        assert room.server.listings == 8


@pytest.mark.parametrize("answer", [None, Refused("no right to list it", status=403)])
async def test_a_kind_that_is_not_there_or_not_ours_to_see_is_asked_for_again(
    answer: Listed | Exception | None,
) -> None:
    lists: list[Listed | Exception | None] = [answer, answer, listed(5)]
    room = Room(Server(kind="PodMonitor", lists=lists))

    async with room.watching(lambda: room.watches.is_synced):
        silence(room, 301)
        if room.server.listings < 3:
            assert "PodMonitor" not in room.watches.known()
        await until(lambda: "PodMonitor" in room.watches.known())
        assert room.watches.known() == frozenset(kinds.OPTIONAL)


@pytest.mark.parametrize("answer", [None, Refused("no right to list it", status=403)])
async def test_what_is_known_of_a_kind_that_must_be_seen_stays_and_the_watch_is_blind(
    answer: Listed | Exception | None,
) -> None:
    lists: list[Listed | Exception | None] = [listed(5, service("a", 4)), answer]
    room = Room(Server(lists=lists, streams=[[forgotten()]]))

    async with room.watching(lambda: room.server.listings > 4):
        assert room.names == ["a"]
        silence(room, 301)
        assert "Service" in app.blind(room.watches, AGES)


async def test_a_kind_that_must_be_seen_and_never_was_keeps_everything_waiting() -> None:
    room = Room(Server(lists=[Refused("no right to list it", status=403)]))

    async with room.watching(lambda: room.server.listings > 4):
        assert not room.watches.is_synced
        silence(room, 301)
        assert "Service" in app.blind(room.watches, AGES)


async def test_nothing_is_synced_before_everything_was_listed() -> None:
    room = Room(Server(lists=[*(away() for _ in range(30)), listed(5)]))
    seen: list[tuple[int, bool]] = []

    def look() -> bool:
        seen.append((room.server.listings, room.watches.is_synced))
        return room.watches.is_synced

    async with room.watching(look):
        assert room.server.listings >= 31
        assert not any(synced for listings, synced in seen if listings < 31)
        await room.watches.synced()


async def test_watches_that_hear_nothing_are_blind_and_what_is_not_there_is_not() -> None:
    room = Room(Server(kind="PodMonitor", lists=[None]))

    async with room.watching(lambda: room.watches.is_synced):
        assert app.blind(room.watches, AGES) == ""
        silence(room, 301)
        room.watches._states["Pod", ""].heard += 301
        said = app.blind(room.watches, AGES)
        assert "Service" in said
        assert "PodMonitor" not in said
        assert "Pod," not in said


async def test_a_kind_that_could_never_be_listed_is_blind_too() -> None:
    room = Room(Server(lists=[away()]))

    async with room.watching(lambda: room.server.listings > 3):
        silence(room, 301)
        assert "Service" in app.blind(room.watches, AGES)
        assert not room.watches.is_synced


async def test_a_sign_of_life_is_enough_to_see() -> None:
    room = Room(Server(lists=[listed(5)], streams=[[], [Event("BOOKMARK", service("", 9))]]))

    async with room.watching(lambda: len(room.server.watched_from) == 3):
        assert room.watches.ages()["Service"] < 300


async def test_each_namespace_has_its_own_and_machines_have_none() -> None:
    room = Room(Server(lists=[listed(5)]), namespaces=("music", "sound"))

    async with room.watching(lambda: room.watches.is_synced):
        assert {space for kind, space in room.watches._states if kind == "Pod"} == {
            "music",
            "sound",
        }
        assert [space for kind, space in room.watches._states if kind == kinds.MACHINE] == [""]
        assert room.watches.may_see_machines()


async def test_machines_that_change_or_go_are_told_and_others_are_not() -> None:
    lists: list[Listed | Exception | None] = [
        listed(5, machine("one", 1), machine("two", 2)),
        listed(9, machine("two", 8, cordoned=True)),
    ]
    stream: list[Said] = [Event("MODIFIED", machine("one", 6)), forgotten()]
    room = Room(Server(kind=kinds.MACHINE, lists=lists, streams=[stream]))

    async with room.watching(lambda: room.cache.names_of_machines() == ["two"]):
        assert room.changed[:2] == ["one", "two"]
        await until(lambda: room.changed == ["one", "two", "two"])
        assert (await room.cache.machines())["two"].cordoned
