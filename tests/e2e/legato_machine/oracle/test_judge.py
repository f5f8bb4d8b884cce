"""What people were told leaves few worlds, and what is there must be one of them."""

from dataclasses import replace

import pytest

from legato_machine.oracle.judge import Truth, judge
from legato_machine.oracle.model import Deed, World
from legato_machine.oracle.sayings import Said

HERE = World(there=True)


def deed(number: int, kind: str, said: Said | None, **more: object) -> Deed:
    told_at = None if said is None else number + 0.1
    made = Deed(
        id=str(number), kind=kind, sent=float(number), told_at=told_at, said=said, booked=True
    )
    return replace(made, **more)  # type: ignore[arg-type]


def play(number: int, **more: object) -> Deed:
    return deed(number, "play", Said("queued"), **more)


def refused(number: int, kind: str, reason: str) -> Deed:
    return deed(number, kind, Said("refused", reason))


def wrong(world: World, *deeds: Deed) -> list[str]:
    return judge(deeds, Truth(7, world))


def test_tracks_follow_in_the_order_of_the_commands() -> None:
    deeds = play(1), play(2), play(3, first=True), deed(4, "skip", Said("skipped"))
    ended = frozenset({("1", "skipped")})

    assert wrong(replace(HERE, current="3", queue=("2",), ended=ended), *deeds) == []
    assert wrong(replace(HERE, current="2", queue=("3",), ended=ended), *deeds) != []


def test_a_skip_done_twice_is_found() -> None:
    deeds = play(1), play(2), play(3), deed(4, "skip", Said("skipped"))
    twice = frozenset({("1", "skipped"), ("2", "skipped")})

    assert wrong(replace(HERE, current="3", ended=twice), *deeds) != []


def test_a_lost_command_is_found() -> None:
    assert wrong(replace(HERE, current="1"), play(1), play(2)) != []


def test_a_command_told_as_done_that_no_book_knows_is_found() -> None:
    assert "books" in wrong(replace(HERE, current="1"), play(1, booked=False))[0]


def test_a_refusal_that_was_done_all_the_same_is_found() -> None:
    assert "yet done" in wrong(World(), refused(1, "pause", "busy"))[0]


def test_a_refusal_for_silence_while_something_plays_is_found() -> None:
    found = wrong(replace(HERE, current="1"), play(1), refused(2, "skip", "nothing_playing"))

    assert "can't be" in found[0]


def test_a_track_that_is_still_looked_for_may_play_or_not() -> None:
    slow = play(1, told_at=5.0)

    assert wrong(replace(HERE, current="1"), slow, refused(2, "skip", "nothing_playing")) == []
    skipped = frozenset({("1", "skipped")})
    assert wrong(replace(HERE, ended=skipped), slow, deed(2, "skip", Said("skipped"))) == []


def test_what_nobody_was_told_happened_all_the_same() -> None:
    silent = deed(2, "volume", None)

    assert wrong(replace(HERE, current="1", volume=70), play(1), replace(silent, value=70)) == []
    assert wrong(replace(HERE, current="1"), play(1), replace(silent, value=70)) != []


def test_where_some_came_too_late_silence_may_mean_that_too() -> None:
    silent = replace(deed(2, "volume", None), value=70)
    late = refused(3, "volume", "too_late")

    assert wrong(replace(HERE, current="1", volume=70), play(1), silent, late) == []
    assert wrong(replace(HERE, current="1"), play(1), silent, late) == []


@pytest.mark.parametrize(("kind", "reason"), [("stop", "stopped"), ("leave", "left")])
def test_stopping_ends_and_empties(kind: str, reason: str) -> None:
    deeds = play(1), play(2), deed(3, kind, Said(reason))
    ended = frozenset({("1", reason)})

    assert wrong(World(there=kind == "stop", ended=ended), *deeds) == []


def test_a_pause_already_there_is_told_so() -> None:
    paused = replace(HERE, current="1", paused=True)
    once, again = deed(2, "pause", Said("paused")), deed(3, "pause", Said("already paused"))

    assert wrong(paused, play(1), once, again) == []
    assert wrong(paused, play(1), once, replace(once, id="3", sent=3.0)) != []


def test_a_page_counts_what_waits() -> None:
    queue = ("2", "3")
    assert (
        wrong(
            replace(HERE, current="1", queue=queue),
            *(play(1), play(2), play(3)),
            deed(4, "queue", Said("page", number=2)),
        )
        == []
    )
    assert (
        wrong(
            replace(HERE, current="1", queue=queue),
            *(play(1), play(2), play(3)),
            deed(4, "queue", Said("page", number=3)),
        )
        != []
    )


def test_a_player_that_left_may_be_forgotten_with_its_volume() -> None:
    deeds = (
        deed(1, "volume", Said("volume", number=70), value=70),
        play(2),
        deed(3, "leave", Said("left")),
        play(4),
    )
    ended = frozenset({("2", "left")})

    for volume in (70, 100):
        assert wrong(replace(HERE, current="4", volume=volume, ended=ended), *deeds) == []
    assert wrong(replace(HERE, current="4", volume=80, ended=ended), *deeds) != []


def test_a_track_that_no_node_could_play_ends_at_any_time() -> None:
    deeds = play(1), play(2), deed(3, "skip", Said("skipped")), play(4)

    early = frozenset({("1", "failed"), ("2", "skipped")})
    late = frozenset({("1", "skipped"), ("2", "failed")})
    assert wrong(replace(HERE, current="4", ended=early), *deeds) == []
    assert wrong(replace(HERE, current="4", ended=late), *deeds) == []
    assert wrong(replace(HERE, current="2", queue=("4",), ended=early), *deeds) != []


def test_a_track_found_for_who_is_refused_in_the_end_may_play_until_then() -> None:
    waits = replace(refused(1, "play", "stopped"), told_at=4.2)
    deeds = waits, deed(2, "resume", Said("already resumed")), deed(4, "stop", Said("stopped"))

    assert wrong(HERE, *deeds) == []
    assert wrong(HERE, replace(waits, told_at=1.5), *deeds[1:]) != []
    assert wrong(HERE, refused(1, "play", "not_found"), *deeds[1:]) != []
