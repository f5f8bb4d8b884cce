from prometheus_client import CollectorRegistry

from legato.store import locks
from legato.worker import runner
from legato.worker.metrics import Metrics
from support_counting import counted_statements


async def test_a_job_that_runs_elsewhere_is_left_alone(means):
    registry = CollectorRegistry()
    async with locks.held(means.database, "job:usage") as ours:
        assert ours
        assert await runner.run("usage", means, Metrics(registry)) == runner.SKIPPED

    labels = {"job": "usage", "outcome": "skipped"}
    assert registry.get_sample_value("legato_worker_job_seconds_count", labels) == 1


async def test_a_lock_costs_one_statement_and_is_let_go(means):
    with counted_statements(means.database) as statements:
        assert (await runner.run("usage", means, Metrics(CollectorRegistry()))).startswith("Count")
    assert len(statements) == 3

    assert (await runner.run("usage", means, Metrics(CollectorRegistry()))).startswith("Count")
