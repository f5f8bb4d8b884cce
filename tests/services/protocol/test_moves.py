from datetime import timedelta

from hypothesis import given
from hypothesis import strategies as st

from legato.protocol import moves
from legato.protocol.moves import Limits, Move, View

LIMITS = Limits(moves=2, settle=timedelta(seconds=30))
LONG = timedelta(minutes=5)


def view(
    owners: dict[str, str],
    held: str = "",
    *,
    moving: str = "",
    put_off: str = "",
    steady: timedelta = LONG,
    has_permits: bool = True,
    stopping: bool = False,
    owners_first: bool = False,
    load: dict[str, int] | None = None,
) -> View[str]:
    return View(
        me="me",
        owners=owners,
        held=frozenset(held),
        moving=frozenset(moving),
        put_off=frozenset(put_off),
        steady=steady,
        has_permits=has_permits,
        stopping=stopping,
        owners_first=owners_first,
        load=load or {},
    )


def test_what_should_be_ours_is_taken_and_what_should_not_is_given_with_a_permit() -> None:
    found = moves.plan(view({"a": "me", "b": "other", "c": "other"}, held="b"), LIMITS)

    assert found == (
        Move("take", "a", "it should be ours"),
        Move("give", "b", "other should have it", needs_permit=True),
    )


def test_what_moves_already_counts_against_the_room() -> None:
    owners = dict.fromkeys("abcd", "me")

    assert [move.what for move in moves.plan(view(owners), LIMITS)] == ["a", "b"]
    assert [move.what for move in moves.plan(view(owners, moving="a"), LIMITS)] == ["b"]
    assert moves.plan(view(owners, moving="ab"), LIMITS) == ()


def test_what_was_refused_just_now_waits_and_holds_up_nothing() -> None:
    owners = dict.fromkeys("abc", "me")

    assert [move.what for move in moves.plan(view(owners, put_off="ab"), LIMITS)] == ["c"]


def test_nothing_is_given_soon_after_an_outage_or_without_a_permit() -> None:
    owners = dict.fromkeys("ab", "other")

    assert moves.plan(view(owners, held="ab", steady=timedelta(seconds=29)), LIMITS) == ()
    assert moves.plan(view(owners, held="ab", has_permits=False), LIMITS) == ()


def test_what_a_redis_has_lost_is_left_to_its_owners() -> None:
    owners = dict.fromkeys("ab", "me")

    assert moves.plan(view(owners, owners_first=True), LIMITS) == ()


def test_while_nobody_may_own_everything_stays() -> None:
    assert moves.plan(view({}, held="ab"), LIMITS) == ()


def test_who_ends_gives_all_without_permits_and_takes_nothing() -> None:
    owners = {"a": "me", "b": "me", "c": "other"}
    found = moves.plan(
        view(owners, held="ac", has_permits=False, steady=timedelta(0), stopping=True), LIMITS
    )

    assert found == (
        Move("give", "a", "this member ends"),
        Move("give", "c", "this member ends"),
    )


def test_what_few_depend_on_is_given_first() -> None:
    owners = dict.fromkeys("abc", "other")
    found = moves.plan(view(owners, held="abc", load={"a": 5, "b": 1}), LIMITS)

    assert [move.what for move in found] == ["c", "b"]


def test_who_ends_gives_first_what_many_depend_on() -> None:
    owners = dict.fromkeys("abcd", "other")
    found = moves.plan(view(owners, held="abcd", load={"b": 5, "c": 1}, stopping=True), LIMITS)

    assert [move.what for move in found] == ["b", "c", "a", "d"]


things = st.frozensets(st.sampled_from("abcdef"))


@given(
    owners=st.dictionaries(st.sampled_from("abcdef"), st.sampled_from(["me", "other"])),
    held=things,
    moving=things,
    put_off=things,
    room=st.integers(1, 4),
    stopping=st.booleans(),
)
def test_a_plan_never_moves_a_thing_twice_nor_more_than_there_is_room(
    owners: dict[str, str],
    held: frozenset[str],
    moving: frozenset[str],
    put_off: frozenset[str],
    room: int,
    stopping: bool,
) -> None:
    seen = View(
        me="me",
        owners=owners,
        held=held,
        moving=moving,
        put_off=put_off,
        steady=LONG,
        stopping=stopping,
    )
    found = moves.plan(seen, Limits(moves=room, settle=timedelta(0)))
    things = [move.what for move in found]

    assert len(set(things)) == len(things)
    assert not moving & set(things)
    assert all((move.what in held) == (move.kind == "give") for move in found)
    most = max(moves.STOPPING, room) if stopping else room
    assert len(found) <= max(0, most - len(moving))
