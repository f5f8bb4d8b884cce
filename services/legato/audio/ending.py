"""How a player's music comes to its end, and what it forgets then. Pure."""

from msgspec.structs import replace

from legato.audio import asks, turns, voicing
from legato.audio.effects import SyncPanel
from legato.audio.rules import Rules
from legato.audio.state import Player, Step, VoiceState
from legato.contracts.voice import ChannelGone, PanelShown


def clear(player: Player, reason: str, *, now: int) -> Step:
    """End the play, empty the queue, and refuse what was asked for and not found yet."""
    refused = asks.refuse_all(player, "stopped", now=now)
    ended = turns.end(refused.player, reason, now=now)
    player = replace(
        ended.player, queue=(), paused=False, halted=False, failures=0, keep_until=None
    )
    return Step(player, refused.effects + ended.effects, reason)


def guild_gone(player: Player, *, now: int) -> Step:
    """End everything: there is nobody left to play to, and no voice to leave."""
    cleared = clear(player, "guild_gone", now=now)
    gone = replace(
        cleared.player,
        voice=VoiceState(),
        text_channel_id=0,
        panel_channel_id=0,
        panel_message_id=0,
    )
    return Step(gone, cleared.effects, "the bot was removed from the guild")


def channel_gone(player: Player, event: ChannelGone, *, now: int, rules: Rules) -> Step:
    """Forget a panel that went with its channel, and leave a voice channel that is no more.

    Discord may say first that the bot is out, which is a kick until this tells why.
    """
    if player.text_channel_id == event.channel_id:
        player = replace(player, text_channel_id=0)
    if player.panel_channel_id == event.channel_id:
        player = replace(player, panel_channel_id=0, panel_message_id=0)
    if event.channel_id == player.voice.left:
        return Step(player, (SyncPanel(notice="channel_gone"),), "the channel it was in is gone")
    if event.channel_id != player.voice.wanted:
        return Step(player, (), "a channel is gone")
    return voicing.depart(player, "channel_gone", now=now, rules=rules)


def panel_shown(player: Player, event: PanelShown) -> Step:
    """Remember the panel message, or forget one that is gone or may not be written."""
    if event.message_id:
        shown = replace(
            player, panel_channel_id=event.channel_id, panel_message_id=event.message_id
        )
        return Step(shown, (), "the panel is known")
    if event.channel_id != player.text_channel_id:
        return Step(player, (), "a panel where none is wanted any more")
    gone = replace(player, text_channel_id=0, panel_channel_id=0, panel_message_id=0)
    return Step(gone, (), "the panel is gone")


def forgettable(player: Player) -> bool:
    """Tell whether a player may be deleted: nothing plays, waits, or stands in voice."""
    voice = player.voice
    return not (
        player.play
        or player.queue
        or player.asks
        or player.seat
        or voice.wanted is not None
        or voice.actual is not None
    )
