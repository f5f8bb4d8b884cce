from collections.abc import AsyncIterator
from datetime import timedelta

import aiohttp
import msgspec
import pytest
from aiohttp import web
from prometheus_client import CollectorRegistry

from legato.audio.lavalink import Loaded, Refused
from legato.audio.metrics import Metrics
from legato.audio.resolving import Resolver, load_somewhere
from legato.audio.searching import Catalogue, Searcher
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts.asking import Choices, Search
from legato.contracts.tracks import Track
from legato.errors import Unavailable
from legato.redis import Client

ITEMS = [
    {"title": "Night Train", "artist": "Ada", "url": "http://music/night", "seconds": 65},
    {"title": "Train of Thought", "artist": "Bo", "url": "http://music/train", "seconds": 30},
    {"title": "Morning", "artist": "Ada", "url": "http://music/" + "x" * 100, "seconds": 30},
]
WITHIN = timedelta(seconds=1)
FOUND = Track(encoded="E", title="Found", author="Somebody", uri="http://found", length=61_000)


class Node:
    """Answers what it is asked."""

    def __init__(self) -> None:
        self.asked: list[str] = []
        self.answer = Loaded("search", (FOUND,))
        self.error: Exception | None = None

    async def load(self, query: str, within: timedelta) -> Loaded:
        self.asked.append(query)
        if self.error:
            raise self.error
        return self.answer


@pytest.fixture
async def http() -> AsyncIterator[aiohttp.ClientSession]:
    async with aiohttp.ClientSession() as session:
        yield session


@pytest.fixture
async def catalogue(http: aiohttp.ClientSession) -> AsyncIterator[Catalogue]:
    async def answer(_: web.Request) -> web.Response:
        return web.json_response({"items": ITEMS})

    app = web.Application()
    app.router.add_get("/catalogue.json", answer)
    runner = web.AppRunner(app)
    await runner.setup()
    await web.TCPSite(runner, "127.0.0.1", 0).start()
    yield Catalogue(http, f"http://127.0.0.1:{runner.addresses[0][1]}/catalogue.json")
    await runner.cleanup()


@pytest.fixture
def node() -> Node:
    return Node()


def searcher(redis: Client | None, catalogue: Catalogue, node: Node, prefix: str = "") -> Searcher:
    return Searcher(
        Bus(redis),
        catalogue,
        node.load,
        prefix=prefix,
        clock=ServerClock(),
        metrics=Metrics(CollectorRegistry()),
    )


async def test_every_word_must_fit_and_a_title_that_begins_so_is_first(catalogue, node) -> None:
    choices = await searcher(None, catalogue, node).choices("train", within=WITHIN)

    assert [choice.name for choice in choices] == [
        "Train of Thought - Bo (0:30)",
        "Night Train - Ada (1:05)",
    ]
    assert await searcher(None, catalogue, node).choices("train ada", within=WITHIN) == choices[1:]


async def test_a_link_too_long_for_discord_is_not_offered(catalogue, node) -> None:
    assert await searcher(None, catalogue, node).choices("morning", within=WITHIN) == []


async def test_a_node_searches_where_there_is_a_prefix(catalogue, node) -> None:
    choices = await searcher(None, catalogue, node, "ytsearch:").choices("blue", within=WITHIN)

    assert node.asked == ["ytsearch:blue"]
    assert [(one.name, one.value) for one in choices] == [
        ("Found - Somebody (1:01)", "http://found")
    ]


async def test_a_node_that_is_away_leaves_the_catalogue(catalogue, node) -> None:
    node.error = Unavailable("node")
    choices = await searcher(None, catalogue, node, "ytsearch:").choices("thought", within=WITHIN)

    assert [choice.value for choice in choices] == ["http://music/train"]


async def test_a_question_is_answered_and_a_late_one_is_not(each_redis, catalogue, node) -> None:
    answering = searcher(each_redis, catalogue, node)
    now = ServerClock().now()
    asked = Search(
        request_id="1", reply_to="{a}:1", text="train", guild_id=1, expires_at=now + 1500
    )
    late = Search(request_id="2", reply_to="{a}:2", text="train", guild_id=1, expires_at=now - 1)
    await answering._answer(asked)
    await answering._answer(late)

    raw = await each_redis.lpop("{a}:1")
    assert len(msgspec.json.decode(raw, type=Choices).choices) == 2
    assert not await each_redis.exists("{a}:2")


