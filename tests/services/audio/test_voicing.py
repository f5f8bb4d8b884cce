"""Where the bot is, should be, and what it does when voice is lost."""

import pytest

from legato.audio import events, listening, nodestate
from legato.audio.effects import SyncPanel, SyncVoice
from legato.audio.rules import Rules
from legato.contracts import playback, voice
from support_players import CHANNEL, ELSEWHERE, Game, playing


def silences(game: Game) -> tuple[str, ...]:
    return listening.silences(game.player)


def test_state_and_server_may_come_in_either_order() -> None:
    game = Game()
    game.play("a")

    game.server().state()

    assert game.player.voice.ready


def test_a_repeated_gateway_event_is_not_taken_again() -> None:
    game = playing()
    game.hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=2)
    game.seq -= 1

    game.hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=0)

    assert game.player.voice.listeners == 2


def test_a_kick_stops_the_music_and_keeps_track_and_queue_for_a_while() -> None:
    game = playing("a").wait(5_000)
    game.play("b")

    game.state(None)

    assert game.player.voice.wanted is None
    assert nodestate.desired(game.player, now=game.now) is None
    assert (game.current, game.titles) == ("a", ["b"])
    assert game.last_one(SyncPanel).notice == "kicked"
    assert "SyncVoice" not in game.last_kinds()


def test_a_play_after_a_kick_goes_on_where_the_music_stopped() -> None:
    game = playing("a").wait(5_000).state(None).wait(60_000)
    slot = game.ask("b")

    game.state().server().started()

    assert game.current == "a"
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.paused) == (4_500, False)
    assert game.titles == ["b"]
    assert slot


def test_what_a_kick_kept_is_dropped_when_nobody_asks() -> None:
    game = playing("a").state(None)

    game.wake()

    assert (game.current, game.titles) == (None, [])
    assert [record.reason for record in game.records] == ["left"]
    assert game.player.wake_at is None


def test_no_channel_under_a_new_gateway_session_is_no_kick() -> None:
    game = playing("a")
    game.gateway = "g2"

    game.state(None)

    assert game.player.voice.wanted == CHANNEL
    assert game.last_one(SyncVoice)
    assert silences(game) == ("voice_lost",)
    game.state().server()
    assert silences(game) == ()


def test_what_the_gateway_says_of_itself_does_not_make_a_kick_look_like_a_new_session() -> None:
    game = playing("a")
    game.gateway = "own-7"
    game.state()
    game.gateway = "g1"

    game.state(None)

    assert game.player.voice.wanted is None


def test_a_moderator_who_moves_the_bot_is_followed() -> None:
    game = playing("a").state(ELSEWHERE)

    assert game.player.voice.wanted == ELSEWHERE
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert wanted.voice is not None
    assert wanted.voice.channel_id == str(ELSEWHERE)
    assert not wanted.paused


def test_a_voice_server_without_an_endpoint_is_waited_for() -> None:
    game = playing("a").server(endpoint=None)

    assert silences(game) == ("voice_lost",)
    game.wait(3_000).server("other.example:443")
    assert silences(game) == ()


def test_when_the_last_listener_goes_the_music_waits_for_the_next() -> None:
    game = playing("a").wait(5_000)
    game.hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=0)
    assert silences(game) == ("empty_channel",)
    assert game.last_one(SyncPanel).notice == "empty_channel"

    game.wait(60_000).hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=1)

    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert (wanted.position, wanted.paused) == (5_000, False)


def test_people_who_come_back_do_not_undo_a_persons_pause() -> None:
    game = playing("a").command(playback.Pause)
    game.hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=0)
    assert silences(game) == ("user", "empty_channel")

    game.hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=3)

    assert silences(game) == ("user",)


def test_an_empty_channel_is_left_after_a_while() -> None:
    game = playing("a").hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=0)

    game.wake()

    assert game.last_one(SyncVoice)
    assert game.last_one(SyncPanel).notice == "left_empty"
    assert game.player.voice.wanted is None


def test_a_bot_that_may_stay_for_ever_stays() -> None:
    game = playing("a")
    game.rules = Rules(leave_after=0)
    game.hear(voice.ListenersChanged, channel_id=CHANNEL, listeners=0)

    assert game.player.wake_at is None


