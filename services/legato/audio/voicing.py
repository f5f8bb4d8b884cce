"""Where the bot is and should be in voice: Discord's word, and what follows from it. Pure.

A channel of None under the same gateway session is a kick or a moderator's disconnect: the bot
stays out, and track and queue wait `keep_for` for somebody to ask again. Under a new gateway
session it is only that the old one ended: the intent holds and the bot joins again.
"""

from msgspec.structs import replace

from legato.audio import asks, listening
from legato.audio.effects import SyncNode, SyncPanel, SyncVoice
from legato.audio.events import VoiceClosed
from legato.audio.rules import Rules
from legato.audio.state import Player, Step, VoiceState, with_voice
from legato.contracts.voice import (
    ListenersChanged,
    VoiceRefused,
    VoiceServerChanged,
    VoiceStateChanged,
)

MOVE = 2_000
"""A 4014 so soon after Discord moved the bot is the move, not its end."""
REJOIN = 10_000
"""A gateway that takes over may have the bot leave and join again once more: no kick."""
STATE_WITHIN = 1_000
"""Discord says where the bot is within this of closing its voice connection."""
RATE_LIMITED = 10_000
MAX_BACKOFF = 30_000

OF_DISCORD = 4000
"""From here on it is Discord that closed, and the node would have resumed: only new credentials
help, and each try with the old ones plays on unheard."""
DISCONNECTED = frozenset({4014, 4022})
"""A kick, a move, a deleted channel or an ended gateway session look the same here."""
ENCRYPTION = 4017
"""Closed by Discord: the node can't encrypt. By the node: the call's group does not let it in."""
TOO_MANY = 4021
NO_PERMISSION = frozenset({"no_connect", "no_speak"})
LASTING = NO_PERMISSION | {"channel_full"}
"""Refusals that asking again does not change."""
# https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice-voice-close-event-codes


UNANSWERED = 1013
"""What we say of a voice server that does not answer us: try again later (RFC 6455)."""


def depart(player: Player, notice: str, *, now: int, rules: Rules) -> Step:
    """Be in no channel any more, unasked; keep what plays and waits for a while."""
    refused = asks.refuse_all(player, _refusal(notice), now=now)
    player = refused.player
    keeps = player.play is not None or bool(player.queue)
    player = replace(
        player,
        voice=replace(unwanted(player.voice), left=player.voice.wanted),
        keep_until=now + rules.keep_for if keeps else None,
    )
    told = (*refused.effects, SyncPanel(notice=notice))
    return Step(player, told, f"out of voice: {notice}")


def unwanted(voice: VoiceState) -> VoiceState:
    """Want no channel; where the bot still is, Discord will say."""
    return replace(voice, wanted=None, closed=False, retry_at=None, asked_at=None, losses=0)


def rejoin(player: Player, *, now: int, rules: Rules) -> Step:
    """Leave and join again for new credentials; give up after too many."""
    voice = player.voice
    if voice.wanted is None:
        return Step(player)
    if voice.losses >= rules.max_rejoins:
        return depart(player, "voice_failed", now=now, rules=rules)
    fresh = VoiceState(wanted=voice.wanted, asked_at=now, losses=voice.losses + 1, rejoined_at=now)
    return Step(with_voice(player, fresh), (SyncVoice(rejoin=True),), "voice: joins again")


def lose(player: Player, event: VoiceClosed, *, now: int, rules: Rules) -> Step:
    """Answer a voice close that the node does not mend by itself."""
    voice, code = player.voice, event.code
    if voice.wanted is None:
        return Step(player, (), "voice: closed as wanted")
    if code in DISCONNECTED and now - voice.changed_at < MOVE:
        player = _unheard(player, since=event.at or now)
        return Step(player, (SyncNode(),), "voice: closed by the move")
    player = _unheard(player, since=event.at or now)
    if code == ENCRYPTION and event.by_remote:
        return depart(player, "encryption_required", now=now, rules=rules)
    if code in DISCONNECTED:
        return _retry(player, now + STATE_WITHIN, f"voice: {code}, waits for the bot's own state")
    if code == TOO_MANY:
        return _retry(player, now + RATE_LIMITED, "voice: rate limited")
    if code in {ENCRYPTION, UNANSWERED}:
        notice = "voice_away" if code == UNANSWERED else "not_let_in"
        return _ask_again(player, now=now, rules=rules).also(SyncPanel(notice=notice))
    if code >= OF_DISCORD and voice.losses <= 1:
        return rejoin(player, now=now, rules=rules)
    if voice.losses:
        return _retry(player, now + _backoff(voice.losses), f"voice: {code}, joins again later")
    once = with_voice(player, replace(voice, losses=1))
    return Step(once, (SyncNode(),), f"voice: {code}, the node gets it again")


