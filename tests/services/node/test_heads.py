import asyncio
import os
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
import pytest_asyncio
from aiohttp import web
from hypothesis import given
from hypothesis import strategies as st

from legato.node import messages
from legato.node.heads import LONGEST, MOST, Heads
from support_audio_node import Stage, Studio, ranged, studio
from support_media import tone, tones

AWAY = 0.5
"""Seconds that a distant server takes for each answer."""


def a_head(link: str, size: int) -> tuple[messages.Head, int]:
    head = messages.Head(link=link, size=size, length=1000, content_type="audio/ogg")
    return head, os.open("/dev/null", os.O_RDONLY)


def is_open(descriptor: int) -> bool:
    return Path(f"/proc/self/fd/{descriptor}").exists()


@given(sizes=st.lists(st.tuples(st.sampled_from("abcdef"), st.integers(1, 60)), max_size=12))
def test_the_newest_beginnings_are_kept_within_their_bytes(sizes: list[tuple[str, int]]) -> None:
    heads = Heads(most=100)
    given = [(link, *a_head(link, size)) for link, size in sizes]

    for _, head, descriptor in given:
        heads.keep(head, descriptor, now=0.0)

    kept = [found for link in "abcdef" if (found := heads.find(link, now=0.0)) is not None]
    assert sum(head.size for head, _ in kept) <= 100
    assert not sizes or heads.find(sizes[-1][0], now=0.0) is not None
    assert {d for _, _, d in given if is_open(d)} == {descriptor for _, descriptor in kept}
    heads.close()
    assert not any(is_open(descriptor) for _, _, descriptor in given)


def test_an_old_beginning_is_not_given() -> None:
    heads = Heads(most=100)
    heads.keep(*a_head("a", 10), now=0.0)

    assert heads.find("a", now=LONGEST - 1) is not None
    assert heads.find("a", now=LONGEST + 1) is None
    assert heads.find("b", now=0.0) is None
    heads.close()


def test_short_beginnings_are_kept_within_their_number() -> None:
    heads = Heads(most=10 * MOST)
    given = [a_head(f"{number}", 1) for number in range(MOST + 3)]

    for head, descriptor in given:
        heads.keep(head, descriptor, now=0.0)

    assert [is_open(descriptor) for _, descriptor in given] == [False] * 3 + [True] * MOST
    heads.close()


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def keeping(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Studio]:
    files = {**tones(), "gone.mp3": tone("mp3")}
    async with studio(tmp_path_factory.mktemp("heads"), files) as running:
        yield running


async def loaded(stage: Stage, name: str) -> str:
    """Load a file from a distant server, and wait until its beginning is kept."""

    async def distant(request: web.Request) -> web.StreamResponse:
        await asyncio.sleep(AWAY)
        return ranged(stage.files.files[name], request.headers.get("Range", ""))

    stage.files.special[name] = distant
    encoded = await stage.track(name)
    del stage.files.special[name]
    await stage.node.load(stage.files.url(name))
    stage.files.special[name] = distant
    return encoded


@pytest.mark.asyncio(loop_scope="module")
async def test_the_next_track_of_a_distant_server_follows_without_a_gap(keeping: Studio) -> None:
    async def play(stage: Stage, name: str) -> None:
        encoded = await loaded(stage, name)
        near = {"encoded": await stage.track("tone.mp3")}
        await stage.patch(track=near, endTime=1200, voice=await stage.credentials())
        await stage.client.event("TrackEndEvent")
        await stage.patch(track={"encoded": encoded})
        await stage.frames(250)

    names = [f"tone.{ending}" for ending in ("opus.ogg", "opus.webm", "flac", "m4a")]
    stages = await keeping.stages(names, play)

    for name, stage in stages.items():
        first, second = stage.moments().segments
        assert first.start_ms <= 45, name
        assert second.start_ms <= 45, name
        assert stage.report().epochs[0].continuity.gaps.max_ms < AWAY * 1000 / 2, name
        assert stage.report().unbroken, name
        # The rest was asked for of the distant server.
        assert (name, f"bytes={128 * 1024}-") in stage.files.requests


@pytest.mark.asyncio(loop_scope="module")
async def test_a_file_that_has_gone_is_not_played_from_what_was_kept(keeping: Studio) -> None:
    stage = await keeping.stage()
    encoded = await loaded(stage, "gone.mp3")
    del stage.files.files["gone.mp3"]
    stage.files.special.pop("gone.mp3")

    await stage.patch(track={"encoded": encoded}, voice=await stage.credentials())

    failed = await stage.client.event("TrackExceptionEvent")
    assert isinstance(failed["exception"], dict)
    assert failed["exception"]["message"] == "Nothing is there."