@pytest.mark.parametrize(
    ("values", "reason"),
    [({"server_muted": True}, "server_muted"), ({"suppressed": True}, "stage_suppressed")],
)
def test_a_bot_that_may_not_speak_waits_and_says_so(values: dict[str, bool], reason: str) -> None:
    game = playing("a").state(**values)

    assert silences(game) == (reason,)
    assert game.last_one(SyncPanel).notice == reason
    game.state()
    assert silences(game) == ()


def test_a_close_of_a_session_that_is_not_current_is_ignored() -> None:
    game = playing("a")
    before = game.player

    game.closed(4014, session="older")

    assert game.player is before
    assert game.last == ()


def test_4014_waits_a_second_for_the_bots_own_state() -> None:
    game = playing("a").wait(10_000).closed(4014)

    assert game.player.wake_at == game.now + 1_000
    wanted = nodestate.desired(game.player, now=game.now)
    assert wanted is not None
    assert wanted.paused
    assert "SyncNode" in game.last_kinds()


def test_4014_with_no_channel_is_a_kick() -> None:
    game = playing("a").wait(10_000).closed(4014).wait(200).state(None)

    assert game.player.voice.wanted is None
    assert game.last_one(SyncPanel).notice == "kicked"


def test_a_rejoin_that_a_new_gateway_does_once_more_is_no_kick() -> None:
    game = playing("a").wait(10_000).closed(4014).wake()
    assert game.last_one(SyncVoice).rejoin
    game.state(None).state(CHANNEL).server()

    game.wait(1_000).state(None)

    assert game.player.voice.wanted == CHANNEL
    assert "SyncVoice" not in game.last_kinds()
    game.state(CHANNEL).server()
    assert game.player.voice.ready
    game.wait(10_000).state(None)
    assert game.player.voice.wanted is None
    assert game.last_one(SyncPanel).notice == "kicked"


def test_a_new_owner_waits_for_the_rejoin_that_the_old_one_asked_for() -> None:
    game = playing("a").wait(10_000).closed(4014).wake()

    game.node(events.Restored, alive_at=game.now)

    assert "SyncVoice" not in game.last_kinds()
    game.state(None).state(CHANNEL).server()
    assert game.player.voice.ready


def test_4014_without_a_word_from_discord_joins_again() -> None:
    game = playing("a").wait(10_000).closed(4014).wake()

    assert game.last_one(SyncVoice).rejoin
    game.state().server()
    assert game.player.voice.ready
    assert game.player.play is not None


def test_4014_right_after_a_move_is_the_move() -> None:
    game = playing("a").wait(10_000).state(ELSEWHERE).server("other.example:443").wait(50)

    game.closed(4014)

    assert game.last_kinds() == {"SyncNode"}
    assert game.player.voice.ready


@pytest.mark.parametrize("code", [4001, 4004, 4006, 4011, 4016, 4999])
def test_a_session_that_discord_ended_joins_again_with_new_credentials(code: int) -> None:
    game = playing("a").wait(10_000).closed(code)

    assert game.last_one(SyncVoice).rejoin
    assert not game.player.voice.ready
    game.state(None)
    assert game.player.voice.wanted == CHANNEL


def test_a_late_word_of_the_old_connection_is_no_kick_while_joining_again() -> None:
    game = playing("a").wait(10_000).closed(4006).state(server_muted=True)

    game.state(None)

    assert game.player.voice.wanted == CHANNEL


def test_4017_says_that_encryption_is_required_and_leaves() -> None:
    game = playing("a").closed(4017)

    assert game.last_one(SyncPanel).notice == "encryption_required"
    assert game.player.voice.wanted is None
    assert game.last_one(SyncVoice)
    assert silences(game) == ("voice_lost",)


def test_4021_does_not_come_back_at_once() -> None:
    game = playing("a").closed(4021)

    assert "SyncVoice" not in game.last_kinds()
    assert game.player.wake_at == game.now + 10_000


def test_other_closes_give_the_node_its_voice_again() -> None:
    game = playing("a").closed(1006)

    assert game.last_kinds() == {"SyncNode"}
    assert game.player.voice.ready


