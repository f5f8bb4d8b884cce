"""People err while a bot plays: each mistake is named, nothing is removed, and nobody hears it.

The Prometheus that the operator asks is one of ours here: gone, then broken, then empty.
"""

import asyncio
import contextlib
import json
import signal
import sys
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from legato_cluster import belongings, processes, prometheus, waiting
from legato_cluster.cluster import ADDRESS
from legato_cluster.platform import BOT, NODES, SPACE, Platform
from legato_machine import hearing

PATIENCE = 240.0
TONE, TRACK = 6, "tone-6-900s.ogg"
SERVERS = ("postgres", "redis")
"""Secrets of what a bot needs."""
WRONG = "mislaid"
SCALED = {"replicas": None, "minimum": 1, "maximum": 2}
REFUSED = (
    ("musicbot", BOT, {"applicationId": "223456789012345678"}, "make another MusicBot"),
    ("lavalinknode", NODES, {"replicas": None, "minimum": 4, "maximum": 3}, "minimum"),
)
"""What the API server refuses, and a word of its sentence."""
BUDGET, SERVICE, JOB = f"pdb/{NODES}", f"service/{NODES}", f"cronjob/{BOT}-usage"
API = f"deployment/{BOT}-api"
BROKEN, EMPTY = "500 oh no", '200 {"status":"success","data":{"resultType":"vector","result":[]}}'
ANSWERER = """
import http.server, pathlib, sys

class Page(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        self.rfile.read(int(self.headers.get("Content-Length") or 0))
        status, _, text = pathlib.Path(sys.argv[3]).read_text().partition(" ")
        self.send_response(int(status))
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text.encode())

    do_GET = do_POST

http.server.ThreadingHTTPServer((sys.argv[1], int(sys.argv[2])), Page).serve_forever()
"""
"""Answers whatever a file says."""
pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = Any


async def test_mistakes_are_named_while_the_music_goes_on(music: Platform, tmp_path: Path) -> None:
    hall, before = await music.hall(), untouched(music)

    async with hearing.control(music) as noise:
        await hall.play(TRACK, timeout=PATIENCE)
        heard = await hall.hears(TONE, after=2000, timeout=PATIENCE)
        for one in REFUSED:
            is_refused(music, *one)
        budget = broken_by_hand(music)
        with music.changed("lavalinknode", NODES, SCALED):
            with without_secrets(music):
                await says(music, "musicbot", "Ready", "False SecretMissing", *SERVERS)
                await says(music, "musicbot", "ControlPlaneReachable", "False SecretMissing")
                await holds(music, "Prometheus does not answer")
            with answering(music, tmp_path) as answer:
                answer.write_text(BROKEN)
                with wrong_token(music):
                    await says(music, "musicbot", "TokenValid", "False Refused")
                    await says(music, "musicbot", "Ready", "False TokenRefused")
                    await holds(music, "Prometheus answered 500")
                answer.write_text(EMPTY)
                await holds(music, "Prometheus has no such series")
        await true(partial(is_mended, music, budget), "children as they were")
        await asyncio.to_thread(music.settle)
        await hall.hears(TONE, after=heard.ms + 5000, timeout=PATIENCE)

    await hearing.unbroken(hall, noise)
    assert untouched(music) == before
    await hall.type("leave", timeout=PATIENCE)


async def test_a_gateway_that_starts_anew_beside_a_wrong_token_has_the_right_one(
    music: Platform,
) -> None:
    [gateway] = music.pods("gateway")

    with wrong_token(music):
        await says(music, "musicbot", "TokenValid", "False Refused")
        assert processes.send(gateway["metadata"]["uid"], signal.SIGKILL)
        await true(partial(is_anew, music, gateway), "the same gateway, started anew, and ready")
        await says(music, "musicbot", "ShardsConnected", "True")

    await asyncio.to_thread(music.settle)
    assert is_anew(music, gateway)


def is_anew(music: Platform, gateway: Json) -> bool:
    """Tell whether a gateway's container has started once more than before, and answers."""
    [now], [before] = music.pods("gateway"), gateway["status"]["containerStatuses"]
    [status] = now["status"]["containerStatuses"]
    assert now["metadata"]["uid"] == gateway["metadata"]["uid"]
    assert status["restartCount"] <= before["restartCount"] + 1
    return bool(status["restartCount"] > before["restartCount"] and status["ready"])


