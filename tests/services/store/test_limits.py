from datetime import UTC, datetime, timedelta

from legato.store import limits
from legato.store.limits import Rate


async def test_policies_and_the_penalties_that_still_hold(database):
    now = datetime.now(UTC)
    policy = Rate(capacity=5, period=timedelta(seconds=10))
    holds = Rate(capacity=0, period=timedelta(hours=1), expires_at=now + timedelta(hours=1))
    over = Rate(capacity=0, period=timedelta(hours=1), expires_at=now - timedelta(hours=1))
    await limits.save(database, 1, "command", policy)
    await limits.save(database, 1, "command", holds, subject="user:7")
    await limits.save(database, 1, "command", over, subject="user:8")

    found = await limits.load(database, 1)

    assert found.policies == {"command": policy}
    assert found.penalties == {("command", "user:7"): holds}
