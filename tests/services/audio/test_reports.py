"""What nodes say of plays."""

import pytest

from legato.audio import events, nodestate
from legato.audio.effects import SyncPanel
from legato.contracts import playback
from support_players import Game, playing


def position(game: Game) -> int:
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    return wanted.position


def notices(game: Game) -> list[str]:
    return [e.notice for e in game.last if isinstance(e, SyncPanel)]


def test_the_next_track_starts_when_one_has_finished() -> None:
    game = playing("a")
    game.play("b")

    game.wait(100_000).ended()

    assert game.current == "b"
    assert (game.records[-1].reason, game.records[-1].heard) == ("finished", 100_000)


def test_an_end_of_an_older_play_ends_nothing() -> None:
    game = playing("a")
    game.play("b")
    old = game.play_id
    game.ended()

    game.ended(play_id=old)

    assert game.current == "b"
    assert game.last == ()


@pytest.mark.parametrize("reason", ["stopped", "replaced", "cleanup"])
def test_an_end_that_may_come_from_a_move_is_looked_after(reason: str) -> None:
    game = playing("a").wait(1_000).ended(reason)

    assert game.current == "a"
    assert game.last_kinds() == {"SyncNode"}


def test_a_track_that_does_not_load_is_said_and_the_next_starts() -> None:
    game = playing("a")
    game.play("b")

    game.node(events.TrackFailed, play_id=game.play_id, message="403").ended("loadFailed")

    assert game.current == "b"
    assert notices(game) == ["track_failed"]
    assert game.records[-1].reason == "failed"


def test_an_exception_followed_by_finished_is_a_failure() -> None:
    game = playing("a").node(events.TrackFailed, play_id="x", message="other")
    game.node(events.TrackFailed, play_id=game.play_id, message="broken").ended("finished")

    assert notices(game) == ["track_failed"]
    assert game.records[-1].reason == "failed"


def test_an_exception_without_an_end_ends_the_track_soon() -> None:
    game = playing("a").node(events.TrackFailed, play_id="x", message="other")
    game.node(events.TrackFailed, play_id=game.play_id, message="broken")

    game.wake()

    assert game.current is None
    assert game.now == 1_002_000


def broken(game: Game, message: str = "NullPointerException") -> Game:
    game.node(events.TrackFailed, play_id=game.play_id, message=message)
    return game.ended("loadFailed")


def test_a_track_that_a_node_can_not_begin_midway_begins_anew() -> None:
    game = playing("a").wait(30_000)
    game.play("b")
    game.node(events.NodeLost, node="n1").seat("n2", "s2")
    assert position(game) == 29_500
    broken(game.started().wait(80))

    assert (game.current, position(game)) == ("a", 0)
    assert notices(game) == ["begins_anew"]
    game.started().wait(5_000)
    assert position(game) == 5_000


def test_a_track_that_breaks_again_at_its_beginning_has_failed() -> None:
    game = playing("a").wait(30_000)
    game.play("b")
    game.node(events.NodeLost, node="n1").seat("n2", "s2")
    broken(broken(game.started()).started())

    assert game.current == "b"
    assert notices(game) == ["track_failed"]


def test_a_track_that_was_heard_where_its_node_began_it_is_not_begun_anew() -> None:
    game = playing("a").wait(30_000)
    game.play("b")
    game.node(events.NodeLost, node="n1").seat("n2", "s2")
    broken(game.started().wait(1_500))

    assert game.current == "b"


@pytest.mark.parametrize("to", [5_000, 29_000])
def test_a_track_that_fails_after_it_was_sought_in_is_not_begun_anew(to: int) -> None:
    game = playing("a").wait(30_000)
    game.play("b")
    game.node(events.NodeLost, node="n1").seat("n2", "s2").started().wait(5_000)
    game.command(playback.Seek, to=to)
    broken(game.wait(800))

    assert game.current == "b"
    assert notices(game) == ["track_failed"]


def test_a_track_that_went_far_back_on_its_node_is_not_begun_anew() -> None:
    """A report corrects by up to two seconds; what was begun there was heard."""
    game = playing("a").wait(30_000)
    game.play("b")
    game.node(events.NodeLost, node="n1").seat("n2", "s2").started().wait(300)
    game.report(28_100)
    broken(game)

    assert game.current == "b"


def test_a_track_that_its_node_says_is_a_little_back_and_that_breaks_begins_anew() -> None:
    game = playing("a").wait(30_000)
    game.node(events.NodeLost, node="n1").seat("n2", "s2").started().wait(50)
    game.report(29_350)
    broken(game)

    assert (game.current, position(game)) == ("a", 0)


def test_an_exception_midway_without_an_end_begins_the_track_anew_too() -> None:
    game = playing("a").wait(30_000)
    game.node(events.NodeLost, node="n1").seat("n2", "s2").started()
    game.node(events.TrackFailed, play_id=game.play_id, message="broken").wake()

    assert (game.current, position(game)) == ("a", 0)


def test_a_stuck_track_is_passed_at_once() -> None:
    game = playing("a")
    game.play("b")

    game.node(events.TrackFailed, play_id=game.play_id, message="10 s", stuck=True)

    assert game.current == "b"
    assert notices(game) == ["track_stuck"]


def test_after_five_failures_in_a_row_the_player_stops_and_keeps_the_rest() -> None:
    game = playing("0")
    for number in range(1, 8):
        game.play(str(number))

    for _ in range(5):
        game.ended("loadFailed")

    assert notices(game) == ["too_many_failures"]
    assert (game.current, game.titles) == (None, ["5", "6", "7"])


def test_a_halted_player_tries_again_when_somebody_asks() -> None:
    game = playing("0")
    for number in range(1, 8):
        game.play(str(number))
    for _ in range(5):
        game.ended("loadFailed")

    game.command(playback.Resume)

    assert game.current == "5"


def test_a_report_within_a_tenth_of_a_second_changes_nothing() -> None:
    game = playing("a").wait(5_000)
    before = game.player

    game.report(4_950)

    assert game.player is before


def test_a_node_that_fell_behind_sets_the_clock_back() -> None:
    game = playing("a").wait(8_000).report(3_000)

    assert position(game) == 3_000


def test_a_report_far_ahead_is_the_nodes_error() -> None:
    game = playing("a").wait(5_000).report(20_000)

    assert position(game) == 5_000
    assert game.reason == "an implausible position"


def test_a_report_from_zero_after_a_seek_is_the_nodes_error() -> None:
    game = playing("a").wait(5_000).command(playback.Seek, to=60_000).wait(3_000).report(3_000)

    assert position(game) == 63_000


def test_a_report_without_voice_does_not_count() -> None:
    game = playing("a").wait(8_000).report(3_000, connected=False)

    assert position(game) == 8_000


def test_the_buffer_and_the_reports_age_are_counted() -> None:
    game = playing("a").wait(5_000)

    game.report(4_500, at=game.now - 200, lead=400)

    assert position(game) == 4_300


def test_a_track_far_past_its_end_is_looked_after() -> None:
    game = playing("a", length=20_000)

    game.wake()

    assert game.now == 1_000_000 + 30_000
    assert "SyncNode" in game.last_kinds()
    assert game.player.wake_at == game.now + 10_000


def test_a_track_that_no_node_begins_is_passed() -> None:
    game = Game()
    game.play("a")
    game.play("b")
    game.state().server().seat()

    game.wake()

    assert game.now == 1_000_000 + 30_000
    assert game.current == "b"
    assert notices(game) == ["track_stuck"]
