import asyncio
import os
import signal
import sys
from pathlib import Path

import lavalink
import pytest
from lavalink import TrackEndEvent, TrackStartEvent

from support_audio_node import (
    BOT,
    CHANNEL,
    PASSWORD,
    VOICE_SESSION,
    RunningNode,
    Stage,
    running_node,
    studio,
    until,
)
from support_media import tones


def alive(pid: int) -> bool:
    try:
        return "Z" not in Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False


async def test_sigterm_leaves_voice_with_1000_and_ends_no_track(tmp_path: Path) -> None:
    async with studio(tmp_path, tones()) as whole:
        stage = await whole.stage()
        await stage.play("tone.mp3")
        await stage.frames(20)
        children = list(stage.node.children())

        took = await stage.node.stop()

        assert took < 2
        assert stage.node.process.returncode == 0
        assert [arrival.silent for arrival in stage.heard()[-6:]] == [False] + [True] * 5
        assert stage.client.events("TrackEndEvent") == []
        assert stage.client.socket.close_code == 1001
        assert not any(alive(child) for child in children)
        assert not [line for line in stage.node.log if '"level": "error"' in line]


async def test_nothing_survives_a_kill(tmp_path: Path) -> None:
    async with running_node() as node:
        children = list(node.children())
        assert len(children) == 4

        node.process.kill()

        await until(lambda: not any(alive(child) for child in children))


async def test_a_lost_pacer_ends_the_node_with_a_word(tmp_path: Path) -> None:
    async with running_node() as node:
        pacer = next(pid for pid, line in node.children().items() if "pacing" in line)

        os.kill(pacer, signal.SIGKILL)

        await until(lambda: node.process.returncode is not None)
        assert node.process.returncode != 0


@pytest.mark.asyncio(loop_scope="session")
async def test_the_password_is_in_no_log_and_on_no_command_line(stage: Stage) -> None:
    await stage.node.request("GET", "/version")
    await stage.node.request("GET", "/version", password="wrong")
    shown = [*stage.node.log, *stage.node.children().values()]

    assert shown
    assert not [line for line in shown if PASSWORD in line]


async def test_wrong_settings_are_all_named() -> None:
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", "legato.node"),
        env={**os.environ, "PORT": "x", "WORKERS": "0", "BUFFER_MS": "9"},
        stderr=asyncio.subprocess.PIPE,
    )
    _, told = await process.communicate()

    assert process.returncode == 2
    assert all(name in told.decode() for name in ("PORT", "WORKERS", "BUFFER_MS"))


class Events:
    """What lavalink.py says happened."""

    def __init__(self) -> None:
        self.seen: list[object] = []

    @lavalink.listener()  # type: ignore[untyped-decorator]  # the library has no types here
    async def on_event(self, event: object) -> None:
        self.seen.append(event)

    def of(self, kind: type) -> list[object]:
        return [event for event in self.seen if isinstance(event, kind)]


async def test_lavalinks_own_client_loads_plays_pauses_seeks_and_resumes(tmp_path: Path) -> None:
    async with studio(tmp_path, tones()) as whole:
        stage = await whole.stage()
        client, events = await connect(stage.node)
        try:
            await drive(stage, client, events)
        finally:
            await client.close()


async def connect(node: RunningNode) -> "tuple[lavalink.Client[lavalink.DefaultPlayer], Events]":
    client: lavalink.Client[lavalink.DefaultPlayer] = lavalink.Client(BOT)
    events = Events()
    client.add_event_hooks(events)
    client.add_node("127.0.0.1", node.port, PASSWORD, "eu", "node")
    await until(lambda: [each for each in client.node_manager.available_nodes if each.session_id])
    return client, events


async def drive(
    stage: Stage, client: "lavalink.Client[lavalink.DefaultPlayer]", events: Events
) -> None:
    player = client.player_manager.create(stage.guild)
    given = await stage.credentials()
    state = {
        "user_id": str(BOT),
        "guild_id": str(stage.guild),
        "session_id": VOICE_SESSION,
        "channel_id": str(CHANNEL),
    }
    server = {
        "guild_id": str(stage.guild),
        "token": given["token"],
        "endpoint": given["endpoint"],
    }
    await client.voice_update_handler({"t": "VOICE_STATE_UPDATE", "d": state})
    await client.voice_update_handler({"t": "VOICE_SERVER_UPDATE", "d": server})

    found = await player.node.get_tracks(stage.files.url("tone.flac"))
    assert found.tracks[0].title == "Unknown title"
    await player.play(found.tracks[0])
    await stage.frames(30)
    assert events.of(TrackStartEvent)

    await player.set_pause(True)
    await stage.quiet()
    await player.seek(10_000)
    await player.set_pause(False)
    await stage.frames(30)
    await player.set_volume(50)
    await stage.frames(30)
    assert any(abs(part.start_ms - 10_000) <= 60 for part in stage.moments().segments)

    await player.node.update_session(resuming=True, timeout=30)
    session = player.node.session_id
    assert session
    resumed = await stage.node.connect(session=session)
    assert resumed.of("ready")[0]["resumed"] is False
    await player.stop()
    await until(lambda: events.of(TrackEndEvent))
