"""What people ask of a player, and are told."""

import pytest

from legato.audio.effects import Audit, Note, Record, SaveSettings, SyncPanel, Tell
from legato.contracts import playback
from legato.contracts.actions import Done, NowShown, QueuePage, Refused, SettingsShown
from legato.contracts.settings import GuildSettings
from support_players import CHANNEL, ELSEWHERE, GUILD, TEXT, Game, origin, playing, track

Steering = type[playback.Pause | playback.Resume | playback.Skip | playback.Stop | playback.Leave]
STEERING = [playback.Pause, playback.Resume, playback.TogglePause, playback.Skip]


@pytest.mark.parametrize("command", STEERING)
def test_without_a_track_there_is_nothing_to_steer(command: type[playback.Command]) -> None:
    game = Game().command(command)

    assert game.answer == Refused(reason="nothing_playing")


@pytest.mark.parametrize("command", [*STEERING, playback.Stop, playback.Leave])
def test_a_command_that_comes_too_late_is_answered_and_not_run(
    command: Steering,
) -> None:
    game = playing()
    before = game.player

    late = command(id=1, guild_id=GUILD, origin=origin(), expires_at=game.now - 1)
    game.send(late)

    assert game.answer == Refused(reason="too_late")
    assert game.player is before


def test_a_pause_stops_the_clock_and_resume_goes_on_there() -> None:
    game = playing().wait(5_000).command(playback.Pause).wait(60_000)

    assert game.player.paused
    game.command(playback.Resume)
    assert isinstance(game.answer, Done)
    assert (game.answer.what, game.answer.value, game.answer.already) == ("resumed", 5_000, False)


def test_a_second_pause_says_that_it_is_already_so() -> None:
    game = playing().command(playback.Pause).command(playback.Pause)

    assert isinstance(game.answer, Done)
    assert game.answer.already
    assert game.last_kinds() == {"Tell"}


def test_one_button_pauses_and_resumes() -> None:
    game = playing().command(playback.TogglePause)
    assert game.player.paused

    game.command(playback.TogglePause)

    assert not game.player.paused


def test_a_skip_starts_the_next_track_and_keeps_the_skipped_in_the_history() -> None:
    game = playing("a")
    game.play("b")

    game.wait(7_000).command(playback.Skip)

    assert game.current == "b"
    assert isinstance(game.answer, Done)
    assert game.answer.track == track("a")
    record = game.last_one(Record)
    assert (record.reason, record.heard) == ("skipped", 7_000)


def test_a_skip_ends_a_persons_pause() -> None:
    game = playing().command(playback.Pause)
    game.play("b")

    game.command(playback.Skip)

    assert not game.player.paused


def test_a_skip_from_an_old_panel_skips_nothing() -> None:
    game = playing("a")
    game.play("b")
    old = game.play_id
    game.ended()

    game.command(playback.Skip, play_id=old)

    assert game.answer == Refused(reason="old_panel")
    assert game.current == "b"


def test_a_stop_empties_the_queue_and_stays_in_the_channel() -> None:
    game = playing("a")
    game.play("b")

    game.command(playback.Stop)

    assert (game.current, game.titles) == (None, [])
    assert game.player.voice.wanted == CHANNEL
    assert game.last_kinds() >= {"SyncNode", "SaveQueue", "SyncPanel", "Record"}


def test_a_stop_answers_those_whose_query_was_still_looked_for() -> None:
    game = playing()
    game.ask("slow")

    game.command(playback.Stop)

    answers = [effect.answer for effect in game.last if isinstance(effect, Tell)]
    assert answers == [Done(what="stopped"), Refused(reason="stopped")]


def test_a_leave_ends_everything_and_asks_to_be_out_of_voice() -> None:
    game = playing()

    game.command(playback.Leave)

    assert game.current is None
    assert game.player.voice.wanted is None
    assert "SyncVoice" in game.last_kinds()
    assert game.answer == Done(what="left")


def test_a_leave_outside_of_voice_is_already_done() -> None:
    game = Game().command(playback.Leave)

    assert game.answer == Done(what="left", already=True)


def test_a_seek_moves_the_clock_and_the_node() -> None:
    game = playing().wait(5_000)

    game.command(playback.Seek, to=60_000)

    assert game.answer == Done(what="sought", track=track("a"), value=60_000)
    assert "SyncNode" in game.last_kinds()


@pytest.mark.parametrize("to", [-1, 100_001])
def test_a_seek_outside_of_the_track_is_refused(to: int) -> None:
    game = playing().command(playback.Seek, to=to)

    assert game.answer == Refused(reason="bad_position")


