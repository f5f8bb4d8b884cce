import asyncio
import itertools
from collections.abc import Iterator
from pathlib import Path

import pytest

from support_audio_node import Json, Stage
from support_broken import LONG, corpus, damaged, huge_title
from support_media import CONTAINERS, FORMATS, contained
from support_waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")

DAMAGED = 7
"""Damaged files of each container and codec."""
TOGETHER = 4
FRAME_MS = 30.0
"""One frame, and what codecs delay."""
PEAK = 160 * 1024 * 1024
"""Bytes by which the node may ever have been larger than before all of them."""
LEFT = 80 * 1024 * 1024
"""Bytes that the same once more may add: which process has what to do differs."""


def broken() -> Iterator[tuple[str, bytes]]:
    yield from corpus().items()
    yield "huge-title.wav", huge_title()
    for name, seed in itertools.product(CONTAINERS, range(DAMAGED)):
        yield f"{seed}.{name}", damaged(contained(name, LONG), seed)


def batches() -> Iterator[list[tuple[str, bytes]]]:
    rest = broken()
    while together := list(itertools.islice(rest, TOGETHER)):
        yield together


async def loaded(stage: Stage, name: str) -> Json | None:
    """Load a file; give its track, or none where it was refused."""
    answer = await stage.node.load(stage.files.url(name))
    assert answer["loadType"] in {"track", "error", "empty"}, answer
    data = answer["data"]
    assert isinstance(data, dict)
    if answer["loadType"] == "error":
        assert data["severity"] != "fault", (name, data)
    return data if answer["loadType"] == "track" else None


def memory(stage: Stage, kind: str = "VmRSS") -> int:
    """Sum the memory of the node's processes in bytes: what they have, or (VmHWM) had at most."""
    pids = (stage.node.process.pid, *stage.node.children())
    told = [Path(f"/proc/{pid}/status").read_text() for pid in pids]
    return sum(int(each.partition(f"{kind}:")[2].split()[0]) for each in told) * 1024


async def play_all(stage: Stage) -> None:
    """Load every broken file, and begin what can be played."""
    for together in batches():
        for name, data in together:
            stage.files.files[f"broken-{name}"] = data
        names = [f"broken-{name}" for name, _ in together]
        for track in await asyncio.gather(*(loaded(stage, name) for name in names)):
            if track is not None:
                await begin(stage, str(track["encoded"]))


async def begin(stage: Stage, encoded: str) -> None:
    """Play a track until it is heard, or has ended."""
    heard, ends = stage.report().sound, len(stage.client.events("TrackEndEvent"))
    await stage.patch(track={"encoded": encoded})

    def over() -> bool:
        # The first end is that of the track before.
        ended = len(stage.client.events("TrackEndEvent")) - ends
        return ended >= 2 or stage.report().sound > heard + 5

    await until(over)


async def test_no_broken_file_ends_a_process_or_makes_the_node_large(stage: Stage) -> None:
    await stage.play("tone.opus.ogg")
    await stage.frames(10)
    processes, before = stage.node.children(), memory(stage, "VmHWM")

    await play_all(stage)
    once = memory(stage)
    await play_all(stage)

    assert stage.node.children() == processes
    assert memory(stage, "VmHWM") - before < PEAK
    assert memory(stage) - once < LEFT
    await stage.play("tone.opus.ogg")
    await stage.frames(10)


@pytest.mark.parametrize("ending", FORMATS)
async def test_start_and_seek_are_heard_to_the_frame(stage: Stage, ending: str) -> None:
    await stage.play(f"tone.{ending}", position=10_010, paused=True)

    assert await let_go(stage) == pytest.approx(10_010, abs=FRAME_MS)
    await stage.patch(paused=True)
    await stage.quiet()
    await stage.patch(position=5_777)
    assert await let_go(stage) == pytest.approx(5_777, abs=FRAME_MS)


async def let_go(stage: Stage) -> float:
    """Let a paused player sound, and say with which moment of its track it begins."""
    before = len(stage.heard())
    await stage.patch(paused=False)
    await stage.frames(30)
    return stage.moments(start=before).segments[0].start_ms
