import asyncio
import errno
import io
import os
import pathlib
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import timedelta

import pytest

from legato.embedded import supervisor
from legato.embedded.child import Program
from legato.embedded.problems import DiskFull, StartFailed
from legato.embedded.report import Terminal
from legato.embedded.supervisor import Part, Supervisor
from support_waiting import PATIENCE

PAUSE = "import signal; open(sys.argv[1], 'a').write('x'); signal.pause()"


class Sample:
    """A part that appends to a file each time it starts."""

    def __init__(self, folder: pathlib.Path, name: str, code: str = PAUSE) -> None:
        self.file = folder / f"{name}.starts"
        self.buried = 0
        command = (sys.executable, "-c", f"import sys; {code}", str(self.file))
        program = Program(name=name, command=command, log=folder / f"{name}.log")
        self.part = Part(
            name=name,
            title=name,
            prepare=lambda: program,
            is_ready=lambda: self.starts > self.seen,
            patience=timedelta(seconds=10),
            mourn=self.mourn,
        )
        self.seen = 0

    async def mourn(self) -> None:
        self.buried += 1
        self.seen = self.starts

    @property
    def starts(self) -> int:
        return len(self.file.read_text()) if self.file.exists() else 0


@asynccontextmanager
async def watched(boss: Supervisor) -> AsyncIterator[None]:
    task = asyncio.create_task(boss.watch())
    try:
        async with asyncio.timeout(PATIENCE):
            yield
    finally:
        task.cancel()
        await boss.stop()


def pid_of(folder: pathlib.Path, name: str) -> int:
    return int((folder / f"{name}.json").read_text().partition('"pid":')[2].partition(",")[0])


@pytest.fixture
def shown() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def boss(tmp_path: pathlib.Path, shown: io.StringIO) -> Supervisor:
    return Supervisor(tmp_path, Terminal(shown))


async def test_a_crashed_part_is_started_again_and_it_is_said(
    boss: Supervisor, tmp_path: pathlib.Path, shown: io.StringIO
) -> None:
    sample = Sample(tmp_path, "sample")
    await boss.start(sample.part)
    async with watched(boss):
        os.kill(pid_of(tmp_path, "sample"), signal.SIGKILL)
        while shown.getvalue().count("ready in") < 2:
            await asyncio.sleep(0.01)

    assert sample.starts == 2
    assert sample.buried == 1
    assert "sample was ended by signal 9; starting it again in 0.5 s" in shown.getvalue()


async def test_delays_grow_while_a_part_keeps_crashing(
    boss: Supervisor, tmp_path: pathlib.Path, shown: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "FIRST_DELAY", timedelta(seconds=0.01))
    monkeypatch.setattr(supervisor, "LONGEST_DELAY", timedelta(seconds=0.04))
    sample = Sample(tmp_path, "sample")
    await boss.start(sample.part)
    broken = Sample(tmp_path, "sample", "sys.exit('broken')").part.prepare()
    object.__setattr__(sample.part, "prepare", lambda: broken)
    async with watched(boss):
        os.kill(pid_of(tmp_path, "sample"), signal.SIGKILL)
        while shown.getvalue().count("did not come back") < 3:
            await asyncio.sleep(0.01)

    assert "sample did not start: broken" in shown.getvalue()


async def test_a_part_that_never_comes_up_fails_the_start_with_its_last_words(
    boss: Supervisor, tmp_path: pathlib.Path
) -> None:
    sample = Sample(tmp_path, "sample", "sys.exit('no such luck')")

    with pytest.raises(StartFailed, match=r"sample did not start: no such luck\nIts log: .*log"):
        await boss.start(sample.part)
    await boss.stop()


async def test_a_part_that_says_nothing_in_time_is_given_up_without_naming_an_empty_log(
    boss: Supervisor, tmp_path: pathlib.Path
) -> None:
    part = Sample(tmp_path, "sample", "import signal; signal.pause()").part
    object.__setattr__(part, "patience", timedelta(seconds=0.1))

    with pytest.raises(StartFailed, match=r"not ready after 0 s\. It has written nothing"):
        await boss.start(part)
    await boss.stop()


async def test_a_part_that_starts_slowly_is_spoken_of_and_waited_for(
    boss: Supervisor, tmp_path: pathlib.Path, shown: io.StringIO, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(supervisor, "LONG", timedelta())
    part = Sample(tmp_path, "sample").part
    object.__setattr__(part, "is_ready", lambda: "busy" in shown.getvalue())

    await boss.start(part)

    assert shown.getvalue().startswith("  sample is still starting; this machine is busy\n")
    await boss.stop()


def test_each_try_that_took_too_long_makes_the_next_more_patient(tmp_path: pathlib.Path) -> None:
    running = supervisor.Running(Sample(tmp_path, "sample").part)

    allowed = []
    for running.too_late in (0, 1, 2, 9):
        allowed.append(running.patience.total_seconds())

    assert allowed == [10, 20, 30, 40]


async def test_the_reason_of_a_parts_own_exit_code_is_said(
    boss: Supervisor, tmp_path: pathlib.Path, shown: io.StringIO
) -> None:
    dying = "import os; open(sys.argv[1], 'a').write('x'); os._exit(70)"
    part = Sample(tmp_path, "sample", dying).part
    object.__setattr__(part, "is_ready", lambda: True)
    object.__setattr__(part, "endings", {70: "it stalled"})
    await boss.start(part)

    async with watched(boss):
        while "starting it again" not in shown.getvalue():
            await asyncio.sleep(0.01)

    assert "sample ended with code 70 (it stalled); starting it again in" in shown.getvalue()


async def test_a_part_may_explain_its_last_words(boss: Supervisor, tmp_path: pathlib.Path) -> None:
    sample = Sample(tmp_path, "sample", "sys.exit('ENOSPC')")
    object.__setattr__(sample.part, "explain", lambda words: DiskFull(f"full: {words}"))

    with pytest.raises(DiskFull, match="full: ENOSPC"):
        await boss.start(sample.part)
    await boss.stop()


async def test_parts_stop_in_the_reverse_of_their_order(
    boss: Supervisor, tmp_path: pathlib.Path
) -> None:
    told: list[str] = []
    await boss.start(*(Sample(tmp_path, name).part for name in ("first", "second")))
    await boss.start(Sample(tmp_path, "third").part)

    await boss.stop(told=told.append)

    assert told == ["third", "second", "first"]
    assert not list(tmp_path.glob("*.json"))


@pytest.mark.parametrize(
    "error", [OSError(errno.ENOSPC, "No space left on device"), StartFailed("initdb: No space")]
)
async def test_what_fails_before_the_start_is_explained_as_well(
    boss: Supervisor, tmp_path: pathlib.Path, error: Exception
) -> None:
    def prepare() -> Program:
        raise error

    part = Sample(tmp_path, "sample").part
    object.__setattr__(part, "prepare", prepare)
    object.__setattr__(part, "explain", lambda words: DiskFull(words) if "No sp" in words else None)

    with pytest.raises(DiskFull):
        await boss.start(part)
    await boss.stop()
