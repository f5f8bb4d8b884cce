"""Nodes given, lost, and found again by a new owner."""

from legato.audio import effects, events, listening, nodestate, player, views
from legato.contracts import playback
from support_players import Game, playing


def position(game: Game) -> int:
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    return wanted.position


def test_a_lost_node_costs_half_a_second_twice_and_nothing_skipped() -> None:
    game = playing("a").wait(30_000)

    game.node(events.NodeLost, node="n1").wait(4_000).seat("n2", "s9")

    assert position(game) == 29_500
    assert listening.silences(game.player) == ()
    game.started().wait(1_000)
    assert position(game) == 30_500


def test_a_node_lost_while_out_of_touch_goes_back_to_what_was_surely_heard() -> None:
    game = playing("a").wait(30_000).report(30_000, connected=False).wait(4_000)

    game.node(events.NodeLost, node="n1").wait(1_000).seat("n2", "s9").started()

    assert position(game) == 29_500
    assert game.player.play is not None
    assert game.player.play.surely is None


def test_after_a_full_restart_what_was_sent_out_of_touch_is_played_again() -> None:
    game = playing("a").wait(30_000).report(30_000, connected=False).wait(4_000)

    game.node(events.Restored, alive_at=game.now, node_survived=False).seat("n2", "s9").started()

    assert position(game) == 29_500
    assert game.player.play is not None
    assert game.player.play.surely is None


def test_a_node_that_is_silent_and_was_out_of_touch_goes_back_to_the_earlier_of_both() -> None:
    game = playing("a").wait(30_000).report(30_000, connected=False).wait(4_000)
    told = {"node": "n1", "is_silent": True, "play_id": game.play_id, "position": 33_000}

    game.node(events.NodeLost, **told).seat("n2", "s9")

    assert position(game) == 29_500


def test_a_silent_node_may_have_stopped_right_after_its_last_word() -> None:
    game = playing("a").wait(30_000)
    told = {"node": "n1", "is_silent": True, "play_id": game.play_id, "position": 29_400}

    game.wait(2_250).node(events.NodeLost, **told).wait(1_000).seat("n2", "s9")

    assert position(game) == 29_400


def test_a_silent_nodes_word_on_an_older_play_is_none() -> None:
    game = playing("a").wait(30_000)

    game.node(events.NodeLost, node="n1", is_silent=True, play_id="x", position=7).seat("n2", "s9")

    assert position(game) == 29_500


def test_what_people_see_does_not_run_backwards_when_a_node_is_lost() -> None:
    game = playing("a").wait(30_000)
    before = views.heard(game.player, now=game.now)

    game.node(events.NodeLost, node="n1")

    assert views.heard(game.player, now=game.now) == before


def test_the_loss_of_a_node_the_player_is_not_on_changes_nothing() -> None:
    game = playing("a")
    before = game.player

    game.node(events.NodeLost, node="n7")

    assert game.player is before


def test_a_move_that_ended_well_does_not_stop_the_clock() -> None:
    game = playing("a").wait(10_000).seat("n2", "s2").wait(1_000)

    assert position(game) == 11_000


def test_a_new_session_on_the_same_node_means_that_it_forgot_the_player() -> None:
    game = playing("a").wait(10_000).seat("n1", "s2").wait(1_000)

    assert position(game) == 9_500


def test_a_take_over_finds_the_track_playing_on() -> None:
    game = playing("a").wait(10_000)
    game.node(events.Restored, alive_at=game.now).wait(3_000)

    game.snapshot(game.play_id, position=12_900, connected=True)

    assert position(game) == 12_900


def test_a_take_over_finds_that_the_track_ended_meanwhile() -> None:
    game = playing("a", length=20_000).wait(15_000)
    game.play("b")
    game.node(events.Restored, alive_at=game.now).wait(4_000)

    game.snapshot(None)

    assert game.current == "b"
    assert game.records[-1].reason == "finished"


def test_a_take_over_starts_a_vanished_track_again_where_the_old_owner_surely_was() -> None:
    game = playing("a").wait(10_000)
    game.node(events.Restored, alive_at=game.now).wait(5_000)

    game.snapshot(None)

    assert game.current == "a"
    assert position(game) == 10_000
    assert "SyncNode" in game.last_kinds()


