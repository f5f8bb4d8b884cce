"""What a start does with a signal, whatever its work is at."""

import pathlib
import signal
import subprocess
import sys

import pytest

PROGRAM = """
import asyncio, pathlib, sys
from legato.embedded import aside, signals
from legato.embedded.child import Program
from legato.embedded.report import Terminal
from legato.embedded.supervisor import Part, Supervisor

folder, case = pathlib.Path(sys.argv[1]), sys.argv[2]
def program(name="slow"):
    return Program(name=name, command=(sys.executable, "-c", "import signal; signal.pause()"),
                   log=folder / f"{name}.log")
terminal = Terminal(sys.stdout)

def slow():
    import time
    terminal.line("busy")
    time.sleep(600)
    return program()

async def swallow():
    terminal.line("busy")
    for _ in range(3):
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass

async def cling():
    terminal.line("busy")
    while True:
        try:
            await asyncio.sleep(600)
        except asyncio.CancelledError:
            pass

def part(name, **more):
    return Part(**{"name": name, "title": name, "prepare": lambda: program(name),
                   "is_ready": lambda: True} | more)

async def main():
    boss = Supervisor(folder, terminal)
    async def work():
        await boss.start(part("first"))
        match case:
            case "preparing": await boss.start(part("slow", prepare=slow))
            case "not ready": await boss.start(part("slow", is_ready=slow))
            case "mourning":
                boss._running[0].part = part("first", mourn=swallow)
                boss._running[0].child.kill()
            case "swallowing": await swallow()
            case "clinging": await cling()
        await boss.watch()
    await signals.until_told(work(), boss, terminal)

asyncio.run(main())
"""


@pytest.mark.parametrize(
    ("case", "code"),
    [
        ("preparing", 0),
        ("not ready", 0),
        ("mourning", 0),
        ("swallowing", 0),
        ("clinging", 130),
    ],
)
def test_one_signal_ends_everything_whatever_the_work_is_at(
    tmp_path: pathlib.Path, case: str, code: int
) -> None:
    process = subprocess.Popen(
        [sys.executable, "-c", PROGRAM, str(tmp_path), case],
        stdout=subprocess.PIPE,
        text=True,
    )
    with process:
        assert process.stdout
        while "busy" not in (line := process.stdout.readline()):
            assert line, "ended too early"
        process.send_signal(signal.SIGINT)
        rest, _ = process.communicate(timeout=120)

    assert process.returncode == code
    assert "Stopping" in rest
    assert not list(tmp_path.glob("*.json"))
