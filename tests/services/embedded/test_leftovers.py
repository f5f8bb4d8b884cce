import dataclasses
import pathlib
import signal
import sys

import msgspec

from legato.embedded import leftovers
from legato.embedded.child import Child, Program
from support_waiting import until


async def sleeper(folder: pathlib.Path) -> Child:
    """Start a program and wait until it runs: before it is its launcher."""
    log = folder / "sleeper.log"
    command = (sys.executable, "-c", "import signal; print(1, flush=True); signal.pause()")
    child = Child.start(Program(name="sleeper", command=command, log=log))
    await until(log.read_text)
    return child


async def test_what_is_left_over_is_ended(tmp_path: pathlib.Path) -> None:
    child = await sleeper(tmp_path)
    leftovers.note(tmp_path, child)

    assert leftovers.end_all(tmp_path) == ["sleeper"]
    assert await child.wait() == -signal.SIGTERM
    assert not list(tmp_path.glob("*.json"))


async def test_a_process_that_only_has_the_same_pid_is_left_alone(tmp_path: pathlib.Path) -> None:
    child = await sleeper(tmp_path)
    leftovers.note(tmp_path, child)
    file = tmp_path / "sleeper.json"
    found = msgspec.json.decode(file.read_bytes(), type=leftovers.Note)
    changed = msgspec.structs.replace(found, began="another moment")
    file.write_bytes(msgspec.json.encode(changed))

    assert leftovers.end_all(tmp_path) == []
    assert child.code is None
    await child.stop()


async def test_a_process_that_runs_something_else_is_left_alone(tmp_path: pathlib.Path) -> None:
    child = await sleeper(tmp_path)
    other = dataclasses.replace(child.program, command=("/usr/bin/another", "program"))
    child.program = other
    leftovers.note(tmp_path, child)

    assert leftovers.end_all(tmp_path) == []
    assert child.code is None
    await child.stop()


def test_a_broken_note_is_thrown_away(tmp_path: pathlib.Path) -> None:
    (tmp_path / "sleeper.json").write_text("{")

    assert leftovers.end_all(tmp_path) == []
    assert not list(tmp_path.glob("*.json"))


async def test_an_ended_child_is_no_leftover(tmp_path: pathlib.Path) -> None:
    child = await sleeper(tmp_path)
    leftovers.note(tmp_path, child)
    await child.stop()

    assert leftovers.end_all(tmp_path) == []
