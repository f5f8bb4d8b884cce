import dataclasses

from legato_operator import slots
from legato_operator.seen import Peer, World

A = Peer("music", "a", "1.0.0", follows=True, ready=True)
B = Peer("music", "b", "1.0.0", follows=True, ready=True)
C = Peer("other", "c", "1.0.0", follows=True, ready=True)


def turns(*peers: Peer, at_once: int = 1) -> dict[str, bool]:
    world = World("1.1.0", peers=peers, rollouts_at_once=at_once)
    return {one.name: slots.turn(one, world).ok for one in peers}


def busy(one: Peer) -> Peer:
    return dataclasses.replace(one, version="1.1.0", progressing=True)


def done(one: Peer) -> Peer:
    return dataclasses.replace(one, version="1.1.0")


def test_one_bot_after_the_other_follows_a_new_release() -> None:
    assert turns(A, B, C) == {"a": True, "b": False, "c": False}
    assert turns(busy(A), B, C) == {"a": True, "b": False, "c": False}
    assert turns(done(A), B, C) == {"a": True, "b": True, "c": False}


def test_as_many_at_once_as_are_allowed() -> None:
    assert turns(A, B, C, at_once=2) == {"a": True, "b": True, "c": False}


def test_a_bot_that_a_release_broke_keeps_the_others_from_it() -> None:
    broken = dataclasses.replace(done(A), ready=False)
    world = World("1.1.0", peers=(broken, B))

    assert str(slots.turn(B, world)) == "RolloutSlot: first music/a"


def test_nobody_waits_for_a_bot_that_was_not_fine_before() -> None:
    broken = dataclasses.replace(A, ready=False)

    assert turns(broken, B)["b"]


def test_a_new_bot_and_one_that_is_there_already_wait_for_nobody() -> None:
    world = World("1.1.0", peers=(busy(A),))

    assert slots.turn(dataclasses.replace(B, version=""), world).ok
    assert slots.turn(done(B), world).ok
