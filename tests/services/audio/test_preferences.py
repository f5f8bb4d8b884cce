from legato.audio.effects import SaveSettings
from legato.audio.events import SettingsFound
from legato.contracts import playback
from legato.contracts.settings import GuildSettings
from support_players import GUILD, Game, playing

STORED = GuildSettings(dj_role_id=5, default_volume=60, version=3)


def found(settings: GuildSettings) -> SettingsFound:
    return SettingsFound(guild_id=GUILD, settings=settings)


def test_a_player_that_began_with_the_defaults_takes_what_is_stored() -> None:
    game = Game().send(found(STORED))

    assert game.player.settings == STORED
    assert game.player.volume == 60


def test_a_volume_that_was_set_meanwhile_stands() -> None:
    game = playing().command(playback.SetVolume, change=-10).send(found(STORED))

    assert (game.player.settings, game.player.volume) == (STORED, 90)


def test_what_was_changed_meanwhile_is_written_over_what_was_stored() -> None:
    game = Game().command(playback.ChangeSettings, dj_role_id=7).send(found(STORED))

    assert game.player.settings == GuildSettings(dj_role_id=7, version=4)
    assert SaveSettings(settings=game.player.settings) in game.last


def test_older_or_equal_settings_change_nothing() -> None:
    game = Game().send(found(STORED))
    before = game.player

    for old in (STORED, GuildSettings(), GuildSettings(dj_role_id=1, version=2)):
        game.send(found(old))

    assert game.player is before
