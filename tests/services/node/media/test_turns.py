import threading
import time

from legato.node.media.turns import Turns
from support_waiting import PATIENCE


def test_one_computes_at_a_time_and_who_waits_lets_others_go_on() -> None:
    turns, inside, most, done = Turns(), 0, 0, []

    def compute(number: int) -> None:
        nonlocal inside, most
        with turns:
            for _ in range(20):
                inside += 1
                most = max(most, inside)
                time.sleep(0.0005)
                inside -= 1
                turns.pause()
            with turns.away():
                done.append(number)

    threads = [threading.Thread(target=compute, args=[number]) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)

    assert (most, sorted(done)) == (1, [0, 1, 2, 3, 4])


def test_a_turn_that_waits_is_somebody_elses() -> None:
    turns, other = Turns(), threading.Event()

    def take() -> None:
        with turns:
            other.set()

    thread = threading.Thread(target=take)
    with turns:
        thread.start()
        assert not other.wait(0.05)
        with turns.away():
            assert other.wait(PATIENCE)
    thread.join()
