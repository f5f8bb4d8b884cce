import threading
import time
from dataclasses import replace

from legato.contracts.partitions import Partition
from legato.leases import Lease
from legato.watchdog import Pace, Watchdog, has_stalled
from support_waiting import PATIENCE

P = Partition(7, "default", 3)
PACE = Pace(look=0.01, patience=0.1, frozen=0.5, grace=0.1)


def lease(deadline: float, alone_until: float = 0.0) -> Lease:
    return Lease(P, "a", 1, deadline, alone_until=alone_until)


def test_a_loop_that_has_not_run_since_its_lease_ran_out_has_stalled() -> None:
    assert has_stalled([lease(20), lease(10)], beat=9, now=11, patience=1)
    assert not has_stalled([lease(20), lease(10)], beat=9, now=10.5, patience=1)


def test_a_loop_that_runs_may_hold_an_old_lease_while_redis_is_away() -> None:
    assert not has_stalled([lease(10)], beat=11, now=12, patience=1)


def test_a_loop_that_stands_still_within_its_lease_is_only_slow() -> None:
    assert not has_stalled([lease(10)], beat=1, now=10, patience=1)


def test_a_loop_that_stalls_in_isolation_is_ended_when_that_ends() -> None:
    assert not has_stalled([lease(10, alone_until=70)], beat=20, now=70, patience=1)
    assert has_stalled([lease(10, alone_until=70)], beat=20, now=71, patience=1)


def test_a_pause_of_the_whole_process_is_known_before_it_could_pass_for_a_stall() -> None:
    pace = Pace()

    assert pace.look + pace.frozen < pace.patience


def test_the_thread_ends_what_stands_still() -> None:
    ended = threading.Event()
    deadline = time.monotonic() + 0.05

    with Watchdog(lambda: [lease(deadline)], end=ended.set, pace=PACE):
        assert ended.wait(PATIENCE)

    assert time.monotonic() >= deadline + PACE.patience


def test_the_thread_leaves_a_loop_alone_that_beats() -> None:
    ended = threading.Event()
    beat = time.monotonic()
    until, deadline, longest = beat + 0.3, beat + 0.05, 0.0

    with Watchdog(lambda: [lease(deadline)], end=ended.set, pace=PACE) as watchdog:
        while beat < until:
            watchdog.beat()
            time.sleep(0.001)
            beat, before = time.monotonic(), beat
            longest = max(longest, beat - before)

    # A machine may be so busy that this loop stood still itself.
    assert not ended.is_set() or longest >= PACE.patience


def test_the_thread_ends_what_never_runs_again_though_it_holds_nothing() -> None:
    ended = threading.Event()

    with Watchdog(tuple, end=ended.set, pace=replace(PACE, longest=0.2)):
        assert ended.wait(PATIENCE)
