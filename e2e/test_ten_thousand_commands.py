"""A crowd types at random while one process after another is killed: each command happens once.

The oracle says what every guild's queue must be in the end, from what people were told alone.

`make stress` types 10,000 commands in 200 guilds, 30 a second, and ends a process every 8 s, every
other by kill -9: that takes two cores of its own and 6 minutes (on fewer, people type slower). The
seed is fixed, and random under LEGATO_SOAK=1; LEGATO_SEED repeats one that was shown. LEGATO_RATE,
LEGATO_COMMANDS, LEGATO_GUILDS and LEGATO_LOG change the rest, LEGATO_HAVOC=0 ends nothing.
`make test` has a smaller one: test_commands_at_random.py.
"""

import os
import random
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio

from legato_machine import orphans
from legato_machine.machine import Machine, Stage
from legato_machine.oracle import findings, havoc, trial
from legato_machine.oracle.findings import Findings
from legato_machine.oracle.trial import Trial

SOAK = os.environ.get("LEGATO_SOAK", "") not in {"", "0"}
SEED = int(os.environ.get("LEGATO_SEED", "0")) or (random.randrange(1, 1 << 31) if SOAK else 4)
HAVOC = os.environ.get("LEGATO_HAVOC", "1") == "1"
STAGE = Stage(
    nodes=2,
    audio=2,
    gateway=2,
    settings={
        "SHARDS": "2",
        "MEMBER_READY_AFTER": "1s",
        "LOG_LEVEL": os.environ.get("LEGATO_LOG", "INFO"),
    },
    discord={
        "SIMULATOR_SHARDS": "2",
        "SIMULATOR_MAX_CONCURRENCY": "2",
        # It costs more to check each answer than to give it, and every other scenario does.
        "DISCORD_OPENAPI": "",
    },
)
TRIAL = Trial(
    commands=int(os.environ.get("LEGATO_COMMANDS", "10000")),
    rate=float(os.environ.get("LEGATO_RATE", "30")),
    guilds=int(os.environ.get("LEGATO_GUILDS", "200")),
    seed=SEED,
    plan=havoc.plan(STAGE, seed=SEED, rounds=4) if HAVOC else (),
)
EXPECTED = havoc.EXPECTED
MOST_PUT_OFF = 0.05
MOST_SLOWED = 0.01
"""The part of all requests that Discord may ask to come again."""
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.stress]


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def found(stage: Machine) -> AsyncIterator[Findings]:
    found = await trial.run(stage, TRIAL)
    print(findings.summary(found))
    yield found


async def test_each_happens_once_and_in_order_whoever_is_killed(found: Findings) -> None:
    wrong = findings.wrong(found)

    assert len(found.outcomes) == TRIAL.commands
    assert wrong == [], f"seed {SEED}: {len(wrong)} wrong\n" + "\n".join(wrong[:8])


async def test_nothing_goes_wrong_that_no_kill_explains(found: Findings) -> None:
    assert findings.unexplained(found) == []
    assert findings.put_off(found) <= MOST_PUT_OFF


async def test_discord_had_hardly_a_reason_to_slow_us_down(stage: Machine, found: Findings) -> None:
    """Who takes over can't know which of Discord's buckets the dead had used up.

    And where the machine stands still for half a second, what was sent then arrives together.
    """
    record = await stage.discord.record()
    await stage.discord.clear_record()
    print(f"{record.requests} requests, refused: {record.refusals}")

    assert record.violations == []
    assert all(each.startswith("429 ") for each in record.refusals)
    assert sum(record.refusals.values()) <= MOST_SLOWED * record.requests


async def test_nobody_plays_whom_no_book_knows(stage: Machine, found: Findings) -> None:
    await orphans.no_orphans(stage, timeout=60)
