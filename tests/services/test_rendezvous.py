import math

from hypothesis import given
from hypothesis import strategies as st

from legato.rendezvous import SLACK, assign

names = st.lists(st.text("abcdefgh", min_size=1, max_size=4), min_size=1, max_size=6, unique=True)
THINGS = [f"p{index}" for index in range(32)]


@given(names)
def test_every_thing_has_one_owner_and_nobody_too_many(members: list[str]) -> None:
    owners = assign(THINGS, dict.fromkeys(members, 1.0))

    assert set(owners) == set(THINGS)
    most = math.ceil(len(THINGS) / len(members) * SLACK)
    assert all(list(owners.values()).count(name) <= most for name in members)


@given(st.integers(1, 4), names)
def test_where_there_are_few_things_nobody_holds_another_ones_share(
    each: int, members: list[str]
) -> None:
    owners = assign(THINGS[: each * len(members)], dict.fromkeys(members, 1.0))

    most = max(each, math.floor(each * SLACK))
    assert all(list(owners.values()).count(name) <= most for name in members)
    if each < 4:
        assert sorted(owners.values()) == sorted(members * each)


@given(names, st.randoms())
def test_the_order_of_members_and_things_does_not_matter(members, random) -> None:
    shuffled, things = members.copy(), THINGS.copy()
    random.shuffle(shuffled)
    random.shuffle(things)

    assert assign(things, dict.fromkeys(shuffled, 1.0)) == assign(
        THINGS, dict.fromkeys(members, 1.0)
    )


def test_a_member_that_leaves_moves_little_more_than_its_own() -> None:
    things = [f"p{index}" for index in range(256)]
    before = assign(things, {"a": 1, "b": 1, "c": 1, "d": 1})
    after = assign(things, {"a": 1, "b": 1, "c": 1})

    moved = sum(after[thing] != owner for thing, owner in before.items() if owner != "d")

    assert moved <= 256 * 0.05


def test_weights_count_and_nobody_of_weight_zero_gets_any() -> None:
    things = [f"p{index}" for index in range(400)]
    owners = list(assign(things, {"a": 3, "b": 1, "c": 0}).values())

    assert "c" not in owners
    assert 2 <= owners.count("a") / owners.count("b") <= 4.5


def test_without_members_nothing_is_owned() -> None:
    assert assign(THINGS, {}) == {}
    assert assign(THINGS, {"a": 0}) == {}