def test_voice_that_is_lost_again_and_again_is_given_up() -> None:
    game = playing("a").wait(10_000)
    for _ in range(20):
        if game.player.voice.wanted is None:
            break
        game.closed(4006)
        if game.player.voice.retry_at is not None:
            game.wake()
        game.state().server().wait(3_000)

    assert game.player.voice.wanted is None
    notices = [effect.notice for effect in game.effects if isinstance(effect, SyncPanel)]
    assert "voice_failed" in notices


def test_sound_that_came_through_forgives_lost_voice() -> None:
    game = playing("a").wait(10_000).closed(4006).state().server()
    assert game.player.voice.losses == 1

    game.started().report(9_500).wait(1_000).report(10_500)

    assert game.player.voice.losses == 0


def test_credentials_that_do_not_come_are_asked_for_again() -> None:
    game = Game(rules=Rules(resolve_within=60_000, leave_after=0))
    game.ask("a")

    game.wake()

    assert game.last_one(SyncVoice).rejoin


def test_a_bot_in_a_channel_nobody_wants_leaves() -> None:
    game = Game().state()

    assert game.last_one(SyncVoice)


def test_a_removed_bot_leaves_no_orphan() -> None:
    game = playing("a")
    game.ask("b")

    game.hear(voice.GuildGone)

    assert (game.current, game.titles, game.player.asks) == (None, [], ())
    assert nodestate.desired(game.player, now=game.now) is None
    assert game.last_kinds() >= {"SyncNode", "Record", "Tell", "SaveQueue"}
    assert "SyncVoice" not in game.last_kinds()


def test_a_deleted_voice_channel_is_said() -> None:
    game = playing("a").hear(voice.ChannelGone, channel_id=CHANNEL)

    assert game.last_one(SyncPanel).notice == "channel_gone"
    assert game.player.voice.wanted is None


def test_a_channel_that_was_deleted_under_the_bot_is_no_kick() -> None:
    game = playing("a").state(None)
    assert game.last_one(SyncPanel).notice == "kicked"

    game.hear(voice.ChannelGone, channel_id=CHANNEL)

    assert game.last_one(SyncPanel).notice == "channel_gone"
    assert game.player.play is not None


def test_a_channel_that_is_deleted_long_after_the_bot_left_it_is_none_of_its_business() -> None:
    game = playing("a").state(None)
    game.ask("b", channel=ELSEWHERE)
    told = len(game.effects)

    game.hear(voice.ChannelGone, channel_id=CHANNEL)

    assert len(game.effects) == told


def test_a_voice_server_that_does_not_answer_is_said_and_asked_for_again_later() -> None:
    game = playing("a").closed(1013)

    assert game.last_one(SyncPanel).notice == "voice_away"
    assert game.last_one(SyncVoice).rejoin, "Discord may know another at once"
    assert silences(game) == ("voice_lost",)
    game.state().server().closed(1013).state().server().closed(1013)
    assert "SyncVoice" not in game.last_kinds()
    game.wake()
    assert game.last_one(SyncVoice).rejoin


def test_a_group_that_does_not_let_the_bot_in_is_said_and_asked_again() -> None:
    game = playing("a").wait(10_000).closed(4017, by_remote=False)

    assert game.last_one(SyncPanel).notice == "not_let_in"
    assert game.last_one(SyncVoice).rejoin
    assert game.player.play is not None, "the track waits"
    game.state().server().closed(4017, by_remote=False)
    game.state().server().closed(4017, by_remote=False)
    assert "SyncVoice" not in game.last_kinds()
    assert game.last_one(SyncPanel).notice == "not_let_in"


def test_a_group_that_never_lets_the_bot_in_ends_though_the_node_says_connected() -> None:
    game = playing("a").wait(10_000).closed(4017, by_remote=False)

    for _ in range(game.rules.max_rejoins):
        if "SyncVoice" not in game.last_kinds():
            game.wake()
        assert game.last_one(SyncVoice).rejoin
        game.state().server()
        for _ in range(5):
            game.wait(1_000).report(stands_at(game))
        game.closed(4017, by_remote=False)
    game.wake()

    assert game.last_one(SyncPanel).notice == "voice_failed"
    assert game.player.voice.wanted is None


def stands_at(game: Game) -> int:
    """Say where the node waits with the track."""
    assert game.player.play is not None
    return game.player.play.clock.at
