"""What people hear of the operator's work: pods of a real Kubernetes with two machines.

A bot of 16 shards is started, rolled to another revision, and its node of 100 players is drained.
Discord is the simulator in a pod; it notes every shard's connection and hears every player.
"""

import asyncio
import contextlib
import json
import sys
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from benchmarks.measured import Benchmark, Measured, Row, percentile
from legato_cluster import cluster, platform
from legato_cluster.platform import BOT, NODES, Platform
from legato_machine.conditions import NeverHappened, until
from legato_machine.room import Hall
from legato_simulator.recorder import SessionEvent

SHARDS, PLAYERS, STARTS = 16, 100, 3
QUICK_PLAYERS, QUICK_STARTS = 10, 1
AT_ONCE = 5
"""People who type at the same time: what is measured begins only when all is heard."""
TONE, TRACK = "tone-7-600s.ogg", 7
PATIENCE = 240.0
SECONDS, QUICK_SECONDS = 660.0, 420.0
"""After so long what was measured is all there is."""
AFTER = 2.0
"""Seconds that are listened on when something is over."""
MOST_UNCONNECTED_MS, MOST_SILENCE_MS = 1000.0, 500.0
Json = Any


@dataclass(frozen=True, slots=True)
class Start:
    """From `kubectl apply` on, in seconds."""

    ready: float
    """Until both resources are ready."""
    sound: float
    """Until someone who asks again and again hears the first sound."""


@dataclass(frozen=True, slots=True)
class Heard:
    """What was heard while something happened: of each guild its longest hole, in ms."""

    silences: Sequence[float]
    skipped: float
    repeated: float
    breaks: int
    control: float
    """The longest hole of a stream that nothing befalls."""


def absences(events: Sequence[SessionEvent], *, until_: float) -> dict[int, float]:
    """Sum up for each shard how long it had no connection, in seconds."""
    left: dict[int, float] = {}
    found: dict[int, float] = {}
    for event in events:
        if event.shard is None:
            continue
        shard = event.shard[0]
        if event.kind in {"disconnected", "ended"}:
            left.setdefault(shard, event.at)
        elif event.kind in {"resumed", "identified"} and shard in left:
            found[shard] = found.get(shard, 0.0) + event.at - left.pop(shard)
    for shard, at in left.items():
        found[shard] = found.get(shard, 0.0) + until_ - at
    return found


@contextlib.asynccontextmanager
async def _music() -> AsyncIterator[Platform]:
    archive, where = platform.image(), cluster.programs(lambda line: print(line, file=sys.stderr))
    with cluster.running(where, archives=[archive]) as one:
        platform.install(
            one,
            nodes={"resources": {"cpu": "100m", "memory": "1Gi"}},
            bot={"gateway": {"shards": SHARDS}},
            simulator={
                "shards": SHARDS,
                "extraArgs": [f"--max-concurrency={SHARDS}"],
                "resources": {
                    "requests": {"cpu": "500m", "memory": "2Gi"},
                    "limits": {"memory": "2Gi"},
                },
            },
        )
        async with platform.reached(one) as music:
            yield music


async def _starts(music: Platform, count: int) -> list[Start]:
    """Delete the bot and its nodes and apply them again, so many times."""
    return [await _start(music, number) for number in range(count)]


async def _start(music: Platform, number: int) -> Start:
    wanted = await asyncio.to_thread(_taken_away, music)
    hall, link = await music.hall(f"waits for the bot, {number}"), await music.make(TONE)
    began = time.monotonic()
    await asyncio.to_thread(music.kubectl, "apply", "-f", "-", stdin=wanted)
    stop = asyncio.Event()
    async with asyncio.TaskGroup() as group:
        ready = group.create_task(_ready(music, began))
        group.create_task(_ask(hall, link, stop))
        heard = await hall.sounds(since=began, timeout=PATIENCE)
        stop.set()
    await hall.type("leave", timeout=PATIENCE)
    return Start(ready=ready.result(), sound=heard.now - began)


