"""The player over random histories: nothing lost, nothing twice, never backwards."""

import msgspec
import pytest
from hypothesis import settings

from legato.audio import events, nodestate, player
from legato.audio.effects import SyncVoice
from legato.audio.player import PlayerHead, QueueDiff
from legato.contracts import playback
from support_evenings import evening_of, moods
from support_histories import Histories
from support_players import playing


def test_a_queue_difference_names_what_came_changed_and_went() -> None:
    game = playing("a")
    game.play("b")
    before = game.player
    slot = game.ask("c")

    assert player.diff(before, game.player) == QueueDiff(put=(game.player.queue[-1],))
    game.ended()
    assert player.diff(before, game.player).remove == (before.queue[0].id,)
    assert slot in {item.id for item in game.player.queue}


def test_an_unchanged_queue_has_no_difference() -> None:
    game = playing("a")
    before = game.player

    assert player.diff(before, game.command(playback.Pause).player) == QueueDiff()


def test_what_is_kept_outside_of_redis_holds_no_secret_and_plays_again() -> None:
    game = playing("a").wait(20_000)
    game.ask("b")
    kept = msgspec.json.encode(player.durable(game.player))
    assert b'"token"' not in kept

    game.player = player.restore(msgspec.json.decode(kept, type=PlayerHead), game.player.queue)
    game.node(events.Restored, alive_at=game.now, node_survived=False)

    assert game.last_one(SyncVoice).rejoin
    game.state(None).state().server().seat().started()
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.paused) == (20_000, False)


TestHistories = Histories.TestCase
TestHistories.settings = settings(max_examples=150, stateful_step_count=40, deadline=None)


@pytest.mark.parametrize("seed", range(40))
def test_a_long_evening_keeps_the_books(seed: int) -> None:
    for evening in evening_of(seed):
        evening.the_queue_is_in_order_and_bounded()
        evening.who_is_not_answered_has_a_slot_or_an_answer_that_waits()
        evening.head_and_items_make_the_player_again()
        evening.the_clock_runs_only_while_there_is_sound()
        evening.what_is_sent_to_a_node_is_enough()


def test_evenings_see_music_pauses_and_full_queues() -> None:
    """Guard the tests above against histories in which nothing happens."""
    seen = {mood for seed in range(8) for e in evening_of(seed) for mood in moods(e.game.player)}

    assert seen == {"runs", "paused", "deserted", "full", "kept", "halted or idle", "seated"}
