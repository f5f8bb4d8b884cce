"""Ranks, places and insertions."""

from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from legato.audio import queue
from legato.contracts.tracks import QueueItem
from support_players import track


def item(name: str, rank: int = 0) -> QueueItem:
    return QueueItem(id=name, rank=rank, track=track(name), requester_id=1, added_at=0)


def ranked(*names: str) -> queue.Queue:
    return tuple(item(name, n * queue.GAP) for n, name in enumerate(names))


def names(waiting: queue.Queue) -> str:
    return "".join(item.id for item in waiting)


def is_ordered(waiting: queue.Queue) -> bool:
    ranks = [item.rank for item in waiting]
    return ranks == sorted(set(ranks))


def test_a_playlist_fits_between_neighbours_without_touching_them() -> None:
    waiting = ranked("a", "b", "c")

    grown = queue.replaced(waiting, 1, tuple(item(name) for name in "wxyz"))

    assert names(grown) == "awxyzc"
    assert is_ordered(grown)
    assert grown[0] is waiting[0]
    assert grown[-1] is waiting[2]


def test_where_there_is_no_room_what_follows_is_ranked_anew() -> None:
    waiting = (item("a", 0), item("b", 1), item("c", 2))

    grown = queue.replaced(waiting, 1, (item("x"), item("y")))

    assert names(grown) == "axyc"
    assert is_ordered(grown)


def test_what_goes_in_front_is_before_all() -> None:
    grown = queue.in_front(ranked("a"), (item("x"), item("y")))

    assert names(grown) == "xya"
    assert is_ordered(grown)


LETTERS = st.lists(st.sampled_from("abcdefgh"), unique=True)


@given(old=LETTERS, new=LETTERS)
def test_what_changed_is_found_between_equal_ends(old: list[str], new: list[str]) -> None:
    items = {name: item(name) for name in "abcdefgh"}
    before, after = tuple(items[n] for n in old), tuple(items[n] for n in new)

    left, right = queue.changed(before, after)

    start = 0
    while before[start : start + 1] == after[start : start + 1] != ():
        start += 1
    assert before[: min(start, len(before))] == after[: min(start, len(after))]
    cut = len(before) - len(left)
    assert cut == len(after) - len(right)
    kept = {i.id for i in before} - {i.id for i in left}
    assert kept == {i.id for i in after} - {i.id for i in right}


def test_a_changed_item_is_not_equal_to_its_old_self() -> None:
    old = ranked("a", "b")
    new = (old[0], replace(old[1], rank=99))

    assert queue.changed(old, new) == ((old[1],), (new[1],))