def untouched(music: Platform) -> dict[str, Json]:
    """Say of all that plays which one it is, and how often it began; the API is scaled by hand."""
    found = belongings.workloads(music.cluster, SPACE)
    return {name: said for name, said in found.items() if f"/{BOT}-api" not in name}


def is_refused(music: Platform, kind: str, name: str, spec: Json, word: str) -> None:
    patch = json.dumps({"spec": spec})
    command = ("-n", SPACE, "patch", kind, name, "--type=merge", f"--patch={patch}")
    done = music.cluster.kubectl(*command)
    assert done.returncode, done.stdout
    assert word in done.stderr


def broken_by_hand(music: Platform) -> str:
    """Delete a child and change others, as somebody might; say which the deleted one was."""
    budget = music.kubectl("get", BUDGET, "-o", "jsonpath={.metadata.uid}")
    music.kubectl("delete", BUDGET)
    music.kubectl("patch", JOB, "--patch", '{"spec": {"suspend": true}}')
    music.kubectl("patch", SERVICE, "--patch", '{"spec": {"publishNotReadyAddresses": false}}')
    music.kubectl("scale", "deployment", "-l", "app.kubernetes.io/component=api", "--replicas=0")
    return budget


def is_mended(music: Platform, budget: str) -> bool:
    listed = json.loads(music.kubectl("get", "pdb,service,cronjob,deployment", "-o", "json"))
    found = {f"{one['kind'].lower()}/{one['metadata']['name']}": one for one in listed["items"]}
    api = [one["spec"]["replicas"] for name, one in found.items() if name.startswith(API)]
    another = found.get(f"poddisruptionbudget/{NODES}")
    return (
        another is not None
        and another["metadata"]["uid"] != budget
        and found[SERVICE]["spec"].get("publishNotReadyAddresses") is True
        and found[JOB]["spec"]["suspend"] is False
        and 0 not in api
    )


@contextlib.contextmanager
def without_secrets(music: Platform) -> Iterator[None]:
    """Delete the Secrets of a bot's servers, which are there again afterwards."""
    named = [f"secret/{one}" for one in SERVERS]
    before = json.loads(music.kubectl("get", *named, "-o", "json"))
    for one in before["items"]:
        for each in ("uid", "resourceVersion", "creationTimestamp"):
            del one["metadata"][each]
    music.kubectl("delete", *named)
    try:
        yield
    finally:
        music.kubectl("apply", "-f", "-", stdin=json.dumps(before))


@contextlib.contextmanager
def wrong_token(music: Platform) -> Iterator[None]:
    """Let the bot's Secret hold a token that Discord does not know."""
    right = music.kubectl("get", "secret", "discord", "-o", "jsonpath={.data.token}")
    give(music, {"stringData": {"token": WRONG}})
    try:
        yield
    finally:
        give(music, {"data": {"token": right}})


def give(music: Platform, content: Json) -> None:
    music.kubectl("patch", "secret", "discord", f"--patch={json.dumps(content)}")


@contextlib.contextmanager
def answering(music: Platform, folder: Path) -> Iterator[Path]:
    """Answer the operator in Prometheus' place whatever the file says that is given."""
    file = folder / "answer"
    file.write_text(BROKEN)
    command = (sys.executable, "-c", ANSWERER, ADDRESS, str(prometheus.PORT), str(file))
    child = music.cluster.start("answerer", command, folder / "answerer.log")
    try:
        yield file
    finally:
        waiting.ended([child])


async def true(look: Callable[[], bool], what: str) -> None:
    await asyncio.to_thread(waiting.until, look, what, timeout=PATIENCE)


async def says(music: Platform, kind: str, type_: str, begins: str, *words: str) -> None:
    """Wait until a condition's status and reason, and words of its message, are these."""

    def look() -> bool:
        found = said(music, kind, type_)
        return found.startswith(begins) and all(one in found for one in words)

    await true(look, f"{kind} {type_} {begins} {' '.join(words)}")


async def holds(music: Platform, why: str) -> None:
    """Wait until both say why they are held at what there is."""
    for kind in ("lavalinknode", "musicbot"):
        await says(music, kind, "ScalingActive", "False MetricsUnavailable", why, "1 held")


def said(music: Platform, kind: str, type_: str) -> str:
    """Read a condition's status, reason and message in one line."""
    name = {"musicbot": BOT, "lavalinknode": NODES}[kind]
    found = json.loads(music.kubectl("get", kind, name, "-o", "json"))["status"]["conditions"]
    one = next(each for each in found if each["type"] == type_)
    return f"{one['status']} {one['reason']}: {one['message']}"
