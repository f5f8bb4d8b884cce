import asyncio
import os
from unittest.mock import Mock

import pytest
from aiohttp import web

from legato.node import messages, ring
from legato.node.dave.key_handles import KeyHandle, KeyHandles
from legato.node.engine import Engine, Lane, Pacer
from legato.node.settings import NodeSettings
from support_audio_node import Stage, Stages, state
from support_media import FORMATS, TRACK, tone
from support_waiting import until

pytestmark = pytest.mark.asyncio(loop_scope="session")
FRAME = 20
MOST_BETWEEN_MS = 40
"""Between two tracks: a codec's own beginning, and a frame for a machine that is busy."""
READING_MS = 10
"""How exactly the time code is read."""
NEAR_MS = 45
"""Two frames and a codec's delay."""


async def test_the_next_track_follows_without_a_gap(stages: Stages) -> None:
    # Made before anybody plays: it takes time, and a client that is late is not the node's fault.
    following = {f"next.{ending}": tone(ending, 5.0, 6) for ending in FORMATS}

    async def play(stage: Stage, ending: str) -> None:
        stage.files.files |= following
        encoded = await stage.track(f"next.{ending}")
        await stage.play("tone.opus.ogg", endTime=600)
        await stage.client.event("TrackEndEvent")
        await stage.patch(track={"encoded": encoded})
        await stage.frames(40)

    for ending, stage in (await stages(FORMATS, play)).items():
        first, second = stage.moments().segments
        assert (first.track, second.track) == (TRACK, 6), ending
        assert second.heard_from_ms - first.heard_to_ms <= MOST_BETWEEN_MS, ending
        assert abs(first.end_ms - 600) <= NEAR_MS, ending
        assert second.start_ms <= NEAR_MS, ending
        silent = sum(arrival.silent for arrival in stage.heard())
        assert silent <= MOST_BETWEEN_MS // FRAME, ending
        assert stage.report().unbroken, ending


async def ending(stage: Stage) -> None:
    """Play a second, up to where its end is told and its last frames still go out."""
    await stage.play("tone.mp3", endTime=1000)
    ended = await stage.client.event("TrackEndEvent")
    assert ended["reason"] == "finished"
    assert len(stage.sounding()) < 50


async def test_an_ended_tracks_last_frames_go_out_and_no_player_shows_it(stage: Stage) -> None:
    await ending(stage)
    shown = await stage.client.player(stage.guild)
    await stage.patch(position=100)
    await stage.quiet()

    assert shown["track"] is None
    assert state(shown)["position"] == 0
    assert len(stage.sounding()) == 50
    assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5


@pytest.mark.parametrize("how", ["stop", "delete"])
async def test_a_stop_after_the_end_was_told_is_a_stop(stage: Stage, how: str) -> None:
    await ending(stage)
    if how == "stop":
        await stage.patch(track={"encoded": None})
    else:
        await stage.node.request("DELETE", stage.client.path(stage.guild))
    await stage.quiet()

    assert len(stage.sounding()) < 50
    assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5
    assert len(stage.client.events("TrackEndEvent")) == 1


async def test_a_pause_after_the_end_was_told_holds_the_last_frames(stage: Stage) -> None:
    await ending(stage)
    await stage.patch(paused=True)
    await stage.quiet()
    assert len(stage.sounding()) < 50

    await stage.patch(paused=False)
    await until(lambda: len(stage.sounding()) == 50)
    await stage.quiet()
    assert len(stage.sounding()) == 50


async def test_a_next_track_that_is_missing_leaves_the_last_frames_alone(stage: Stage) -> None:
    stage.files.files["away.mp3"] = tone("mp3")
    encoded = await stage.track("away.mp3")
    del stage.files.files["away.mp3"]
    await ending(stage)

    await stage.patch(track={"encoded": encoded})

    await stage.client.event("TrackExceptionEvent")
    await stage.quiet()
    assert len(stage.sounding()) == 50


async def test_the_first_frame_that_goes_out_is_the_tracks_first(stage: Stage) -> None:
    encoded = await stage.track("tone.opus.webm")
    await stage.patch(voice=await stage.credentials())

    await stage.patch(track={"encoded": encoded})
    await stage.frames(20)

    first = stage.heard()[0]
    assert not first.silent
    assert stage.moments().segments[0].start_ms <= NEAR_MS


async def test_a_track_that_gives_nothing_is_said_to_be_stuck_once_and_goes_on(
    stage: Stage,
) -> None:
    data = tone("mp3")
    stage.files.files["sticks.mp3"] = data
    encoded = await stage.track("sticks.mp3")
    more = asyncio.Event()

    async def sticks(request: web.Request) -> web.StreamResponse:
        answer = web.StreamResponse(headers={"Content-Length": str(len(data))})
        await answer.prepare(request)
        await answer.write(data[: len(data) // 10])
        await stage.files.until(more)
        await answer.write(data[len(data) // 10 :])
        return answer

    stage.files.special["sticks.mp3"] = sticks
    await stage.patch(track={"encoded": encoded}, voice=await stage.credentials())

    told = await stage.client.event("TrackStuckEvent")
    assert told["thresholdMs"] == 500
    before = len(stage.sounding())
    more.set()
    await stage.frames(30)

    assert before in range(80, 110)
    assert len(stage.client.events("TrackStuckEvent")) == 1
    assert stage.client.events("TrackEndEvent") == []
    assert stage.report().breaks == 0
    assert stage.moments().skipped_ms <= READING_MS


async def test_the_key_process_is_told_that_a_replaced_feed_is_over(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    told: list[object] = []
    monkeypatch.setattr(KeyHandles, "tell", lambda _, message, *__: told.append(message))
    engine = Engine(NodeSettings(), lambda _: None)
    descriptor = ring.allocate(ring.LANE_SIZE, "lane")
    pacer = Pacer(Mock(), Mock())
    lane = Lane(engine, pacer, 1, ring.Memory(descriptor, ring.LANE_SIZE))
    lane.keys = KeyHandle(3, Mock(), messages.OpenMembership(membership=3, user=1, channel=1))
    lane.replaced.extend([(5, 50), (6, 60), (6, 61)])

    lane.paced(messages.Started(lane=1, feed=6))
    assert told == [messages.Unfollow(membership=3, feed=50)]
    lane.paced(messages.Started(lane=1, feed=7))

    assert told[1:] == [
        messages.Unfollow(membership=3, feed=60),
        messages.Unfollow(membership=3, feed=61),
    ]
    lane.page.close()
    os.close(descriptor)
