import msgspec

from legato.gateway.settings import Settings
from legato_operator import sharding
from legato_operator.resources.musicbot import Gateway


def test_the_first_gateway_asks_discord() -> None:
    found = sharding.plan(Gateway(), None)

    assert (found.shards, found.pods, found.reason) == (None, 1, "NotKnownYet")


def test_what_was_stored_binds() -> None:
    assert sharding.plan(Gateway(), 16).pods == 2
    assert sharding.plan(Gateway(shards=16), 16).reason == "Asked"


def test_another_count_than_the_stored_one_waits_for_its_confirmation() -> None:
    found = sharding.plan(Gateway(shards=32), 16)

    assert (found.shards, found.pods, found.reason) == (16, 2, "ReshardNeeded")
    assert found.message.endswith("confirm by gateway.reshardTo: 32")


def test_a_count_that_is_confirmed_by_its_value_replaces_the_stored_one() -> None:
    found = sharding.plan(Gateway(shards=32, reshard_to=32), 16)

    assert (found.shards, found.pods, found.is_resharding) == (32, 4, True)


def test_pods_hold_all_shards() -> None:
    assert [sharding.plan(Gateway(shards=n), None).pods for n in (1, 8, 9, 17)] == [1, 1, 2, 3]


def test_what_gateways_leave_unused_counts_for_nobody() -> None:
    layout = sharding.plan(Gateway(shards=16), 16)

    assert sharding.shortfall(layout, sharding.RESERVE + 16) == ""
    assert "16 may be needed" in sharding.shortfall(layout, sharding.RESERVE + 15)
    assert sharding.shortfall(layout, None) == ""


def test_the_reserve_is_that_of_gateways() -> None:
    said = msgspec.structs.fields(Settings)

    assert [one.default for one in said if one.name == "identify_reserve"] == [sharding.RESERVE]