async def _ready(music: Platform, began: float) -> float:
    await asyncio.to_thread(platform.wait_until_ready, music.cluster)
    return time.monotonic() - began


def _taken_away(music: Platform) -> str:
    """Delete both resources, wait for the end of all they had, and say how to apply them anew."""
    found = json.loads(music.kubectl("get", f"mb/{BOT}", f"lln/{NODES}", "-o", "json"))["items"]
    kept = [
        {key: one[key] for key in ("apiVersion", "kind", "spec")}
        | {"metadata": {"name": one["metadata"]["name"]}}
        for one in found
    ]
    music.kubectl("delete", f"mb/{BOT}", f"lln/{NODES}")
    chosen = "app.kubernetes.io/component in (gateway,audio,node,api,migrate)"
    music.kubectl("wait", "--for=delete", "pods", "-l", chosen, "--timeout=240s")
    return json.dumps({"apiVersion": "v1", "kind": "List", "items": kept})


async def _ask(hall: Hall, link: str, stop: asyncio.Event) -> None:
    """Type /play twice a second, as someone without patience."""
    while not stop.is_set():
        await hall.begin("play", {"query": link})
        with contextlib.suppress(TimeoutError):
            await asyncio.wait_for(stop.wait(), 0.5)


async def _rollout(music: Platform, rooms: Sequence[Hall]) -> Iterator[Row]:
    """Roll the gateway to another revision, while music plays."""
    before = {str(one["metadata"]["uid"]) for one in music.pods("gateway")}
    identified = (await music.discord.record()).identifies
    began = time.monotonic()
    change = {"spec": {"gateway": {"resources": {"cpu": "251m"}}}}
    patch = ("patch", "mb", BOT, "--type=merge", "-p", json.dumps(change))
    await asyncio.to_thread(music.kubectl, *patch)

    async def rolled() -> bool:
        pods = await asyncio.to_thread(music.pods, "gateway")
        return bool(pods) and not before & {str(one["metadata"]["uid"]) for one in pods}

    await until(rolled, what="another revision of the gateway", timeout=PATIENCE)
    await asyncio.to_thread(platform.wait_until_ready, music.cluster)
    took = time.monotonic() - began
    await asyncio.sleep(AFTER)
    events = [one for one in await music.discord.session_events() if one.at >= began]
    gone = absences(events, until_=time.monotonic())
    each = [gone.get(shard, 0.0) for shard in range(SHARDS)]
    identifies = (await music.discord.record()).identifies - identified
    return _rolled(each, identifies, took, await _heard(music, rooms, began))


def _rolled(each: Sequence[float], identifies: int, took: float, heard: Heard) -> Iterator[Row]:
    yield Row(
        what=f"gateway rolled, {SHARDS} shards: without a connection, p99 of the shards",
        figure=round(1000 * percentile(each, 0.99)),
        unit="ms",
        most=MOST_UNCONNECTED_MS,
        note=f"p50 {1000 * percentile(each, 0.5):.0f} ms, at worst {1000 * max(each):.0f} ms",
    )
    yield Row(what="gateway rolled: IDENTIFYs", figure=identifies, unit="", most=0)
    yield Row(
        what="gateway rolled: took",
        figure=round(took, 1),
        unit="s",
        note=f"heard meanwhile: {heard.breaks} breaks in {len(heard.silences)} guilds",
    )


async def _heard(music: Platform, rooms: Sequence[Hall], began: float) -> Heard:
    reports = [await room.report(since=began) for room in rooms]
    found = [one for one in reports if one is not None]
    moments = [(await room.moments(since=began)).analysis for room in rooms]
    control = await music.voice.voice_control(since=began)
    return Heard(
        silences=[max(one.longest_silence_ms, one.quiet_ms or 0.0) for one in found],
        skipped=max(one.skipped_ms for one in moments),
        repeated=max(one.repeated_ms for one in moments),
        breaks=sum(one.breaks + len(one.epochs) - 1 for one in found),
        control=control.worst_gap_ms if control else 0.0,
    )


