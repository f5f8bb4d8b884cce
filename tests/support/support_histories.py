"""A player under messages that come at any time, and what must hold whatever came."""

import random

import msgspec
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule
from msgspec.structs import replace

from legato import text
from legato.audio import events, nodestate, player, views
from legato.audio.effects import Effect, Record, SyncPanel, Tell
from legato.audio.nodestate import NodeState, Patch
from legato.audio.player import Message, Player, PlayerHead, QueueDiff
from legato.audio.position import Clock
from legato.audio.rules import Rules
from legato.audio.state import Play
from legato.contracts import playback, voice
from legato.contracts.actions import Refused
from legato.contracts.settings import GuildSettings
from support_players import CHANNEL, ELSEWHERE, GUILD, Game, track

CHANNELS = st.sampled_from([CHANNEL, ELSEWHERE])
MAYBE = st.none() | CHANNELS
ENDS = st.sampled_from(["finished", "loadFailed", "stopped", "replaced", "cleanup"])
CODES = st.sampled_from([1000, 4004, 4006, 4014, 4017, 4021, 4022])
SIMPLE = st.sampled_from(
    [
        playback.Pause,
        playback.Resume,
        playback.TogglePause,
        playback.Skip,
        playback.Stop,
        playback.Leave,
        playback.ShowQueue,
        playback.ShowNowPlaying,
        playback.ShowSettings,
    ]
)
CLEARING = (playback.Stop, playback.Leave, voice.GuildGone)


def begins_anew(old: Play, new: Play) -> bool:
    """Tell whether a node that broke in a track's middle is given its beginning."""
    return old.entered > 0 and new.restarts > old.restarts and new.clock == Clock()


