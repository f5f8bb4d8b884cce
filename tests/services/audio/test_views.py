"""What people are shown."""

from legato.audio import views
from legato.contracts import playback
from legato.contracts.tracks import NowPlaying
from support_players import CHANNEL, Game, playing, track


def test_nothing_playing_is_shown_as_nothing() -> None:
    game = Game()

    shown = views.now_playing(game.player, now=5)

    assert shown == NowPlaying(guild_id=1, revision=0, as_of=5)


def test_what_plays_is_shown_with_its_moment_and_what_comes() -> None:
    game = playing("a")
    for name in "bcde":
        game.play(name)
    game.ask("looking")
    game.wait(4_000)

    shown = views.now_playing(game.player, now=game.now)

    assert (shown.track, shown.position, shown.paused) == (track("a"), 4_000, False)
    assert shown.voice_channel_id == CHANNEL
    assert (shown.queue_length, shown.upcoming) == (5, ("b", "c", "d"))


def test_a_link_that_is_looked_at_is_named_by_its_file() -> None:
    game = playing("a")
    game.ask("https://files.example.org/some/where/b%20c.ogg?key=5")

    shown = views.now_playing(game.player, now=game.now)

    assert shown.upcoming == ("b c.ogg",)


def test_a_pause_is_shown_with_its_reason() -> None:
    shown = views.now_playing(playing().command(playback.Pause).player, now=0)

    assert (shown.paused, shown.pause_reasons) == (True, ("user",))


def test_while_the_bot_joins_the_first_track_is_not_shown_as_paused() -> None:
    game = Game()
    game.play("a")

    assert not views.now_playing(game.player, now=game.now).paused


def test_nobody_knows_the_wait_behind_a_stream() -> None:
    game = playing("radio", length=0)
    game.play("b")

    assert views.wait(game.player, 0, now=game.now) == 0


def test_an_empty_queue_has_one_page() -> None:
    page = views.page(Game().player, 0, now=0)

    assert (page.page, page.pages, page.total, page.items) == (1, 1, 0, ())


def test_a_page_that_is_not_there_is_the_last_and_says_which_was_asked_for() -> None:
    game = playing("a")
    game.play("b")

    assert (views.page(game.player, 99, now=0).page, views.page(game.player, 99, now=0).asked) == (
        1,
        99,
    )
    assert views.page(game.player, 1, now=0).asked == 0


def test_a_search_that_finds_nothing_brings_no_panel() -> None:
    assert not views.worth_a_panel(Game().player, notice="")
    assert views.worth_a_panel(Game().player, notice="track_failed")
    assert views.worth_a_panel(playing().player, notice="")