async def _drained(music: Platform, rooms: Sequence[Hall]) -> Iterator[Row]:
    """Drain the machine of the node that all of them play on."""
    [machine] = music.machines("node")
    began = time.monotonic()
    chosen = "--pod-selector=app.kubernetes.io/component=node"
    await asyncio.to_thread(music.cluster.drain, machine, chosen)
    took = time.monotonic() - began
    music.cluster.uncordon(machine)
    await asyncio.to_thread(music.settle)
    whole = time.monotonic() - began
    await asyncio.sleep(AFTER)
    return _moved(await _heard(music, rooms, began), took, whole)


def _moved(heard: Heard, took: float, whole: float) -> Iterator[Row]:
    players = len(heard.silences)
    yield Row(
        what=f"node drained, {players} players: longest hole of a player, p99",
        figure=round(percentile(heard.silences, 0.99)),
        unit="ms",
        most=heard.control + MOST_SILENCE_MS,
        base=round(heard.control),
        base_of="control stream",
        note=f"p50 {percentile(heard.silences, 0.5):.0f} ms, at worst {max(heard.silences):.0f} ms",
    )
    yield Row(
        what=f"node drained, {players} players: of the track lost or repeated, worst",
        figure=max(heard.skipped, heard.repeated),
        unit="ms",
        note=f"skipped at worst {heard.skipped:.0f} ms, repeated {heard.repeated:.0f} ms",
    )
    yield Row(
        what=f"node drained, {players} players: kubectl drain took",
        figure=round(took, 1),
        unit="s",
        note=(
            f"with the start of the node that they go to; all at rest after {whole:.1f} s, "
            f"{heard.breaks / players:.1f} moves a player"
        ),
    )


async def _playing(music: Platform, count: int) -> list[Hall]:
    """Let so many guilds play."""
    await music.voice.voice_control_start()
    await music.make(TONE)
    rooms = [await music.hall(f"listens {number}") for number in range(count)]
    for first in range(0, count, AT_ONCE):
        some = rooms[first : first + AT_ONCE]
        await asyncio.gather(*(room.play(TONE, timeout=PATIENCE) for room in some))
        for room in some:
            await room.hears(TRACK, after=1000, timeout=PATIENCE)
    return rooms


def _started(starts: Sequence[Start]) -> Iterator[Row]:
    sounds = [one.sound for one in starts]
    yield Row(
        what="kubectl apply → first sound, images there",
        figure=round(percentile(sounds, 0.5), 1),
        unit="s",
        note=(
            f"the middle of {len(starts)}, at worst {max(sounds):.1f} s; both resources ready "
            f"after {percentile([one.ready for one in starts], 0.5):.1f} s"
        ),
    )


async def measure(quick: bool) -> Measured:
    """Measure it on a cluster of its own, for as long as there is time."""
    rows: list[Row] = []
    lines: list[str] = []
    over = asyncio.get_running_loop().time() + (QUICK_SECONDS if quick else SECONDS)
    async with _music() as music:
        try:
            async with asyncio.timeout_at(over):
                await _all(music, rows, quick=quick)
        except (TimeoutError, NeverHappened) as error:
            why = str(error) or "the time was over"
            lines.append(f"{why}: what is missing above was not measured")
    return Measured(rows=tuple(rows), profile=tuple(lines))


async def _all(music: Platform, rows: list[Row], *, quick: bool) -> None:
    rooms = await _playing(music, QUICK_PLAYERS if quick else PLAYERS)
    rows += await _drained(music, rooms)
    rows += await _rollout(music, rooms)
    rows += _started(await _starts(music, QUICK_STARTS if quick else STARTS))


BENCHMARK = Benchmark(
    shows="What people hear of a start, a rollout and a drain on a real Kubernetes, in pods.",
    measure=measure,
    limit=900,
    quick_limit=500,
)