class Histories(RuleBasedStateMachine):
    """A world that sends anything at any time, and a book of what must hold."""

    def __init__(self) -> None:
        super().__init__()
        self.game = Game(rules=Rules(max_queue=6, resolve_within=15_000))
        self.asked: list[str] = []
        self.told: list[str] = []
        self.recorded: list[str] = []
        self.gone: set[str] = set()
        self.plays: set[str] = set()

    @initialize(joined=st.booleans())
    def begin(self, joined: bool) -> None:
        if joined:
            self.ask("last", CHANNEL)
            self.find_any(1, "")
            self.state(CHANNEL, 1, False)
            self.server(True)
            self.seat("n1", "s1")
            self.started()

    def send(self, message: Message) -> None:
        old, now = self.game.player, self.game.now
        before = views.heard(old, now=now)
        self.game.send(message)
        self.check(old, message, before)

    def check(self, old: Player, message: Message, before: int) -> None:
        new, effects = self.game.player, self.game.last
        self.check_answers(message, effects)
        self.check_words(effects)
        self.check_items(old, new, message, effects)
        self.check_position(old, new, message, before)
        assert applied(old, player.diff(old, new)) == new.queue
        assert (new is old) or new.revision == old.revision + 1
        decoder = msgspec.json.Decoder(tuple[Effect, ...])
        assert decoder.decode(msgspec.json.encode(effects)) == effects

    def check_answers(self, message: Message, effects: tuple[Effect, ...]) -> None:
        told = [effect.key for effect in effects if isinstance(effect, Tell)]
        if isinstance(message, playback.Command):
            self.asked.append(str(message.id))
        if isinstance(message, playback.Command) and not isinstance(message, playback.Play):
            assert str(message.id) in told
        self.told += told
        assert len(self.told) == len(set(self.told))
        waiting = {str(ask.command_id) for ask in self.game.player.asks}
        assert set(self.told).isdisjoint(waiting)
        assert set(self.told) | waiting == set(self.asked)

    def check_words(self, effects: tuple[Effect, ...]) -> None:
        for effect in effects:
            if isinstance(effect, Tell) and isinstance(effect.answer, Refused):
                assert effect.answer.reason in text.REFUSALS
            if isinstance(effect, SyncPanel) and effect.notice:
                assert effect.notice in text.NOTICES

    def check_items(
        self, old: Player, new: Player, message: Message, effects: tuple[Effect, ...]
    ) -> None:
        ids = [item.id for item in new.queue] + ([new.play.item.id] if new.play else [])
        assert len(ids) == len(set(ids))
        assert self.gone.isdisjoint(ids)
        records = [effect.play_id for effect in effects if isinstance(effect, Record)]
        self.recorded += records
        assert len(self.recorded) == len(set(self.recorded))
        if new.play:
            self.plays.add(new.play.play_id)
        current = {new.play.play_id} if new.play else set()
        assert self.plays <= set(self.recorded) | current
        assert current.isdisjoint(self.recorded)
        was = {item.id for item in old.queue} | ({old.play.item.id} if old.play else set())
        left = was - set(ids)
        self.gone |= left
        played = {play_id.rpartition("-")[0] for play_id in records}
        refused = {
            effect.key
            for effect in effects
            if isinstance(effect, Tell) and isinstance(effect.answer, Refused)
        }
        given_up = isinstance(message, (*CLEARING, events.ResolveFailed, events.Resolved))
        dropped = old.keep_until is not None and self.game.now >= old.keep_until
        for item in left - played:
            assert item.partition(".")[0] in refused or given_up or dropped

    def check_position(self, old: Player, new: Player, message: Message, before: int) -> None:
        if isinstance(message, playback.Seek | events.Restored):
            return
        if old.play is None or new.play is None or old.play.play_id != new.play.play_id:
            return
        if old.play.clock.bound is not None or begins_anew(old.play, new.play):
            return
        assert views.heard(new, now=self.game.now) >= before

    @rule(ms=st.sampled_from([0, 10, 500, 1_100, 3_000, 20_000, 400_000]))
    def wait(self, ms: int) -> None:
        before = views.heard(self.game.player, now=self.game.now)
        self.game.wait(ms)
        assert views.heard(self.game.player, now=self.game.now) >= before

    @rule(where=st.sampled_from(["now", "next", "last"]), channel=CHANNELS)
    def ask(self, where: playback.Where, channel: int) -> None:
        common = self.game.common()
        self.send(playback.Play(query="q", where=where, voice_channel_id=channel, **common))  # type: ignore[arg-type]

    @rule(kind=SIMPLE, late=st.booleans())
    def command(self, kind: type[playback.Command], late: bool) -> None:
        self.send(kind(**self.game.common(expires_in=-1 if late else None)))  # type: ignore[arg-type]

    @rule(to=st.integers(0, 60_000))
    def seek(self, to: int) -> None:
        self.send(playback.Seek(to=to, **self.game.common()))  # type: ignore[arg-type]

    @rule(change=st.integers(-100, 100))
    def volume(self, change: int) -> None:
        self.send(playback.SetVolume(change=change, **self.game.common()))  # type: ignore[arg-type]

    @rule(old=st.booleans())
    def skip_by_panel(self, old: bool) -> None:
        play_id = "old" if old or not self.game.player.play else self.game.play_id
        self.send(playback.Skip(play_id=play_id, **self.game.common()))  # type: ignore[arg-type]

    @rule(role=st.none() | st.integers(1, 3))
    def change_settings(self, role: int | None) -> None:
        self.send(playback.ChangeSettings(dj_role_id=role, **self.game.common()))  # type: ignore[arg-type]

    @rule(role=st.none() | st.integers(1, 3), version=st.integers(0, 5))
    def find_settings(self, role: int | None, version: int) -> None:
        before = self.game.player.settings.version
        stored = GuildSettings(dj_role_id=role, version=version)
        self.send(events.SettingsFound(guild_id=GUILD, settings=stored))
        assert self.game.player.settings.version >= before

    @rule(count=st.integers(0, 4), playlist=st.sampled_from(["", "Mine"]))
    def find_any(self, count: int, playlist: str) -> None:
        slots = [item.id for item in self.game.player.queue if item.track is None]
        slot = random.Random(self.game.now).choice(slots or ["none"])
        tracks = tuple(track(f"{slot} {n}", 60_000) for n in range(count))
        self.send(events.Resolved(guild_id=GUILD, slot=slot, tracks=tracks, playlist=playlist))

    @rule()
    def find_nothing(self) -> None:
        slots = [item.id for item in self.game.player.queue if item.track is None] or ["none"]
        failed = events.ResolveFailed(guild_id=GUILD, slot=slots[0], reason="load_failed")
        self.send(failed)

    @rule(channel=MAYBE, listeners=st.integers(0, 2), muted=st.booleans())
    def state(self, channel: int | None, listeners: int, muted: bool) -> None:
        event = voice.VoiceStateChanged(
            guild_id=GUILD,
            mark=self.game.mark(),
            at=self.game.now,
            channel_id=channel,
            session_id="vs",
            listeners=listeners,
            server_muted=muted,
        )
        self.send(event)

    @rule(there=st.booleans())
    def server(self, there: bool) -> None:
        endpoint = f"v{self.game.seq}.example" if there else None
        mark = self.game.mark()
        self.send(
            voice.VoiceServerChanged(
                guild_id=GUILD, mark=mark, at=self.game.now, token="t", endpoint=endpoint
            )
        )

    @rule(channel=CHANNELS, listeners=st.integers(0, 2))
    def listeners(self, channel: int, listeners: int) -> None:
        mark = self.game.mark()
        self.send(
            voice.ListenersChanged(
                guild_id=GUILD,
                mark=mark,
                at=self.game.now,
                channel_id=channel,
                listeners=listeners,
            )
        )

    @rule(channel=CHANNELS, reason=st.sampled_from(["no_connect", "no_voice_answer"]))
    def refuse(self, channel: int, reason: str) -> None:
        mark = self.game.mark()
        self.send(
            voice.VoiceRefused(
                guild_id=GUILD, mark=mark, at=self.game.now, channel_id=channel, reason=reason
            )
        )

    @rule(kind=st.sampled_from([voice.GuildGone, voice.ChannelGone, "session"]))
    def trouble(self, kind: type[voice.VoiceEvent] | str) -> None:
        mark = self.game.mark()
        if kind is voice.GuildGone:
            self.send(voice.GuildGone(guild_id=GUILD, mark=mark, at=self.game.now))
        elif kind is voice.ChannelGone:
            gone = voice.ChannelGone(
                guild_id=GUILD, mark=mark, at=self.game.now, channel_id=CHANNEL
            )
            self.send(gone)
        else:
            self.game.gateway += "x"

    @rule(node=st.sampled_from(["n1", "n2"]), session=st.sampled_from(["s1", "s2"]))
    def seat(self, node: str, session: str) -> None:
        self.send(events.NodeAssigned(guild_id=GUILD, node=node, session_id=session))

    @rule(node=st.sampled_from(["n1", "n2"]))
    def lose_node(self, node: str) -> None:
        self.send(events.NodeLost(guild_id=GUILD, node=node))

    @rule(node=st.sampled_from(["n1", "n2"]))
    def release_node(self, node: str) -> None:
        self.send(events.NodeReleased(guild_id=GUILD, node=node))

    def any_play(self, old: bool) -> str:
        return "old" if old or not self.game.player.play else self.game.play_id

    @rule()
    def started(self) -> None:
        self.send(events.TrackStarted(guild_id=GUILD, play_id=self.any_play(False)))

    @rule(reason=ENDS, old=st.booleans())
    def ended(self, reason: str, old: bool) -> None:
        play_id = self.any_play(old)
        self.send(events.TrackEnded(guild_id=GUILD, play_id=play_id, reason=reason))

    @rule(stuck=st.booleans())
    def failed(self, stuck: bool) -> None:
        play_id = self.any_play(False)
        self.send(
            events.TrackFailed(guild_id=GUILD, play_id=play_id, message="broken", stuck=stuck)
        )

    @rule(off=st.integers(-4_000, 4_000), connected=st.booleans(), age=st.integers(0, 300))
    def report(self, off: int, connected: bool, age: int) -> None:
        heard = views.heard(self.game.player, now=self.game.now)
        report = events.PositionReported(
            guild_id=GUILD,
            play_id=self.any_play(False),
            position=max(0, heard + off),
            connected=connected,
            at=self.game.now - age,
        )
        self.send(report)

    @rule(code=CODES, session=st.sampled_from(["s1", "s2"]))
    def close(self, code: int, session: str) -> None:
        self.send(events.VoiceClosed(guild_id=GUILD, node="n1", session_id=session, code=code))

    @rule(there=st.booleans(), off=st.integers(-3_000, 3_000), node=st.sampled_from(["n1", "n2"]))
    def snapshot(self, there: bool, off: int, node: str) -> None:
        heard = views.heard(self.game.player, now=self.game.now)
        seen = events.NodeSnapshot(
            guild_id=GUILD,
            node=node,
            session_id="s1",
            play_id=self.any_play(False) if there else None,
            position=max(0, heard + off),
            connected=there,
            at=self.game.now,
        )
        self.send(seen)

    @rule(survived=st.booleans(), ago=st.integers(0, 5_000))
    def restore(self, survived: bool, ago: int) -> None:
        alive_at = self.game.now - ago
        self.send(events.Restored(guild_id=GUILD, alive_at=alive_at, node_survived=survived))

    @rule()
    def wake(self) -> None:
        wake_at = self.game.player.wake_at
        self.game.now = max(self.game.now, wake_at or 0)
        self.send(events.Woken(guild_id=GUILD))
        assert self.game.player.wake_at is None or self.game.player.wake_at > self.game.now

    @invariant()
    def the_queue_is_in_order_and_bounded(self) -> None:
        ranks = [item.rank for item in self.game.player.queue]
        assert ranks == sorted(set(ranks))
        assert len(ranks) <= self.game.rules.max_queue

    @invariant()
    def who_is_not_answered_has_a_slot_or_an_answer_that_waits(self) -> None:
        slots = {item.id for item in self.game.player.queue}
        for ask in self.game.player.asks:
            assert ask.answer is not None or ask.slot in slots

    @invariant()
    def head_and_items_make_the_player_again(self) -> None:
        state = self.game.player
        written = msgspec.json.encode(player.head(state))
        assert b'"queue"' not in written
        head = msgspec.json.decode(written, type=PlayerHead)
        assert player.restore(head, state.queue[::-1]) == state

    @invariant()
    def the_clock_runs_only_while_there_is_sound(self) -> None:
        state = self.game.player
        if state.play and state.play.clock.since is not None:
            assert state.seat
            assert state.voice.ready
            assert not state.paused

    @invariant()
    def what_is_sent_to_a_node_is_enough(self) -> None:
        wanted = nodestate.desired(self.game.player, now=self.game.now)
        if wanted is None:
            return
        for found in (None, NodeState(play_id="other", encoded="x", volume=7, paused=True)):
            patch = nodestate.difference(wanted, found)
            after = patched(found or NodeState(), patch)
            assert nodestate.difference(wanted, after) is None
            assert (after.play_id, after.paused) == (wanted.play_id, wanted.paused)


def applied(old: Player, difference: QueueDiff) -> tuple[object, ...]:
    items = {item.id: item for item in old.queue}
    for item_id in difference.remove:
        del items[item_id]
    items |= {item.id: item for item in difference.put}
    return tuple(sorted(items.values(), key=lambda item: item.rank))


def patched(found: NodeState, patch: Patch | None) -> NodeState:
    """Do as a node does."""
    sent = msgspec.structs.asdict(patch or Patch())
    values = {name: value for name, value in sent.items() if value is not msgspec.UNSET}
    sent_track = values.pop("track", None)
    if sent_track is not None:
        told = sent_track.user_data
        values["play_id"] = None if told is msgspec.UNSET else told.play_id
        values["encoded"] = sent_track.encoded or ""
    if "voice" in values:
        values["connected"] = True
    return replace(found, **values)