def test_a_node_that_was_started_anew_has_finished_nothing() -> None:
    game = playing("a").wait(20_000)
    stopped = game.now
    game.wait(3_600_000).node(events.Restored, alive_at=stopped)

    game.snapshot(None, session_id="s2")

    assert game.current == "a"
    assert position(game) == 20_000


def test_a_new_node_right_after_a_take_over_is_no_move_that_ended_well() -> None:
    game = playing("a").wait(20_000)
    stopped = game.now
    game.wait(3_600_000).node(events.Restored, alive_at=stopped)

    game.seat("n2", "s2").wait(5_000)

    assert position(game) == 20_000


def test_a_track_paused_before_a_take_over_is_not_set_back_by_a_later_loss() -> None:
    game = playing("a").wait(20_000).command(playback.Pause)
    game.node(events.Restored, alive_at=game.now)
    game.snapshot(game.play_id, position=20_000, paused=True, connected=True)
    game.command(playback.Resume).wait(10_000)

    game.node(events.NodeLost, node="n1")

    assert position(game) == 29_500


def test_a_track_that_never_began_is_only_sent_again() -> None:
    game = Game()
    game.play("a")
    game.state().server().seat()

    game.snapshot(None)

    assert (game.current, position(game)) == ("a", 0)


def test_a_track_that_began_unheard_by_us_is_taken_as_it_is() -> None:
    game = Game()
    game.play("a")
    game.state().server().seat().wait(8_000)

    game.snapshot(game.play_id, position=7_000, connected=True)

    assert position(game) == 7_000


def test_the_nodes_buffer_is_taken_off_what_it_reports() -> None:
    game = playing("a").wait(10_000)
    game.node(events.Restored, alive_at=game.now)

    game.snapshot(game.play_id, position=10_000, lead=400, connected=True)

    assert position(game) == 9_600


def test_after_a_full_restart_the_right_moment_plays_again_by_itself() -> None:
    game = playing("a").wait(20_000)
    stopped = game.now
    game.player = player.restore(player.head(game.player), game.player.queue)
    game.wait(3_600_000)

    game.node(events.Restored, alive_at=stopped - 300, node_survived=False).seat("n2", "s9")

    assert position(game) == 19_700
    game.started().wait(1_000)
    assert position(game) == 20_700


def test_a_paused_track_stays_paused_through_a_full_restart() -> None:
    game = playing("a").wait(20_000)
    game.command(playback.Pause).wait(5_000)
    game.node(events.Restored, alive_at=game.now, node_survived=False).seat("n2", "s9").started()

    wanted = nodestate.desired(game.player, now=game.now + 1_000)
    assert wanted is not None
    assert (wanted.paused, wanted.position) == (True, 20_000)


def test_a_node_that_loses_a_track_again_and_again_ends_it() -> None:
    game = playing("a")
    game.play("b")
    for _ in range(6):
        game.wait(1_000).snapshot(None)
        if game.current == "b":
            break
        game.started()

    assert game.current == "b"
    assert game.records[-1].reason == "failed"


def test_a_released_node_is_forgotten_so_that_the_player_can_be() -> None:
    game = playing("a").command(playback.Leave).state(None)
    assert not player.forgettable(game.player)

    game.node(events.NodeReleased, node="n1")

    assert player.forgettable(game.player)


def test_a_track_that_no_node_takes_stands_still_and_people_are_told() -> None:
    game = Game()
    game.play("a")
    game.state().server().wake()

    assert game.last_one(effects.SyncPanel).notice == "node_lost"
    assert listening.silences(game.player) == ("node_lost",)
    shown = views.now_playing(game.player, now=game.now + 60_000)
    assert (shown.paused, shown.position) == (True, 0)

    game.wait(20_000).seat().started().wait(3_000)

    assert listening.silences(game.player) == ()
    assert views.heard(game.player, now=game.now) == 3_000


def test_a_track_that_a_node_takes_in_time_is_not_told_of() -> None:
    game = Game()
    game.play("a")
    game.state().server().wait(500).seat().started()

    notices = [each.notice for each in game.effects if isinstance(each, effects.SyncPanel)]
    assert not any(notices)
    assert game.player.play is not None
    assert game.player.play.unseated_since is None
