"""What people and dashboards are shown of a player. Pure."""

from legato import queries
from legato.audio import listening, position
from legato.audio.state import Player
from legato.contracts.actions import QueuePage
from legato.contracts.tracks import NowPlaying, QueueItem

PAGE = 10
UPCOMING = 3


def now_playing(player: Player, *, now: int) -> NowPlaying:
    """Say what the guild hears."""
    play = player.play
    reasons = listening.silences(player) if play else ()
    return NowPlaying(
        guild_id=player.guild_id,
        revision=player.revision,
        as_of=now,
        voice_channel_id=player.voice.actual,
        track=play.track if play else None,
        play_id=play.play_id if play else None,
        requester_id=play.item.requester_id if play else None,
        position=heard(player, now=now),
        paused=bool(reasons),
        pause_reasons=reasons,
        volume=player.volume,
        queue_length=len(player.queue),
        upcoming=upcoming(player),
    )


def heard(player: Player, *, now: int) -> int:
    """Say the position of the current track, 0 without one."""
    play = player.play
    return position.shown(play.clock, now=now, length=play.track.length) if play else 0


def upcoming(player: Player) -> tuple[str, ...]:
    """Name the next few tracks; one that is being looked for by what was asked for."""
    return tuple(
        item.track.title if item.track else queries.shown(item.query)
        for item in player.queue[:UPCOMING]
    )


def worth_a_panel(player: Player, *, notice: str) -> bool:
    """Say whether there is something to show: silence alone brings no panel into a channel."""
    return player.play is not None or player.panel_message_id != 0 or bool(notice)


def page(player: Player, number: int, *, now: int) -> QueuePage:
    """Show one page of the queue; the nearest there is, and that it is another."""
    pages = max(1, -(-len(player.queue) // PAGE))
    asked, number = number, min(max(number, 1), pages)
    return QueuePage(
        now=now_playing(player, now=now),
        items=player.queue[(number - 1) * PAGE : number * PAGE],
        page=number,
        pages=pages,
        total=len(player.queue),
        length=sum([item.track.length for item in player.queue if item.track]),
        asked=asked if asked != number else 0,
    )


def wait(player: Player, place: int, *, now: int) -> int:
    """Say how long until the item at a place of the queue starts; 0 when nobody can know."""
    play = player.play
    before = player.queue[:place]
    unknown = any(item.track is None or not item.track.length for item in before)
    if unknown or play is None or not play.track.length:
        return 0
    left = play.track.length - heard(player, now=now)
    return left + sum(_length(item) for item in before)


def _length(item: QueueItem) -> int:
    return item.track.length if item.track else 0
