import contextlib
import json
import os
import pathlib
import re
import signal
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from typing import Any

import pytest

import support_servers
from legato.embedded import folder, parts, ports
from legato.embedded.child import Child
from support_waiting import PATIENCE

OPTIONS = ("port", "api-port", "gateway-port", "audio-port", "worker-port")
TITLES = (
    "PostgreSQL",
    "Valkey",
    "Discord simulator",
    "node node-1",
    "node node-2",
    "gateway, audio, api, worker",
    "audio-2",
    "gateway-2",
)


class Up:
    """One `legato up` as a person runs it."""

    def __init__(self, data: pathlib.Path, *options: str, **environ: str) -> None:
        self.output = data.parent / "output.txt"
        self.data = data
        # No other start takes them before this one does.
        self.claims = ports.Claims()
        free = [part for name in OPTIONS for part in (f"--{name}", str(self.claims.free()))]
        if (data / "run" / "page-port").exists():
            free = free[2:]  # where it was the last time: Discord doesn't move either
        kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
        with self.output.open("wb") as output:
            self.process = subprocess.Popen(
                [sys.executable, "-m", "legato", "up", "--data", str(data), *free, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                env={**kept, **environ},
                cwd=data.parent,
                start_new_session=True,
            )

    @property
    def shown(self) -> str:
        return self.output.read_text()

    def wait_until(self, happened: Callable[[], object], what: str) -> None:
        deadline = time.monotonic() + PATIENCE
        while not happened():
            assert self.process.poll() is None, f"ended before {what}:\n{self.shown}"
            assert time.monotonic() < deadline, f"not {what}:\n{self.shown}"
            time.sleep(0.02)

    def wait_until_line(self, number: int) -> None:
        self.wait_until(lambda: self.shown.count("\n") >= number, f"at line {number}")

    def wait_until_ready(self) -> None:
        self.wait_until(lambda: "Ctrl-C stops everything." in self.shown, "ready")
        assert re.search(r"Ready in [\d.]+ s", self.shown)

    def ask_to_stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def data() -> Iterator[pathlib.Path]:
    with support_servers.scratch_folder() as folder:
        yield folder / "data"


@pytest.fixture(scope="module")
def simulated() -> Iterator[parts.Simulated]:
    """Run a Discord of our own."""
    with support_servers.scratch_folder() as path:
        here = folder.Folder(path)
        part = parts.simulator(here, ports.free())
        running = Child.start(part.prepare())
        deadline = time.monotonic() + PATIENCE
        while (found := parts.simulated(here)) is None:
            assert time.monotonic() < deadline, running.last_words()
            time.sleep(0.05)
        yield found
        support_servers.end(running)


@contextlib.contextmanager
def started(data: pathlib.Path, *options: str, **environ: str) -> Iterator[Up]:
    up = Up(data, *options, **environ)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.kill()
        up.process.wait()
        up.claims.close()
        wait_until_gone(data)


def processes_of(data: pathlib.Path) -> dict[int, str]:
    """Find every process whose command line or environment names the data folder."""
    found = {}
    for entry in pathlib.Path("/proc").iterdir():
        if not entry.name.isdigit() or int(entry.name) == os.getpid():
            continue
        with contextlib.suppress(OSError):
            command = (entry / "cmdline").read_bytes().replace(b"\0", b" ")
            secrets = (entry / "environ").read_bytes()
            state = (entry / "stat").read_text().rpartition(")")[2].split()[0]
            if str(data).encode() in command + secrets and state not in "ZX":
                found[int(entry.name)] = command.decode(errors="replace")
    return found


def wait_until_gone(data: pathlib.Path) -> None:
    deadline = time.monotonic() + PATIENCE
    while left := processes_of(data):
        assert time.monotonic() < deadline, left
        time.sleep(0.02)


def child(data: pathlib.Path, word: str) -> int:
    found = processes_of(data).items()
    return next(pid for pid, command in found if word in command and " up " not in command)


def refused(data: pathlib.Path, *options: str, **environ: str) -> tuple[int, str]:
    with started(data, *options, **environ) as up:
        code = up.process.wait(PATIENCE)
    return code, up.shown


def test_it_starts_stops_on_ctrl_c_and_starts_again_quickly(data: pathlib.Path) -> None:
    several = ("--audio", "2", "--gateway", "2", "--nodes", "2")
    with started(data, *several, MEMBER_READY_AFTER="0s") as up:
        up.wait_until_ready()
        shown = up.shown
        running = processes_of(data)
        up.wait_until(lambda: are_shared(asked(data, "members", "--json")), "shared")
        nodes = asked(data, "nodes", "--json")
        second = subprocess.run(
            [sys.executable, "-m", "legato", "up", "--data", str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
        assert up.ask_to_stop() == 0
        assert processes_of(data) == {}
    secrets = [file.read_text() for file in (data / "secrets").iterdir()]

    for title in TITLES:
        assert f"  {title} " in shown
        assert f"  stopping {title}\n" in up.shown
    assert [one["name"] for one in nodes] == ["node-1", "node-2"]
    assert re.search(r"Open http://127.0.0.1:\d+ - join the voice channel there", shown)
    assert len(running) > 4
    assert len(secrets) == 3
    assert not [one for one in secrets if one in shown + " ".join(running.values())]
    assert second.returncode == 4
    assert f"already runs on the data folder {data}" in second.stderr

    with started(data) as up:
        up.wait_until_ready()
        kill_children(up, "valkey", "together", "legato node")
        assert up.ask_to_stop(signal.SIGTERM) == 0


def are_shared(members: list[dict[str, Any]]) -> bool:
    """Tell whether the two processes of each service own every partition and the shard, once."""
    names = {(one["component"], one["name"].rpartition("-")[0]) for one in members}
    held = [thing for one in members for thing in one["held"]]
    assert len(held) == len(set(held))
    both = {("audio", "services"), ("audio", "audio-2")}
    return len(held) == 33 and names == both | {("gateway", "services"), ("gateway", "gateway-2")}


def kill_children(up: Up, *words: str) -> None:
    """Kill some parts at once; all must come back, and it must be said."""
    before = {word: child(up.data, word) for word in words}
    for pid in before.values():
        os.kill(pid, signal.SIGKILL)

    def back() -> bool:
        after = up.shown.partition("starting it again")[2]
        return after.count("ready in") >= len(words)

    up.wait_until(lambda: up.shown.count("starting it again") >= len(words), "said")
    up.wait_until(back, "back")
    assert up.shown.count("was ended by signal 9; starting it again in 0.5 s") == len(words)
    assert not [word for word in words if child(up.data, word) == before[word]]


def test_a_kill_leaves_no_process_and_a_second_ctrl_c_ends_the_next_start_at_once(
    data: pathlib.Path, simulated: parts.Simulated
) -> None:
    told = {"DISCORD_TOKEN": simulated.tokens[0], "DISCORD_REST_URL": f"{simulated.url}/api/v10"}
    with started(data, **told) as up:
        up.wait_until_ready()
        shown = up.shown
        up.process.kill()
        up.process.wait()
        wait_until_gone(data)
    assert "https://discord.com/oauth2/authorize?client_id=" in shown

    with started(data, **told) as up:
        up.wait_until_ready()
        os.kill(child(data, "together"), signal.SIGSTOP)
        up.process.send_signal(signal.SIGINT)
        up.wait_until(lambda: "Stopping" in up.shown, "stopping")
        assert up.ask_to_stop() == 130
        wait_until_gone(data)


def test_ctrl_c_after_any_line_of_a_start_stops_what_there_is(data: pathlib.Path) -> None:
    for lines in (1, 3, 4, 5, 6):
        with started(data) as up:
            up.wait_until_line(lines)
            assert up.ask_to_stop() == 0, up.shown
            assert processes_of(data) == {}
            assert "Traceback" not in up.shown

    (data / "postgres" / "data" / "global" / "pg_control").write_bytes(b"\0" * 8192)
    code, shown = refused(data)

    assert code == 4
    assert f"PostgreSQL can't use its data in {data}/postgres/data" in shown


def test_a_port_in_use_is_told_in_a_sentence(data: pathlib.Path) -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        code, shown = refused(data, "--port", str(taken))

    assert code == 3
    assert f"Port {taken} (the page) is in use by another program." in shown
    assert not data.exists()


def test_a_broken_folder_is_told_in_a_sentence(data: pathlib.Path) -> None:
    data.mkdir()
    (data / "holiday.jpg").touch()

    code, shown = refused(data)

    assert code == 4
    assert shown.strip().startswith(f"{data} holds other things (holiday.jpg)")


def test_all_wrong_settings_are_listed_without_their_values(data: pathlib.Path) -> None:
    code, shown = refused(
        data,
        NODES="many",
        REDIS_URL="sql://user:hidden@nowhere",
        DATABASE_URL="hidden",
        LAVALINK_URL="hidden",
        NODE_PORT="-1",
    )

    assert code == 2
    assert "5 settings are wrong:" in shown
    for name in ("NODES", "REDIS_URL", "DATABASE_URL", "LAVALINK_URL", "NODE_PORT"):
        assert f"  {name} " in shown
    assert "hidden" not in shown


def test_settings_of_the_services_are_checked_before_anything_starts(data: pathlib.Path) -> None:
    code, shown = refused(data, LOG_LEVEL="loud", LEASE_TTL="soon")

    assert code == 2
    assert "LOG_LEVEL" in shown
    assert "LEASE_TTL" in shown
    assert "ready in" not in shown


def test_a_token_that_discord_does_not_know_is_told_in_a_sentence(
    data: pathlib.Path, simulated: parts.Simulated
) -> None:
    code, shown = refused(
        data, DISCORD_TOKEN="not.a.token", DISCORD_REST_URL=f"{simulated.url}/api/v10"
    )

    assert code == 6
    assert "Discord refuses the token in DISCORD_TOKEN." in shown
    assert "not.a.token" not in shown


def asked(data: pathlib.Path, *words: str) -> list[dict[str, Any]]:
    """Ask a running Legato by a command beside it."""
    kept = {name: os.environ[name] for name in ("PATH", "HOME") if name in os.environ}
    found = subprocess.run(
        [sys.executable, "-m", "legato", *words],
        capture_output=True,
        check=True,
        env={**kept, "LEGATO_DATA": str(data)},
    )
    rows: list[dict[str, Any]] = json.loads(found.stdout)
    return rows
