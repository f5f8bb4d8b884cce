import pytest
from prometheus_client.parser import text_string_to_metric_families

from support_audio_node import Stage

pytestmark = pytest.mark.asyncio(loop_scope="session")

LAVALINKS = {
    "lavalink_players_total",
    "lavalink_playing_players_total",
    "lavalink_uptime_milliseconds",
    "lavalink_memory_free_bytes",
    "lavalink_memory_used_bytes",
    "lavalink_memory_allocated_bytes",
    "lavalink_memory_reservable_bytes",
    "lavalink_cpu_cores",
    "lavalink_cpu_system_load_percentage",
    "lavalink_cpu_lavalink_load_percentage",
}


async def test_the_version_is_plain_text_behind_the_password(stage: Stage) -> None:
    status, answer = await stage.node.request("GET", "/version")

    assert status == 200
    assert str(answer["text"]).startswith("4.")


@pytest.mark.parametrize(("password", "expected"), [(None, 401), ("wrong", 403)])
async def test_every_path_but_two_needs_the_password(
    stage: Stage, password: str | None, expected: int
) -> None:
    for path in ("/version", "/v4/info", "/v4/websocket", "/v4/loadtracks", "/nothing"):
        status, answer = await stage.node.request("GET", path, password=password)
        assert (status, answer["status"]) == (expected, expected)
    for path in ("/metrics", "/health"):
        status, _ = await stage.node.request("GET", path, password=password)
        assert status == 200


async def test_info_names_only_what_works(stage: Stage) -> None:
    status, told = await stage.node.request("GET", "/v4/info")

    assert status == 200
    assert told["filters"] == [
        "volume",
        "equalizer",
        "karaoke",
        "timescale",
        "tremolo",
        "vibrato",
        "distortion",
        "rotation",
        "channelMix",
        "lowPass",
    ]
    assert told["sourceManagers"] == ["http"]
    assert set(told) == {
        "version",
        "buildTime",
        "git",
        "jvm",
        "lavaplayer",
        "sourceManagers",
        "filters",
        "plugins",
    }


async def test_stats_count_players_and_the_metrics_page_agrees(stage: Stage) -> None:
    await stage.play("tone.mp3")
    await stage.frames(10)

    _, stats = await stage.node.request("GET", "/v4/stats")
    _, page = await stage.node.request("GET", "/metrics")

    metrics = {each.name: each for each in text_string_to_metric_families(str(page["text"]))}
    assert stats["players"] == stats["playingPlayers"] == 1
    assert "frameStats" not in stats
    assert metrics.keys() >= LAVALINKS | {"legato_node_pacing_lag_seconds"}
    assert metrics["lavalink_players_total"].samples[0].value == 1
    assert metrics["legato_node_frames_sent"].samples[0].value >= 10
