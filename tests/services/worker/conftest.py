from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime

import pytest

from legato.settings import Secret
from legato.worker.jobs.job import Means
from legato.worker.settings import Settings

BOT = 111


@pytest.fixture
def settings(redis_url, database_url) -> Settings:
    return Settings(
        member="me",
        redis_url=Secret(redis_url),
        database_url=Secret(database_url),
        discord_application_id=BOT,
        worker_port=0,
    )


@pytest.fixture
def lines() -> list[str]:
    return []


@pytest.fixture
def means(settings, redis, database, lines) -> Means:
    return Means(
        settings=settings,
        database=database,
        redis=redis,
        now=lambda: datetime.now(UTC),
        progress=lines.append,
    )


@pytest.fixture
def means_at(means) -> Callable[[datetime], Means]:
    return lambda moment: replace(means, now=lambda: moment)