def test_a_live_stream_cannot_be_sought_in() -> None:
    game = Game()
    game.find(game.ask(), track("radio", 0, is_stream=True, is_seekable=False))
    game.state().server().seat().started()

    game.command(playback.Seek, to=0)

    assert game.answer == Refused(reason="not_seekable")


@pytest.mark.parametrize(
    ("command", "volume"),
    [({"volume": 30}, 30), ({"change": 20}, 120), ({"change": -300}, 0), ({"change": 300}, 200)],
)
def test_the_volume_is_set_or_changed(command: dict[str, int], volume: int) -> None:
    game = playing().command(playback.SetVolume, **command)

    assert game.player.volume == volume
    assert game.answer == Done(what="volume", value=volume)


@pytest.mark.parametrize("volume", [-1, 201])
def test_an_impossible_volume_is_refused(volume: int) -> None:
    game = playing().command(playback.SetVolume, volume=volume)

    assert game.answer == Refused(reason="bad_volume")


def test_the_queue_is_shown_by_pages_and_the_nearest_page_there_is() -> None:
    game = playing()
    for number in range(12):
        game.play(str(number))

    game.command(playback.ShowQueue, page=9)

    page = game.answer
    assert isinstance(page, QueuePage)
    assert (page.page, page.pages, page.total, page.length) == (2, 2, 12, 1_200_000)
    assert [item.track and item.track.title for item in page.items] == ["10", "11"]


def test_now_playing_brings_the_panel_to_the_askers_channel() -> None:
    game = playing()

    game.send(playback.ShowNowPlaying(**game.common(channel=TEXT + 1)))  # type: ignore[arg-type]

    assert isinstance(game.answer, NowShown)
    assert game.player.text_channel_id == TEXT + 1
    assert game.last_one(SyncPanel)


def test_now_playing_in_the_panels_own_channel_brings_it_below_what_was_said_since() -> None:
    game = playing().command(playback.ShowNowPlaying)

    assert game.last_one(SyncPanel).anew


def test_settings_have_one_writer_and_a_version() -> None:
    game = Game().command(playback.ChangeSettings, dj_role_id=7)
    assert game.last_one(SaveSettings).settings.version == 1

    game.command(playback.ShowSettings)

    assert isinstance(game.answer, SettingsShown)
    assert game.answer.settings.dj_role_id == 7


def test_a_start_volume_is_taken_by_a_player_whose_volume_nobody_chose() -> None:
    game = playing().command(playback.ChangeSettings, default_volume=60)
    assert game.player.volume == 60
    game.command(playback.SetVolume, volume=90).command(playback.ChangeSettings, default_volume=40)

    assert (game.player.volume, game.player.settings.default_volume) == (90, 40)
    assert game.player.settings.version == 2


def test_a_start_volume_out_of_bounds_is_refused() -> None:
    game = Game().command(playback.ChangeSettings, default_volume=201)

    assert game.answer == Refused(reason="bad_volume")
    assert game.player.settings == GuildSettings()


def test_unchanged_settings_are_not_written() -> None:
    game = Game().command(playback.ChangeSettings)

    assert game.last_kinds() == {"Tell"}


def test_after_a_kick_a_resume_says_how_to_call_the_bot_back() -> None:
    game = playing().state(None).command(playback.Resume)

    assert game.answer == Refused(reason="kicked")


def test_commands_to_another_channel_are_refused_while_somebody_listens() -> None:
    game = playing()

    game.ask("b", channel=ELSEWHERE)

    assert game.answer == Refused(reason="other_channel")


def test_who_ends_music_or_changes_settings_is_written_down() -> None:
    game = playing("a")
    game.play("b")
    game.command(playback.Skip).command(playback.Stop).command(playback.Stop)
    game.command(playback.ChangeSettings, dj_role_id=9).command(playback.Leave)

    deeds = [effect for effect in game.effects if isinstance(effect, Audit)]

    assert [deed.action for deed in deeds] == [
        "player.skipped",
        "player.stopped",
        "settings.changed",
        "player.left",
    ]
    assert {deed.user_id for deed in deeds} == {5}
    assert deeds[0].detail == {"track": "a"}
    assert deeds[2].detail == {"dj_role_id": 9, "before": {"dj_role_id": None}}
    assert len({deed.key for deed in deeds}) == 4


def test_who_asks_to_play_is_noted() -> None:
    game = Game()
    slot = game.ask()

    noted = [effect for effect in game.effects if isinstance(effect, Note)]

    assert noted == [Note(key=slot, user_id=5, locale="en-US")]
