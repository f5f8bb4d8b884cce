"""A player's one function: take a message, and say what is now true and what must be done.

Pure: knows no node, no Redis, no clock.
"""

from dataclasses import dataclass
from typing import assert_never

from msgspec.structs import replace

from legato.audio import (
    asks,
    commands,
    ending,
    events,
    preferences,
    queue,
    recalling,
    reports,
    rules,
    seating,
    settling,
    voicing,
    waking,
)
from legato.audio.ending import forgettable
from legato.audio.events import Internal
from legato.audio.rules import Rules
from legato.audio.state import Player, PlayerHead, Step, VoiceState, new
from legato.contracts import voice
from legato.contracts.playback import Command, Playback
from legato.contracts.tracks import QueueItem
from legato.contracts.voice import Voice, VoiceEvent

__all__ = [
    "Message",
    "Player",
    "PlayerHead",
    "QueueDiff",
    "Step",
    "diff",
    "durable",
    "forgettable",
    "head",
    "new",
    "restore",
    "step",
]

Message = Playback | Voice | Internal


@dataclass(frozen=True, slots=True)
class QueueDiff:
    """What changed in a queue."""

    put: tuple[QueueItem, ...] = ()
    """New or changed items."""
    remove: tuple[str, ...] = ()
    """Ids of items that are gone."""


def step(player: Player, message: Message, *, now: int, rules: Rules = rules.DEFAULT) -> Step:
    """Take one message. The very same player comes back if nothing changed."""
    taken = _take(player, message, now=now, rules=rules)
    if taken.player is player and not isinstance(message, events.Woken):
        return taken
    return settling.settle(player, taken, now=now, rules=rules)


def diff(old: Player, new: Player) -> QueueDiff:
    """Say how the queue changed; items they share are compared by identity."""
    if old.queue is new.queue:
        return QueueDiff()
    before, after = queue.changed(old.queue, new.queue)
    ids = {item.id for item in after}
    known = {item.id: item for item in before}
    return QueueDiff(
        put=tuple(item for item in after if known.get(item.id) != item),
        remove=tuple(item.id for item in before if item.id not in ids),
    )


def head(player: Player) -> PlayerHead:
    """Take the player without its queue."""
    return PlayerHead(**{name: getattr(player, name) for name in PlayerHead.__struct_fields__})


def durable(player: Player) -> PlayerHead:
    """Take what is worth keeping outside of Redis: no secret, nothing that another start voids."""
    voice = VoiceState(wanted=player.voice.wanted)
    return replace(head(player), asks=(), marks={}, seat=None, voice=voice)


def restore(head: PlayerHead, items: tuple[QueueItem, ...]) -> Player:
    """Put a player together again; the items may come in any order."""
    values = {name: getattr(head, name) for name in PlayerHead.__struct_fields__}
    return Player(**values, queue=tuple(sorted(items, key=lambda item: item.rank)))


def _take(player: Player, message: Message, *, now: int, rules: Rules) -> Step:
    match message:
        case Command():
            return commands.take(player, message, now=now, rules=rules)
        case VoiceEvent():
            return _hear_gateway(player, message, now=now, rules=rules)
        case _:
            return _hear_audio(player, message, now=now, rules=rules)


def _hear_gateway(player: Player, event: Voice, *, now: int, rules: Rules) -> Step:
    """Take an event once; the gateway's own findings carry no number of their own, and may repeat.

    Marks are kept per kind, since one Discord event may become two of ours; what the gateway says
    of itself is no new gateway session.
    """
    if isinstance(event, voice.VoiceRefused):
        return voicing.refused(player, event, now=now, rules=rules)
    if isinstance(event, voice.PanelShown):
        return ending.panel_shown(player, event)
    own = event.mark.is_own
    kind = f"own {type(event).__name__}" if own else type(event).__name__
    mark = player.marks.get(kind)
    changed = mark is None or mark.session != event.mark.session
    if mark is not None and not changed and event.mark.seq <= mark.seq:
        return Step(player, (), "a repeated event")
    new_session = changed and not own
    player = replace(player, marks={**player.marks, kind: event.mark})
    match event:
        case voice.VoiceStateChanged():
            return voicing.state_changed(
                player, event, new_session=new_session, now=now, rules=rules
            )
        case voice.VoiceServerChanged():
            return voicing.server_changed(player, event, now=now)
        case voice.ListenersChanged():
            return voicing.listeners_changed(player, event)
        case voice.GuildGone():
            return ending.guild_gone(player, now=now)
        case voice.ChannelGone():
            return ending.channel_gone(player, event, now=now, rules=rules)
        case _:
            assert_never(event)


def _hear_audio(player: Player, event: Internal, *, now: int, rules: Rules) -> Step:
    match event:
        case events.Resolved():
            return asks.resolved(player, event, now=now, rules=rules)
        case events.ResolveFailed():
            return asks.resolve_failed(player, event)
        case events.TrackStarted():
            return reports.started(player, event)
        case events.TrackEnded():
            return reports.ended(player, event, now=now, rules=rules)
        case events.TrackFailed():
            return reports.failed(player, event, now=now, rules=rules)
        case events.PositionReported():
            return reports.reported(player, event, now=now)
        case events.VoiceClosed():
            return reports.voice_closed(player, event, now=now, rules=rules)
        case events.SettingsFound():
            return preferences.found(player, event)
        case events.Recalled():
            return recalling.recalled(player, event, now=now, rules=rules)
        case _:
            return _hear_seat(player, event, now=now, rules=rules)


def _hear_seat(
    player: Player,
    event: events.NodeAssigned
    | events.NodeLost
    | events.NodeSnapshot
    | events.NodeReleased
    | events.Restored
    | events.Woken
    | events.Closing,
    *,
    now: int,
    rules: Rules,
) -> Step:
    match event:
        case events.NodeAssigned():
            return seating.assigned(player, event, now=now)
        case events.NodeLost():
            return seating.lost(player, event, now=now)
        case events.NodeSnapshot():
            return seating.found(player, event, now=now, rules=rules)
        case events.NodeReleased():
            return seating.released(player, event)
        case events.Restored():
            return seating.restored(player, event, now=now, rules=rules)
        case events.Woken():
            return waking.woken(player, now=now, rules=rules)
        case events.Closing():
            return voicing.depart(player, "closing", now=now, rules=rules)
        case _:
            assert_never(event)
