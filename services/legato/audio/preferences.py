"""How a player takes on its guild's settings, also those read only after it began. Pure."""

from msgspec.structs import replace

from legato.audio.effects import SaveSettings
from legato.audio.events import SettingsFound
from legato.audio.state import Player, Step
from legato.contracts.settings import GuildSettings


def found(player: Player, event: SettingsFound) -> Step:
    """Live by what was stored; what was changed meanwhile stands, and is written over it."""
    ours, stored = player.settings, event.settings
    if stored == ours or stored.version < ours.version:
        return Step(player, (), "the settings are known")
    if ours.version == 0:
        return Step(follow(player, stored), (), "found its settings")
    newest = replace(ours, version=stored.version + 1)
    step = Step(replace(player, settings=newest), (), "changed before the old ones were found")
    return step.also(SaveSettings(settings=newest))


def follow(player: Player, settings: GuildSettings) -> Player:
    """Live by new settings; a volume that somebody chose for this player stands."""
    chosen = player.volume != player.settings.default_volume
    volume = player.volume if chosen else settings.default_volume
    return replace(player, settings=settings, volume=volume)
