"""How music ends, and what a player forgets then."""

from legato.audio import player
from legato.contracts import playback, voice
from support_players import TEXT, Game, playing


def panel(game: Game) -> tuple[int, int, int]:
    state = game.player
    return state.text_channel_id, state.panel_channel_id, state.panel_message_id


def test_a_panel_is_remembered_and_forgotten() -> None:
    game = playing("a").hear(voice.PanelShown, channel_id=TEXT, message_id=99)
    assert panel(game) == (TEXT, TEXT, 99)

    game.hear(voice.PanelShown, channel_id=TEXT, message_id=0)

    assert panel(game) == (0, 0, 0)


def test_a_panel_that_is_wanted_elsewhere_stays_known_until_it_was_moved() -> None:
    game = playing("a").hear(voice.PanelShown, channel_id=TEXT, message_id=99)
    game.send(playback.ShowNowPlaying(**game.common(channel=TEXT + 1)))  # type: ignore[arg-type]
    assert panel(game) == (TEXT + 1, TEXT, 99)

    game.hear(voice.PanelShown, channel_id=TEXT + 1, message_id=100)

    assert panel(game) == (TEXT + 1, TEXT + 1, 100)


def test_a_panel_shown_too_late_is_known_as_one_to_remove() -> None:
    game = playing("a")
    game.send(playback.ShowNowPlaying(**game.common(channel=TEXT + 1)))  # type: ignore[arg-type]

    game.hear(voice.PanelShown, channel_id=TEXT, message_id=99)

    assert panel(game) == (TEXT + 1, TEXT, 99)


def test_a_panel_goes_with_its_channel() -> None:
    game = playing("a").hear(voice.PanelShown, channel_id=TEXT, message_id=99)

    game.hear(voice.ChannelGone, channel_id=TEXT)

    assert panel(game) == (0, 0, 0)


def test_a_bot_without_music_leaves_after_a_while() -> None:
    game = playing("a").ended()

    game.wake()

    assert game.player.voice.wanted is None


def test_a_player_that_plays_is_not_forgotten() -> None:
    assert not player.forgettable(playing("a").player)
    assert player.forgettable(Game().player)
