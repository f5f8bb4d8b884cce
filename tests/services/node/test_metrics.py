import pytest
from prometheus_client.parser import text_string_to_metric_families

from support_audio_node import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")


async def loads(stage: Stage) -> dict[str, float]:
    _, page = await stage.node.request("GET", "/metrics", password=None)
    text = str(page["text"])
    assert [line for line in text.splitlines() if line.startswith("legato_node_loads_total")]
    families = {each.name: each for each in text_string_to_metric_families(text)}
    samples = families["legato_node_loads"].samples
    return {s.labels["result"]: s.value for s in samples if s.name.endswith("_total")}


async def test_every_link_that_was_asked_about_is_counted_by_its_result(stage: Stage) -> None:
    before = await loads(stage)
    stage.files.files["list.m3u"] = b"#EXTM3U\nhttp://x.org/a\n"

    for name in ("tone.mp3", "tone.flac", "nothing.mp3", "list.m3u"):
        await stage.node.load(stage.files.url(name))
    await stage.node.load("http://127.0.0.1:1/x.mp3")
    await stage.patch(track={"identifier": stage.files.url("tone.mp3")})

    after = await loads(stage)
    assert {result: after[result] - before[result] for result in after} == {
        "track": 3,
        "empty": 1,
        "playlist": 1,
        "error": 1,
        "search": 0,
    }


async def test_what_is_no_question_about_a_link_is_not_counted(stage: Stage) -> None:
    encoded = await stage.track("tone.mp3")
    before = await loads(stage)

    await stage.node.request("GET", f"/v4/decodetrack?encodedTrack={encoded}")
    await stage.node.request("GET", "/v4/loadtracks?identifier=x", password="wrong")
    await stage.patch(track={"encoded": encoded})

    assert await loads(stage) == before
