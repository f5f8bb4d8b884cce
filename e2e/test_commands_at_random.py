"""A crowd types at random while one process after another is killed: the everyday size of it.

test_ten_thousand_commands.py is the whole, and says what is proved here.
"""

import pytest

from legato_machine import orphans
from legato_machine.machine import Machine, Stage
from legato_machine.oracle import findings, havoc, trial
from legato_machine.oracle.trial import Trial

SEED = 4
STAGE = Stage(
    nodes=2,
    audio=2,
    gateway=2,
    settings={"SHARDS": "2", "MEMBER_READY_AFTER": "1s"},
    discord={
        "SIMULATOR_SHARDS": "2",
        "SIMULATOR_MAX_CONCURRENCY": "2",
        # It costs more to check each answer than to give it, and every other scenario does.
        "DISCORD_OPENAPI": "",
    },
)
TRIAL = Trial(
    commands=1_000,
    rate=25.0,
    guilds=60,
    seed=SEED,
    plan=havoc.kills(STAGE, seed=SEED),
    every=4.0,
    audible=10,
)
EXPECTED = havoc.EXPECTED
MOST_PUT_OFF = 0.05
MOST_SLOWED, A_STALL = 0.02, 30
"""As there; of fewer requests one stall, which refuses so many, is more."""
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.alone]


async def test_each_command_happens_once_and_in_order_whoever_is_killed(stage: Machine) -> None:
    found = await trial.run(stage, TRIAL)
    print(findings.summary(found))
    record = await stage.discord.record()
    print(f"{record.requests} requests, refused: {record.refusals}")
    await stage.discord.clear_record()

    assert len(found.outcomes) == TRIAL.commands
    assert findings.wrong(found) == []
    assert findings.unexplained(found) == []
    assert findings.put_off(found) <= MOST_PUT_OFF
    assert record.violations == []
    assert all(each.startswith("429 ") for each in record.refusals)
    assert sum(record.refusals.values()) <= max(MOST_SLOWED * record.requests, A_STALL)
    await orphans.no_orphans(stage, timeout=60)
