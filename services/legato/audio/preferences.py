"""A guild's settings that were read only after its player had begun without them. Pure."""

from msgspec.structs import replace

from legato.audio.effects import SaveSettings
from legato.audio.events import SettingsFound
from legato.audio.state import Player, Step


def found(player: Player, event: SettingsFound) -> Step:
    """Live by what was stored; what was changed meanwhile stands, and is written over it."""
    ours, stored = player.settings, event.settings
    if stored == ours or stored.version < ours.version:
        return Step(player, (), "the settings are known")
    if ours.version == 0:
        volume = stored.default_volume if player.volume == ours.default_volume else player.volume
        return Step(replace(player, settings=stored, volume=volume), (), "found its settings")
    newest = replace(ours, version=stored.version + 1)
    step = Step(replace(player, settings=newest), (), "changed before the old ones were found")
    return step.also(SaveSettings(settings=newest))
