from datetime import timedelta

from legato.contracts.partitions import Partition
from legato.protocol.lease import Lease

TTL, CALL, ISOLATION = (timedelta(seconds=one) for one in (10, 4, 60))
LEASE = Lease(Partition(7, "default", 3), "a~1", 5, deadline=110.0, renewed=100.0)


def test_a_call_begins_only_where_it_surely_ends_in_time() -> None:
    assert LEASE.allows(CALL, now=105.9)
    assert not LEASE.allows(CALL, now=106.0)


def test_without_redis_only_who_holds_a_socket_drives_on() -> None:
    alone = LEASE.missed(begun=109.0, within=TTL, isolation=ISOLATION)

    assert not alone.allows(CALL, now=113.0)
    assert alone.allows(CALL, now=113.0, alone=True)


def test_who_was_frozen_before_it_missed_redis_drives_no_more() -> None:
    alone = LEASE.missed(begun=130.0, within=TTL, isolation=ISOLATION)

    assert not alone.left_alone(now=130.0)


def test_who_was_frozen_since_it_missed_redis_drives_no_more() -> None:
    alone = LEASE.missed(begun=109.0, within=TTL, isolation=ISOLATION)

    assert not alone.allows(CALL, now=130.0, alone=True)


def test_nobody_drives_alone_past_the_isolation() -> None:
    alone = LEASE
    for begun in range(102, 160, 6):
        alone = alone.missed(begun=begun, within=TTL, isolation=ISOLATION)

    assert alone.left_alone(now=158.0) == timedelta(seconds=2)
    assert not alone.is_isolated_too_long(now=159.9, isolation=ISOLATION)
    assert alone.is_isolated_too_long(now=160.0, isolation=ISOLATION)
