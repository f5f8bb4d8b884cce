import asyncio
import os
import pathlib
import signal
import subprocess
import sys
import textwrap
import time
from datetime import timedelta

import pytest

import support_servers
from legato.embedded import aside
from legato.embedded.child import Child, Helpers, Program, run
from legato.embedded.problems import StartFailed
from support_waiting import PATIENCE


def program(folder: pathlib.Path, code: str, grace: float = 5) -> Program:
    return Program(
        name="sample",
        command=(sys.executable, "-c", textwrap.dedent(code)),
        log=folder / "sample.log",
        grace=timedelta(seconds=grace),
    )


def is_running(pid: int) -> bool:
    try:
        stat = pathlib.Path(f"/proc/{pid}/stat").read_text()
    except (FileNotFoundError, ProcessLookupError):
        return False
    return stat.rpartition(")")[2].split()[0] not in "ZX"


def wait_until_gone(*pids: int) -> None:
    deadline = time.monotonic() + PATIENCE
    while any(map(is_running, pids)):
        assert time.monotonic() < deadline, [pid for pid in pids if is_running(pid)]
        time.sleep(0.01)


async def test_a_child_stops_when_asked(tmp_path: pathlib.Path) -> None:
    child = Child.start(program(tmp_path, "import signal; signal.pause()"))

    assert child.code is None
    assert await child.stop() == -signal.SIGTERM


async def test_a_deaf_child_and_its_own_children_are_killed(tmp_path: pathlib.Path) -> None:
    child = Child.start(
        program(
            tmp_path,
            """
            import signal, subprocess, sys
            signal.signal(signal.SIGTERM, signal.SIG_IGN)
            other = subprocess.Popen([sys.executable, "-c", "import signal; signal.pause()"])
            print(other.pid, flush=True)
            signal.pause()
            """,
            grace=0.2,
        )
    )
    async with asyncio.timeout(PATIENCE):
        while not (printed := child.last_words()):
            await asyncio.sleep(0.01)

    assert await child.stop() == -signal.SIGKILL
    wait_until_gone(int(printed))


async def test_nothing_is_inherited_but_what_was_given(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")
    child = Child.start(program(tmp_path, "import os; print(sorted(os.environ))"))

    assert await child.wait() == 0
    assert child.last_words() == "['LC_ALL', 'PATH', 'TZ']"


def test_a_failing_command_says_what_it_printed(tmp_path: pathlib.Path) -> None:
    with pytest.raises(StartFailed, match="sample failed: no luck"):
        run(program(tmp_path, "raise SystemExit('no luck')"))


def test_a_kill_of_the_parent_leaves_no_child() -> None:
    code = """
        import pathlib, signal, sys
        sys.path.insert(0, sys.argv[1])
        import support_servers
        from legato.embedded.child import Child
        folder = pathlib.Path(sys.argv[2])
        servers = support_servers.valkey_in(folder), support_servers.postgres_in(folder)
        children = [Child.start(server.prepare()) for server in servers]
        while not all(server.is_ready() for server in servers):
            pass
        print(*(child.pid for child in children), flush=True)
        signal.pause()
    """
    support = str(pathlib.Path(support_servers.__file__).parent)
    with support_servers.scratch_folder() as folder:
        parent = subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(code), support, str(folder)],
            stdout=subprocess.PIPE,
        )
        with parent:
            assert parent.stdout
            pids = [int(pid) for pid in parent.stdout.readline().split()]
            assert all(map(is_running, pids))
            os.kill(parent.pid, signal.SIGKILL)
        wait_until_gone(*pids)

    assert len(pids) == 2


async def test_a_helper_that_is_cut_short_leaves_nothing(tmp_path: pathlib.Path) -> None:
    helpers = Helpers()
    command = ("/bin/sh", "-c", f"sleep 600 & echo $! > {tmp_path}/pid; wait")
    program = Program(name="helper", command=command, log=tmp_path / "log")
    running = asyncio.create_task(aside.call(lambda: helpers.run(program)))
    async with asyncio.timeout(PATIENCE):
        while not (tmp_path / "pid").exists() or not (tmp_path / "pid").read_text():
            await asyncio.sleep(0.02)

    helpers.end()

    with pytest.raises(StartFailed):
        await running
    stat = pathlib.Path(f"/proc/{(tmp_path / 'pid').read_text().strip()}/stat")
    assert not stat.exists() or stat.read_text().rpartition(")")[2].split()[0] in "ZX"
