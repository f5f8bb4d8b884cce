"""Both ends of the range of servers that Legato promises to run on."""

from collections.abc import AsyncIterator, Iterator

import pytest

from legato import redis as reach
from support_servers import running_valkey


@pytest.fixture(scope="session", params=["newest", "oldest"])
def each_redis_url(request: pytest.FixtureRequest) -> Iterator[str]:
    """Run the newest Valkey, then the oldest."""
    with running_valkey(oldest=request.param == "oldest") as server:
        yield server.url


@pytest.fixture
async def each_redis(each_redis_url: str) -> AsyncIterator[reach.Client]:
    """Connect to an emptied server, of each age in turn."""
    client = reach.connect(each_redis_url)
    await client.flushall()
    yield client
    await client.aclose()
