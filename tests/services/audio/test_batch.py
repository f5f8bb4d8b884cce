from msgspec.structs import replace

from legato.audio import batch as batches
from legato.audio import player
from legato.audio.batch import Batch
from legato.audio.changes import DeadLetter
from legato.audio.effects import SyncNode, SyncPanel, Tell
from legato.audio.player import Player
from legato.contracts.actions import Done
from legato.contracts.tracks import QueueItem
from support_players import origin


def item(name: str, rank: int = 0) -> QueueItem:
    return QueueItem(id=name, rank=rank, requester_id=1, added_at=0)


def queued(before: Player, *items: QueueItem) -> Player:
    return replace(before, queue=items, revision=before.revision + 1)


def test_nothing_taken_is_nothing_to_commit() -> None:
    assert Batch().is_empty


def test_a_guilds_later_step_finds_the_player_its_earlier_one_left() -> None:
    batch, before = Batch(), player.new(1)
    after = queued(before, item("a"))
    batch.step(before, after)

    assert batch.player(1) is after
    assert batch.player(2) is None


def test_all_steps_of_a_guild_are_one_difference() -> None:
    batch, before = Batch(), queued(player.new(1), item("a"), item("b", 1))
    between = queued(before, item("b", 1), item("c", 2), item("d", 3))
    after = queued(between, item("b", 1), item("d", 3))
    batch.step(before, between)
    batch.step(between, after)
    batch.answer("5-1")

    commit = batch.commit({}, ())

    (change,) = commit.changes
    assert change.head == player.head(after)
    assert [one.id for one in change.put] == ["d"]
    assert list(change.remove) == ["a"]
    assert commit.entry == "5-1"


def test_a_step_that_only_answers_leaves_the_player_as_it_is() -> None:
    batch, before = Batch(), player.new(1)
    tell = Tell(key="9", origin=origin(), answer=Done(what="paused"))
    batch.step(before, before, [tell])

    (change,) = batch.commit({}, ()).changes

    assert change.head is None
    assert change.effects == {"tell:9": tell}


def test_a_later_effect_of_a_kind_takes_the_place_of_an_earlier_one() -> None:
    batch, before = Batch(), player.new(1)
    batch.step(before, before, [SyncNode(seq=1), SyncPanel(seq=2)])
    batch.step(before, before, [SyncNode(seq=3)], trace="00-1")

    found = batch.effects_of(1)

    assert [doing.effect.seq for doing in found.values()] == [2, 3]
    assert found["sync_node"].trace == "00-1"


def test_effects_that_are_done_are_struck_out_of_any_guild() -> None:
    batch, before = Batch(), player.new(1)
    batch.step(before, queued(before))

    stepped, other = batch.commit({1: ["sync_node"], 2: ["sync_panel"]}, [2]).changes

    assert (stepped.guild_id, list(stepped.settled), stepped.gone) == (1, ["sync_node"], False)
    assert (other.guild_id, list(other.settled), other.gone) == (2, ["sync_panel"], True)


def test_a_player_that_goes_takes_its_steps_with_it() -> None:
    batch, before = Batch(), player.new(1)
    batch.step(before, queued(before))

    (change,) = batch.commit({1: ["sync_node"]}, [1]).changes

    assert change.gone
    assert change.head is None


def test_a_batch_is_full_by_its_messages_or_by_what_they_queue() -> None:
    many, long, before = Batch(), Batch(), player.new(1)
    for number in range(batches.FULL):
        assert not many.is_full
        many.answer(f"{number}-0")
    long.step(before, queued(before, *(item(str(n), n) for n in range(batches.FULL))))

    assert many.is_full
    assert long.is_full


def test_what_is_put_aside_is_kept_with_its_reason() -> None:
    batch = Batch()
    batch.put_aside(b"{}", "no tag")
    batch.answer("1-0")

    assert batch.commit({}, ()).dead == (DeadLetter(b"{}", "no tag"),)
    assert not batch.is_empty
