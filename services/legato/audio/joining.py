"""How a player comes to want a voice channel. Pure."""

from msgspec.structs import replace

from legato.audio.effects import SyncVoice
from legato.audio.state import Player, Step, VoiceState, with_voice


def join(player: Player, channel: int, *, now: int) -> Step:
    """Want to be in a channel; one we are just leaving is left first."""
    voice = player.voice
    if voice.wanted is None and voice.actual is not None:
        fresh = VoiceState(wanted=channel, asked_at=now, rejoined_at=now)
        return Step(with_voice(player, fresh), (SyncVoice(rejoin=True),), "joins again")
    if voice.wanted == channel:
        return Step(player)
    if voice.actual is None:
        return Step(with_voice(player, VoiceState(wanted=channel, asked_at=now)), (), "joins")
    return Step(with_voice(player, replace(voice, wanted=channel, asked_at=now)), (), "moves")
