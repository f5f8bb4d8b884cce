"""The operator's questions, at a real Prometheus.

What it knows are recorded constants: read from pages, a busy machine would leave gaps.
"""

import asyncio
import http.server
import json
import threading
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from datetime import timedelta
from pathlib import Path

import pytest

from legato_cluster import prometheus
from legato_cluster.prometheus import Target
from legato_operator import answers, queries
from legato_operator.prometheus import Prometheus
from legato_operator.scaling import Measured, NoAnswer
from support_waiting import PATIENCE

NODES, BOT = "legato_dev_nodes", "legato_dev_bot"
PLAYING, NULLED = "lavalink_playing_players_total", "legato_node_frames_nulled_total"
PLAYERS = "legato_audio_players"
KNOWN = [
    (PLAYING, "vector(3)", {"pod": "berlin-0", NODES: "berlin"}),
    (PLAYING, "vector(4)", {"pod": "berlin-1", NODES: "berlin"}),
    (PLAYING, "vector(50)", {"pod": "paris-0", NODES: "paris"}),
    (NULLED, "vector(2 * time())", {"pod": "berlin-0", NODES: "berlin"}),
    (PLAYERS, "vector(5)", {"pod": "e-0", BOT: "melody", "legato_dev_region": "europe"}),
    (PLAYERS, "vector(6)", {"pod": "e-1", BOT: "melody", "legato_dev_region": "europe"}),
    (PLAYERS, "vector(7)", {"pod": "a-0", BOT: "melody", "legato_dev_region": "asia"}),
]


def rules() -> str:
    more = {"namespace": "music", "state": "playing"}
    listed = [{"record": a, "expr": b, "labels": labels | more} for a, b, labels in KNOWN]
    return json.dumps({"groups": [{"name": "known", "interval": "1s", "rules": listed}]})


async def becomes(look: Callable[[], Awaitable[bool]]) -> None:
    async with asyncio.timeout(PATIENCE):
        while True:
            if await look():
                return
            await asyncio.sleep(0.1)


@pytest.fixture(scope="module")
def server(programs: Path) -> Iterator[prometheus.Prometheus]:
    with prometheus.running(rules=rules()) as one:
        yield one


@pytest.fixture
async def asking(server: prometheus.Prometheus) -> AsyncIterator[Prometheus]:
    one = Prometheus(server.url, timeout=timedelta(seconds=PATIENCE))

    async def all_known() -> bool:
        found = await one.ask(f'{{__name__=~"{PLAYING}|{PLAYERS}|{NULLED}"}}')
        return not isinstance(found, NoAnswer) and len(found) == len(KNOWN)

    try:
        await becomes(all_known)
        yield one
    finally:
        await one.close()


async def test_players_are_added_up_over_the_pods_of_a_group(asking: Prometheus) -> None:
    found = await asking.ask(queries.players_of_nodes("music", "berlin"))

    assert answers.total(found, ["berlin-0", "berlin-1"]) == Measured(7)
    assert answers.total(found, ["berlin-0", "berlin-2"]) == NoAnswer(
        "Partial", "Prometheus has no figure of berlin-2"
    )


async def test_players_of_a_bot_are_told_apart_by_region(asking: Prometheus) -> None:
    found = await asking.ask(queries.players_of_bot("music", "melody"))

    regions = {one: answers.total(answers.of_region(found, one)) for one in ("europe", "asia")}
    assert regions == {"europe": Measured(11), "asia": Measured(7)}
    nowhere = answers.total(answers.of_region(found, "america"))
    assert nowhere == NoAnswer("Empty", "Prometheus has no such series")


async def test_missed_frames_are_counted_and_nodes_that_count_none_miss_none(
    asking: Prometheus,
) -> None:
    query = queries.deficit_of_nodes("music", "berlin")

    async def both() -> bool:
        found = await asking.ask(query)
        missed = {} if isinstance(found, NoAnswer) else {x.labels["pod"]: x.value for x in found}
        if missed.get("berlin-1") != 0 or not missed.get("berlin-0"):
            return False
        return answers.greatest(found, ["berlin-0", "berlin-1"]) == Measured(missed["berlin-0"])

    await becomes(both)


async def test_what_nobody_shows_is_empty_and_a_wrong_question_is_an_error(
    asking: Prometheus,
) -> None:
    nothing = await asking.ask(queries.players_of_nodes("music", "nowhere"))
    wrong = await asking.ask("sum(")
    ranges = await asking.ask("up[5m]")

    assert nothing == NoAnswer("Empty", "Prometheus has no such series")
    assert isinstance(wrong, NoAnswer)
    assert (wrong.why, "parse error" in wrong.message) == ("Error", True)
    assert ranges == NoAnswer("Error", "The question has a matrix for its answer")


async def test_what_was_shown_long_ago_is_stale(
    server: prometheus.Prometheus, asking: Prometheus
) -> None:
    page = f"{PLAYING} 3 {int((time.time() - 300) * 1000)}\n".encode()

    class Handler(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(200)
            self.send_header("Content-Type", "text/plain; version=0.0.4")
            self.end_headers()
            self.wfile.write(page)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler) as pod:
        pod.handle_error = lambda *_: None  # type: ignore[method-assign]  # who asks may give up
        threading.Thread(target=pod.serve_forever).start()
        labels = {"namespace": "music", NODES: "old", "pod": "old-0"}
        server.read([Target(f"127.0.0.1:{pod.server_port}", labels=labels)])

        async def stale() -> bool:
            found = await asking.ask(queries.players_of_nodes("music", "old"))
            return isinstance(found, NoAnswer) and found.why == "Stale"

        try:
            await becomes(stale)
        finally:
            server.read([])
            pod.shutdown()


async def test_a_server_that_is_gone_is_an_error_and_back_it_answers_again(
    server: prometheus.Prometheus, asking: Prometheus
) -> None:
    query = queries.players_of_nodes("music", "berlin")

    server.stop()
    gone = await asking.ask(query)
    server.start()

    assert isinstance(gone, NoAnswer)
    assert gone.why == "Error"

    async def seven() -> bool:
        return answers.total(await asking.ask(query)) == Measured(7)

    await becomes(seven)
