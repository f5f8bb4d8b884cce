"""Why a player is silent, and whether its clock runs. Pure: follows from the state alone."""

from msgspec.structs import replace

from legato.audio import position
from legato.audio.state import Play, Player


def silences(player: Player) -> tuple[str, ...]:
    """Name each reason for which the current track is not heard, kept apart."""
    voice = player.voice
    found = []
    if player.paused:
        found.append("user")
    if voice.actual is not None:
        found += [
            name
            for name, holds in (
                ("empty_channel", voice.listeners == 0),
                ("server_muted", voice.server_muted),
                ("stage_suppressed", voice.suppressed),
            )
            if holds
        ]
    begun = player.play is not None and player.play.begun
    if begun and player.seat is None:
        found.append("node_lost")
    if (begun or voice.closed) and (voice.wanted is None or not voice.ready):
        found.append("voice_lost")
    return tuple(found)


def audible(player: Player) -> bool:
    """Tell whether the node should send sound now."""
    voice = player.voice
    return (
        player.seat is not None
        and not player.paused
        and voice.wanted is not None
        and voice.ready
        and voice.listeners > 0
        and not voice.server_muted
        and not voice.suppressed
    )


def keep_time(player: Player, *, now: int) -> Player:
    """Let the clock run exactly while there is sound."""
    play = player.play
    if play is None:
        return player
    runs = play.sounding and audible(player)
    if runs == (play.clock.since is not None):
        return player
    if not runs and _is_cut_off(player):
        return replace(player, play=unheard(play, since=now))
    length = play.track.length
    clock = play.clock
    clock = position.run(clock, now=now) if runs else position.stand(clock, now=now, length=length)
    return replace(player, play=replace(play, clock=clock))


def unheard(play: Play, *, since: int) -> Play:
    """Stop a running clock where listeners surely were, and have the node go back there."""
    if not play.track.is_seekable:
        return play
    clock = position.hold(play.clock, now=since, length=play.track.length)
    return replace(play, clock=position.at_most(clock, play.surely), surely=None)


def _is_cut_off(player: Player) -> bool:
    """Tell whether it was Discord that ended the sound: it does so before it tells us."""
    play, voice = player.play, player.voice
    cut = voice.server_muted or voice.suppressed or not voice.ready
    return play is not None and play.track.is_seekable and player.seat is not None and cut
