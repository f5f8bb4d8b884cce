import itertools

import pytest

from legato import resilience
from legato.errors import Unavailable


def test_delays_grow_up_to_a_cap_and_are_never_quite_equal():
    found = list(itertools.islice(resilience.delays(first=0.1, most=5), 12))

    for number, delay in enumerate(found):
        whole = min(0.1 * 2**number, 5)
        assert whole / 2 <= delay <= whole


async def test_it_tries_until_the_dependency_is_back(monkeypatch):
    monkeypatch.setattr(resilience, "FIRST_SECONDS", 0.001)
    monkeypatch.setattr(resilience, "delays", lambda: itertools.repeat(0.001))
    left = [Unavailable("redis"), Unavailable("redis")]

    async def call() -> str:
        if left:
            raise left.pop()
        return "here"

    assert await resilience.until_available(call, what="redis") == "here"


async def test_another_error_is_not_tried_again():
    async def call() -> None:
        raise ValueError("a bug")

    with pytest.raises(ValueError, match="a bug"):
        await resilience.until_available(call, what="redis")
