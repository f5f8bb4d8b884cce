"""What follows from a changed player, whatever changed it. Pure.

Levels, not edges: the next track starts, the clock runs or stands, and what differs between before
and after asks for converge effects. So no case can forget them.
"""

from collections.abc import Iterable

from msgspec.structs import replace

from legato.audio import asks, listening, turns, views, waking
from legato.audio.effects import (
    Effect,
    SaveQueue,
    SyncNode,
    SyncPanel,
    SyncVoice,
)
from legato.audio.rules import Rules
from legato.audio.state import Player, Step


def settle(old: Player, step: Step, *, now: int, rules: Rules) -> Step:
    """Bring a changed player to rest, and say what the world must follow."""
    answered = asks.answer_joined(step.player)
    player = turns.start_next(answered.player, now=now, rules=rules)
    player = waking.watch(player, now=now)
    player = listening.keep_time(player, now=now)
    player = replace(
        player,
        revision=old.revision + 1,
        wake_at=waking.next_time(player, rules=rules),
    )
    effects = (*step.effects, *answered.effects, *_follow(old, player))
    return Step(player, _distinct(effects), step.reason)


def _follow(old: Player, new: Player) -> Iterable[Effect]:
    if new.voice.wanted not in {old.voice.wanted, new.voice.actual}:
        yield SyncVoice()
    if _node_key(new) != _node_key(old):
        yield SyncNode()
    if _saved_key(new) != _saved_key(old) or new.queue is not old.queue:
        yield SaveQueue()
    if _panel_key(new) != _panel_key(old):
        yield SyncPanel()


def _node_key(player: Player) -> object:
    """Everything a node is told."""
    voice, play = player.voice, player.play
    return (
        player.seat,
        voice.wanted is None,
        player.volume,
        listening.audible(player),
        voice.ready and (voice.token, voice.endpoint, voice.session_id, voice.actual),
        play and (play.play_id, play.clock.sought and play.clock.at),
    )


def _saved_key(player: Player) -> object:
    play = player.play
    return (play and play.play_id, player.voice.wanted, player.volume, player.paused)


def _panel_key(player: Player) -> object:
    """Everything a panel shows, but for the running position."""
    play = player.play
    return (
        play and (play.play_id, play.clock.sought and play.clock.at),
        play and listening.silences(player),
        player.voice.actual,
        player.volume,
        player.text_channel_id,
        len(player.queue),
        views.upcoming(player),
    )


def _distinct(effects: tuple[Effect, ...]) -> tuple[Effect, ...]:
    """Keep one converge effect of a kind: the one that says more, the last of equals."""
    kept: dict[type, Effect] = {}
    others = []
    for effect in effects:
        kind = type(effect)
        if kind not in CONVERGING:
            others.append(effect)
        elif kind not in kept or _says_more(effect):
            kept[kind] = effect
    return (*others, *kept.values())


CONVERGING = frozenset({SyncNode, SyncVoice, SyncPanel, SaveQueue})


def _says_more(effect: Effect) -> bool:
    match effect:
        case SyncVoice(rejoin=rejoin):
            return rejoin
        case SyncPanel(notice=notice, anew=anew):
            return bool(notice) or anew
        case _:
            return False
