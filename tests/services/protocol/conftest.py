"""The scripts under a clock of the test's, on both ends of the range of servers."""

from collections.abc import Iterator

import pytest

from support_scripts import Scripts, scripts_on


@pytest.fixture
def scripts(each_redis_url: str) -> Iterator[Scripts]:
    with scripts_on(each_redis_url) as found:
        yield found
