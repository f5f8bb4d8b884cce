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

import pytest

import support_servers
from legato.embedded import ports

OPTIONS = ("port", "api-port", "gateway-port", "audio-port", "worker-port")
PATIENCE = 90.0


class Up:
    """One `legato up` as a person runs it."""

    def __init__(self, data: pathlib.Path, *options: str, **environ: str) -> None:
        self.output = data.parent / "output.txt"
        self.data = data
        free = [part for name in OPTIONS for part in (f"--{name}", str(ports.free()))]
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

    def wait_until_ready(self) -> float:
        self.wait_until(lambda: "Ctrl-C stops everything." in self.shown, "ready")
        found = re.search(r"Ready in ([\d.]+) s", self.shown)
        assert found
        return float(found[1])

    def ask_to_stop(self, number: int = signal.SIGINT) -> int:
        self.process.send_signal(number)
        return self.process.wait(PATIENCE)


@pytest.fixture
def data() -> Iterator[pathlib.Path]:
    with support_servers.scratch_folder() as folder:
        yield folder / "data"


@contextlib.contextmanager
def started(data: pathlib.Path, *options: str, **environ: str) -> Iterator[Up]:
    up = Up(data, *options, **environ)
    try:
        yield up
    finally:
        if up.process.poll() is None:
            up.process.kill()
        up.process.wait()
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
    deadline = time.monotonic() + 20
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
    with started(data) as up:
        up.wait_until_ready()
        shown = up.shown
        running = processes_of(data)
        assert up.ask_to_stop() == 0
        assert processes_of(data) == {}
    secrets = [file.read_text() for file in (data / "secrets").iterdir()]

    for word in ("PostgreSQL", "Valkey", "Discord simulator", "node-1", "gateway, audio, api"):
        assert word in shown
    assert re.search(r"Open http://127.0.0.1:\d+ and type /play", shown)
    assert len(running) > 4
    assert len(secrets) == 3
    assert not [one for one in secrets if one in shown + " ".join(running.values())]

    with started(data) as up:
        assert up.wait_until_ready() < 15
        assert up.ask_to_stop(signal.SIGTERM) == 0


def test_a_kill_of_the_supervisor_leaves_no_process_and_the_next_start_works(
    data: pathlib.Path,
) -> None:
    with started(data) as up:
        up.wait_until_ready()
        up.process.kill()
        up.process.wait()
        wait_until_gone(data)
    with started(data) as up:
        up.wait_until_ready()
        assert up.ask_to_stop() == 0


@pytest.mark.parametrize("word", ["valkey", "together", "legato node"])
def test_a_killed_child_is_started_again_and_it_is_said(data: pathlib.Path, word: str) -> None:
    with started(data) as up:
        up.wait_until_ready()
        before = child(data, word)
        os.kill(before, signal.SIGKILL)
        up.wait_until(lambda: "starting it again" in up.shown, "said")
        up.wait_until(lambda: up.shown.partition("starting it again")[2].count("ready in"), "back")

        assert child(data, word) != before
        assert "was ended by signal 9; starting it again in 0.5 s" in up.shown
        assert up.ask_to_stop() == 0


def test_a_second_ctrl_c_ends_everything_at_once(data: pathlib.Path) -> None:
    with started(data) as up:
        up.wait_until_ready()
        os.kill(child(data, "together"), signal.SIGSTOP)
        up.process.send_signal(signal.SIGINT)
        up.wait_until(lambda: "Stopping" in up.shown, "stopping")
        assert up.ask_to_stop() == 130
        wait_until_gone(data)


def test_ctrl_c_while_it_starts_stops_what_there_is(data: pathlib.Path) -> None:
    with started(data) as up:
        up.wait_until(lambda: "ready in" in up.shown, "half started")
        assert up.ask_to_stop() == 0
        assert processes_of(data) == {}


def test_two_starts_do_not_share_a_folder(data: pathlib.Path) -> None:
    with started(data) as first:
        first.wait_until((data / "layout").exists, "made")
        second = subprocess.run(
            [sys.executable, "-m", "legato", "up", "--data", str(data)],
            capture_output=True,
            text=True,
            check=False,
        )
        first.ask_to_stop()

    assert second.returncode == 4
    assert f"already runs on the data folder {data}" in second.stderr


def test_a_port_in_use_is_told_in_a_sentence(data: pathlib.Path) -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        taken = other.getsockname()[1]
        code, shown = refused(data, "--port", str(taken))

    assert code == 3
    assert f"Port {taken} (the page) is in use by another program." in shown


def test_a_broken_folder_is_told_in_a_sentence(data: pathlib.Path) -> None:
    data.mkdir()
    (data / "holiday.jpg").touch()

    code, shown = refused(data)

    assert code == 4
    assert shown.strip().startswith(f"{data} holds other things (holiday.jpg)")


def test_corrupt_data_is_told_in_a_sentence(data: pathlib.Path) -> None:
    with started(data) as up:
        up.wait_until(lambda: re.search(r"PostgreSQL +ready in", up.shown), "up")
        up.ask_to_stop()
    (data / "postgres" / "data" / "global" / "pg_control").write_bytes(b"\0" * 8192)

    code, shown = refused(data)

    assert code == 4
    assert f"PostgreSQL can't use its data in {data}/postgres/data" in shown


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


def test_a_token_that_discord_does_not_know_is_told_in_a_sentence(data: pathlib.Path) -> None:
    with support_servers.scratch_folder() as folder, started(folder / "data") as simulator:
        simulator.wait_until_ready()
        address = re.search(r"Open (\S+) and", simulator.shown)
        assert address
        code, shown = refused(
            data, DISCORD_TOKEN="not.a.token", DISCORD_REST_URL=f"{address[1]}/api/v10"
        )
        simulator.ask_to_stop()

    assert code == 6
    assert "Discord refuses the token in DISCORD_TOKEN." in shown
    assert "not.a.token" not in shown


def test_with_a_token_and_no_lavalink_it_says_that_voice_will_be_refused(
    data: pathlib.Path,
) -> None:
    with support_servers.scratch_folder() as folder, started(folder / "data") as simulator:
        simulator.wait_until_ready()
        known = json.loads((folder / "data" / "run" / "settings.json").read_text())
        told = {name: known[name] for name in ("DISCORD_TOKEN", "DISCORD_REST_URL")}
        simulator.process.send_signal(signal.SIGSTOP)
        with started(data, **told) as up:
            up.wait_until_ready()
            shown = up.shown
            assert up.ask_to_stop() == 0
        simulator.process.send_signal(signal.SIGCONT)
        simulator.ask_to_stop()

    assert "set LAVALINK_URL and LAVALINK_PASSWORD" in shown
    assert "https://discord.com/oauth2/authorize?client_id=" in shown
