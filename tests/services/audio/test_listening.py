"""Whether a track is heard, and what is played again because it surely was not."""

from msgspec.structs import replace

from legato.audio import events, nodestate, position
from legato.contracts import playback
from support_players import ELSEWHERE, playing


def test_what_nobody_heard_is_played_again_when_voice_is_back() -> None:
    game = playing("a").wait(10_000)
    closed_at = game.now

    game.wait(700).node(
        events.VoiceClosed, node="n1", session_id="s1", code=4006, at=closed_at
    ).wait(2_000)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.paused, wanted.sought) == (9_500, True, True)
    plays_on = replace(wanted, paused=False, position=10_600, connected=True)
    assert nodestate.difference(wanted, plays_on) == nodestate.Patch(position=9_500, paused=True)


def test_what_a_muted_bot_may_have_sent_unheard_is_played_again() -> None:
    game = playing("a").wait(10_000).state(server_muted=True).wait(3_000)

    wanted = nodestate.desired(game.player, now=game.now)

    assert wanted is not None
    assert (wanted.position, wanted.paused, wanted.sought) == (9_500, True, True)
    shown = game.player.play
    assert shown is not None
    assert position.shown(shown.clock, now=game.now) == 10_000


def test_a_moved_bot_goes_back_to_what_the_old_voice_surely_had() -> None:
    game = playing("a").wait(10_000).state(ELSEWHERE).server("other.example:443")

    game.closed(4014)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.paused) == (9_500, False)
    plays_on = replace(wanted, position=10_050, connected=False)
    patch = nodestate.difference(wanted, plays_on)
    assert patch is not None
    assert (patch.position, patch.voice) == (9_500, wanted.voice)


def test_a_bot_that_is_moved_without_a_close_goes_back_too() -> None:
    game = playing("a").wait(10_000).state(ELSEWHERE)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.paused, wanted.sought) == (9_500, False, True)


def test_what_the_node_said_before_it_went_back_does_not_take_it_forth_again() -> None:
    game = playing("a").wait(10_000).state(ELSEWHERE).server("other.example:443").closed(4014)

    game.wait(20).report(10_000)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.sought) == (9_520, True)
    game.wait(50).report(9_500)
    assert nodestate.desired(game.player, now=game.now) == replace(
        wanted, position=9_500, sought=False
    )


def test_what_was_sent_while_the_node_had_lost_touch_is_played_again() -> None:
    game = playing("a").wait(10_000).report(10_000, connected=False)
    game.wait(1_000).report(11_000, connected=False).wait(4_000).closed(1006)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.sought) == (9_500, True)


def test_a_voice_server_that_was_silent_for_long_before_that_was_noticed_loses_nothing() -> None:
    game = playing("a").wait(20_000).report(12_000, connected=False).wait(3_000).closed(1006)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert wanted.position == 11_500


def test_a_node_that_is_back_in_touch_goes_on_where_it_is() -> None:
    game = playing("a").wait(10_000).report(10_000, connected=False)
    game.wait(1_000).report(11_000).wait(4_000)

    assert game.player.play is not None
    assert game.player.play.surely is None
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.sought) == (15_000, False)


def test_what_a_node_said_before_its_player_was_held_confirms_nothing() -> None:
    game = playing("a").wait(10_000).closed(4006)

    game.wait(10).report(9_700, at=game.now - 300)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.sought) == (9_500, True)


def test_a_seek_while_the_node_is_out_of_touch_is_kept() -> None:
    game = playing("a").wait(10_000).report(10_000, connected=False).wait(1_000)
    game.command(playback.Seek, to=60_000).wait(2_000).closed(1006)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.sought) == (60_000, True)


def test_a_restart_while_the_node_is_out_of_touch_goes_back_to_what_was_heard_and_once() -> None:
    game = playing("a").wait(10_000).report(10_000, connected=False).wait(3_000)

    game.snapshot()

    assert game.player.play is not None
    assert (game.player.play.clock.at, game.player.play.surely) == (9_500, None)