async def test_a_catalogue_that_is_away_is_empty(http: aiohttp.ClientSession) -> None:
    assert await Catalogue(http, "http://127.0.0.1:1/x").find("") == []
    assert await Catalogue(http, None).find("") == []


async def test_a_link_goes_to_the_node_as_it_is(catalogue, node) -> None:
    node.answer = Loaded("playlist", (FOUND, FOUND), playlist="A list")
    event = await Resolver(catalogue, node.load, prefix="").resolve(
        1, "slot", "http://a/list.m3u", within=WITHIN
    )

    assert node.asked == ["http://a/list.m3u"]
    assert event.tracks == (FOUND, FOUND)
    assert event.playlist == "A list"


@pytest.mark.parametrize("query", ["look http://10.0.0.1/x", "file:///etc/passwd", "ftp://a/b"])
async def test_a_text_that_only_holds_a_link_never_reaches_a_node(
    catalogue, node, query: str
) -> None:
    for prefix in ("", "ytsearch:"):
        event = await Resolver(catalogue, node.load, prefix=prefix).resolve(
            1, "slot", query, within=WITHIN
        )
        choices = await searcher(None, catalogue, node, prefix).choices(query, within=WITHIN)

        assert event.reason == "not_found"
        assert choices == []
    assert node.asked == []


async def test_words_are_looked_for_in_the_catalogue_then_by_the_node(catalogue, node) -> None:
    resolver = Resolver(catalogue, node.load, prefix="ytsearch:")
    await resolver.resolve(1, "slot", "night train", within=WITHIN)
    event = await resolver.resolve(1, "slot", "something else", within=WITHIN)

    assert node.asked == ["http://music/night", "ytsearch:something else"]
    assert event.tracks == (FOUND,)


@pytest.mark.parametrize(
    ("answer", "reason"),
    [
        (Loaded("empty"), "nothing_there"),
        (Loaded("search"), "nothing_there"),
        (Loaded("error", detail="age limit"), "load_failed"),
        (Refused("no"), "load_failed"),
    ],
)
async def test_what_leads_to_nothing_says_why(catalogue, node, answer, reason: str) -> None:
    if isinstance(answer, Exception):
        node.error = answer
    else:
        node.answer = answer
    event = await Resolver(catalogue, node.load, prefix="").resolve(
        1, "slot", "http://a", within=WITHIN
    )

    assert event.reason == reason


async def test_words_that_nobody_has_are_not_found(catalogue, node) -> None:
    event = await Resolver(catalogue, node.load, prefix="").resolve(
        1, "slot", "no such words", within=WITHIN
    )

    assert event.reason == "not_found"


async def test_words_can_not_be_looked_for_without_catalogue_or_prefix(http, node) -> None:
    event = await Resolver(Catalogue(http, None), node.load, prefix="").resolve(
        1, "slot", "words", within=WITHIN
    )

    assert event.reason == "no_search"
    assert node.asked == []


async def test_a_query_past_its_time_has_failed(catalogue, node) -> None:
    event = await Resolver(catalogue, node.load, prefix="").resolve(
        1, "slot", "http://a", within=timedelta(seconds=-1)
    )

    assert event.reason == "load_timeout"


class Client1:
    def __init__(self, *, away: bool) -> None:
        self.away = away

    async def load(self, query: str, *, timeout: timedelta) -> Loaded:
        if self.away:
            raise Unavailable("node", "away")
        return Loaded("empty")


async def test_a_node_that_goes_costs_a_second_look_only() -> None:
    clients = [Client1(away=True), Client1(away=False)]

    assert await load_somewhere(clients, "q", within=WITHIN) == Loaded("empty")
    with pytest.raises(Unavailable, match="away"):
        await load_somewhere(clients[:1], "q", within=WITHIN)
    with pytest.raises(Unavailable, match="none"):
        await load_somewhere([], "q", within=WITHIN)