def state_changed(
    player: Player, event: VoiceStateChanged, *, new_session: bool, now: int, rules: Rules
) -> Step:
    """Take Discord's word on where the bot is."""
    if event.channel_id is None:
        return _out(player, new_session=new_session, now=now, rules=rules)
    old = player.voice
    moved = event.channel_id != old.actual
    followed = moved and old.actual is not None and old.actual == old.wanted
    voice = replace(
        old,
        wanted=event.channel_id if followed else old.wanted,
        actual=event.channel_id,
        session_id=event.session_id,
        server_muted=event.server_muted,
        suppressed=event.suppressed,
        listeners=event.listeners,
        closed=old.closed and not moved,
        retry_at=None if moved else old.retry_at,
        changed_at=now if moved else old.changed_at,
    )
    if voice == old:
        return Step(player, (), "voice: as known")
    player = _revoiced(player, voice, now=now)
    step = Step(player, (), "voice: moved" if moved else "voice: changed")
    if voice.actual != voice.wanted:
        return step.also(SyncVoice())
    return step.also(*_notices(player, old, voice))


def server_changed(player: Player, event: VoiceServerChanged, *, now: int) -> Step:
    """Take new credentials; an endpoint of None means that they will follow."""
    voice = replace(
        player.voice,
        token=event.token,
        endpoint=event.endpoint or "",
        closed=False,
        retry_at=None,
        changed_at=now,
    )
    reason = "voice: new server" if event.endpoint else "voice: waits for a server"
    return Step(_revoiced(player, voice, now=now), (), reason)


def listeners_changed(player: Player, event: ListenersChanged) -> Step:
    """People came or went."""
    old = player.voice
    if event.channel_id != old.actual or event.listeners == old.listeners:
        return Step(player, (), "listeners: as known")
    voice = replace(old, listeners=event.listeners)
    return Step(with_voice(player, voice), _notices(player, old, voice), "listeners changed")


def refused(player: Player, event: VoiceRefused, *, now: int, rules: Rules) -> Step:
    """Tell those who asked for this channel; without them, try again or give up."""
    voice = player.voice
    if event.channel_id != voice.wanted or voice.actual == voice.wanted:
        return Step(player, (), "voice: a refusal that no longer matters")
    if voice.actual is not None:
        told = asks.refuse_all(player, event.reason, now=now)
        stays = replace(voice, wanted=voice.actual, asked_at=None)
        return Step(with_voice(told.player, stays), told.effects, f"voice: {event.reason}, stays")
    if player.asks:
        told = asks.refuse_all(player, event.reason, now=now)
        keeps = told.player.play is not None or bool(told.player.queue)
        out = replace(
            told.player,
            voice=unwanted(voice),
            keep_until=now + rules.keep_for if keeps else None,
        )
        return Step(out, told.effects, f"voice: {event.reason}")
    if event.reason in LASTING:
        notice = "no_connect" if event.reason in NO_PERMISSION else "voice_failed"
        return depart(player, notice, now=now, rules=rules)
    later = replace(voice, retry_at=now + _backoff(voice.losses))
    return Step(with_voice(player, later), (), f"voice: {event.reason}, joins again later")


def _refusal(notice: str) -> str:
    """Say why a /play came to nothing when the bot had to go."""
    return notice if notice in {"kicked", "encryption_required"} else "no_voice_answer"


def _out(player: Player, *, new_session: bool, now: int, rules: Rules) -> Step:
    old = player.voice
    fresh = VoiceState(
        wanted=old.wanted, asked_at=now, losses=old.losses, rejoined_at=old.rejoined_at
    )
    player = with_voice(player, fresh)
    if old.wanted is None:
        return Step(with_voice(player, VoiceState()), (), "voice: left")
    if new_session:
        return Step(player, (SyncVoice(),), "voice: a new gateway session, joins again")
    if old.actual is None or not old.token:
        joining = replace(old, actual=None)
        return Step(with_voice(player, joining), (), "voice: still joining")
    if now - old.rejoined_at < REJOIN:
        return Step(player, (), "voice: leaves once more, to join again")
    return depart(player, "kicked", now=now, rules=rules)


def _ask_again(player: Player, *, now: int, rules: Rules) -> Step:
    """Ask for other credentials, at once for the first two times."""
    losses = player.voice.losses
    if losses <= 1:
        return rejoin(player, now=now, rules=rules)
    return _retry(player, now + _backoff(losses), "voice: joins again later")


def _revoiced(player: Player, voice: VoiceState, *, now: int) -> Player:
    """Take another voice: Discord hears the old one no more, before a node can have the new one."""
    old = player.voice
    if old.ready and old.credentials != voice.credentials:
        player = _unheard(player, since=now)
    return with_voice(player, voice)


def _unheard(player: Player, *, since: int) -> Player:
    """Let the clock stand where it was: the node plays on, but nobody hears it."""
    play = player.play
    if play is None or play.clock.since is None:
        return player
    return replace(player, play=listening.unheard(play, since=since))


def _retry(player: Player, at: int, reason: str) -> Step:
    voice = replace(player.voice, closed=True, retry_at=at)
    return Step(with_voice(player, voice), (), reason)


def _backoff(losses: int) -> int:
    return min(1_000 << losses, MAX_BACKOFF)


def _notices(player: Player, old: VoiceState, new: VoiceState) -> tuple[SyncPanel, ...]:
    """Say why it becomes silent."""
    if player.play is None or new.actual is None:
        return ()
    if new.server_muted and not old.server_muted:
        return (SyncPanel(notice="server_muted"),)
    if new.suppressed and not old.suppressed:
        return (SyncPanel(notice="stage_suppressed"),)
    if not new.listeners and old.listeners:
        return (SyncPanel(notice="empty_channel"),)
    return ()
