"""One player's shell: does what the core says with lane, feeds and voice, and tells the client."""

import asyncio
import socket
import ssl
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from typing import assert_never

import aiohttp
import msgspec

from legato.node import messages, player, protocol, ring
from legato.node.engine import Engine, Lane, Pacing
from legato.node.errors import MediaError, RequestError
from legato.node.rtp import SAMPLES
from legato.node.voice import VoiceConnection
from legato.node.voice_protocol import Seat

SAMPLES_A_MS = 48
HUSH_TIMEOUT = 0.3
"""Seconds for the last silence to go out: five frames and some."""

Tell = Callable[[msgspec.Struct, bool], None]
"""Send a message to the session; whether it is kept while the client is away."""


class _Event(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    """What all events have."""

    op: str = "event"
    type: str
    guild_id: str


class _TrackEvent(_Event, frozen=True, kw_only=True, rename="camel", omit_defaults=False):
    track: protocol.Track
    reason: str | msgspec.UnsetType = msgspec.UNSET
    exception: protocol.ExceptionInfo | msgspec.UnsetType = msgspec.UNSET
    threshold_ms: int | msgspec.UnsetType = msgspec.UNSET


class _ClosedEvent(_Event, frozen=True, kw_only=True, rename="camel"):
    code: int
    reason: str
    by_remote: bool


class _PlayerUpdate(msgspec.Struct, frozen=True, kw_only=True, rename="camel"):
    op: str = "playerUpdate"
    guild_id: str
    state: protocol.PlayerState


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What every player of a node uses."""

    engine: Engine
    http: aiohttp.ClientSession
    tls: ssl.SSLContext
    voice_timeout: timedelta
    stuck_threshold: timedelta
    group_timeout: timedelta


class PlayerShell:
    """A player of one session."""

    def __init__(self, guild: int, user: str, around: Surroundings, tell: Tell) -> None:
        self.lock = asyncio.Lock()
        self.core = player.Player(guild)
        self._user = user
        self._around = around
        self._tell = tell
        self._voice: VoiceConnection | None = None
        self._voice_state = protocol.VoiceState()
        self._hushed = asyncio.Event()
        self._stuck_play = 0
        self._destroyed = False
        self.lane: Lane = around.engine.open_lane()
        self.lane.on_pacing = self._paced
        self.lane.on_failed = lambda play, why, silent: self.take(player.Failed(play, why, silent))

    @property
    def playing(self) -> bool:
        """Whether a track plays."""
        return self.core.track is not None and not self.core.paused

    def take(self, given: player.Input) -> None:
        """Give the core an input and do what it says; raises RequestError on a destroyed player."""
        self._check()
        self.core, effects = player.step(self.core, given)
        for effect in effects:
            self._do(effect)

    async def join(self, voice: protocol.VoiceState) -> None:
        """Connect to voice unless connected to just that; raises RequestError."""
        old = self._voice
        if old is not None and old.connected and self._voice_state == voice:
            return
        if old is not None:
            await self._leave(old)
        self._voice_state = voice
        seat = Seat(self.core.guild, self._user, voice)
        around = self._around
        within = around.group_timeout.total_seconds()
        self._voice = VoiceConnection(
            seat, around.http, around.tls, self, self.lane, group_timeout=within
        )
        try:
            await self._voice.open(timeout=self._around.voice_timeout.total_seconds())
        except MediaError as error:
            self._voice = None
            raise RequestError(500, error.message) from error
        if self._destroyed:
            await self._voice.close()
        self._check()

    async def destroy(self, reason: player.EndReason = "stopped") -> None:
        """End the track, say goodbye to voice and let go of everything."""
        self.take(player.Destroy(reason))
        self._destroyed = True
        if self._voice is not None:
            await self._leave(self._voice)
        self.lane.close()

    def _check(self) -> None:
        """Refuse what comes after the end: a request may have waited for voice or a link."""
        if self._destroyed:
            raise RequestError(404, "Player not found")

    async def hush(self) -> None:
        """Let the last silence go out and leave voice; tell nobody, for the node ends."""
        if self._voice is not None:
            await self._quiet()
        if self._voice is not None:  # it may have gone meanwhile
            await self._voice.close()

    def position_ms(self) -> int:
        """Milliseconds of the track that have gone out."""
        if self.core.track is None:
            return 0
        position = None if self._destroyed else self.lane.position(self.core.play)
        return self.core.start_ms if position is None else position // SAMPLES_A_MS

    def state(self) -> protocol.PlayerState:
        """Say where the player is now."""
        voice = self._voice
        return protocol.PlayerState(
            time=time.time_ns() // 1_000_000,
            position=self.position_ms(),
            connected=voice is not None and voice.connected,
            ping=-1 if voice is None else voice.ping,
        )

    def show(self) -> protocol.Player:
        """Say what REST answers."""
        core, track = self.core, self.core.track
        if track is not None:
            info = msgspec.structs.replace(track.info, position=self.position_ms())
            track = msgspec.structs.replace(track, info=info)
        return protocol.Player(
            guild_id=str(core.guild),
            track=track,
            volume=core.volume,
            paused=core.paused,
            state=self.state(),
            voice=self._voice_state,
            filters=core.filters,
        )

    def update(self) -> None:
        """Send a playerUpdate."""
        self._tell(_PlayerUpdate(guild_id=str(self.core.guild), state=self.state()), False)

    def look(self) -> None:
        """Notice a play that gives no frame for too long; one that waits for its call may."""
        if self._voice is not None and self._voice.encryption.waiting:
            return
        starved_ms = self.lane.page.words[ring.LANE_STARVED] * 20
        threshold = self._around.stuck_threshold // timedelta(milliseconds=1)
        if starved_ms >= threshold and self._stuck_play != self.core.play:
            self._stuck_play = self.core.play
            self.take(player.Stuck(self.core.play, threshold))

    def voice_ready(
        self, end: socket.socket, ssrc: int, seal: tuple[str, bytes], *, encrypted: bool
    ) -> None:
        """Let the pacer send."""
        mode, key = seal
        message = messages.Voice(
            lane=self.lane.number, ssrc=ssrc, mode=mode, key=key, encrypted=encrypted
        )
        self.lane.tell(message, (end.fileno(),))
        self.update()

    def voice_encrypted(self, *, encrypted: bool) -> None:
        """Let the pacer send frames that are encrypted end to end, or plain ones."""
        self.lane.tell(messages.Encrypt(lane=self.lane.number, encrypted=encrypted))

    def voice_lost(self, since: float) -> None:
        """Say where the player was when the voice server was heard of last."""
        state, back = self.state(), round(since * 1000)
        position = max(min(self.core.start_ms, state.position), state.position - back)
        state = msgspec.structs.replace(state, time=state.time - back, position=position)
        self._tell(_PlayerUpdate(guild_id=str(self.core.guild), state=state), False)

    def voice_closed(self, code: int, reason: str, *, by_remote: bool) -> None:
        """Send no more, and say so; the track goes on being consumed, as Lavalink does."""
        self.lane.tell(messages.Unvoice(lane=self.lane.number))
        event = _ClosedEvent(
            type="WebSocketClosedEvent",
            guild_id=str(self.core.guild),
            code=code,
            reason=reason,
            by_remote=by_remote,
        )
        self._tell(event, True)
        self.update()

    async def _leave(self, voice: VoiceConnection) -> None:
        self._voice = None
        connected = voice.connected
        await self._quiet()
        await voice.close()
        if connected:
            self.voice_closed(1000, "", by_remote=False)

    async def _quiet(self) -> None:
        """Let the last silence go out."""
        self._hushed.clear()
        self.lane.tell(messages.Hush(lane=self.lane.number))
        try:
            async with asyncio.timeout(HUSH_TIMEOUT):
                await self._hushed.wait()
        except TimeoutError:
            return

    def _paced(self, message: Pacing) -> None:
        match message:
            case messages.Ending(feed=play):
                self.take(player.Ending(play))
            case messages.Drained(feed=play):
                self.take(player.Drained(play))
            case messages.Hushed():
                self._hushed.set()
            case messages.Started():
                self.update()
            case _:
                assert_never(message)

    def _do(self, effect: player.Effect) -> None:
        lane, core = self.lane, self.core
        match effect:
            case player.Start():
                self._start()
            case player.Stop():
                self._around.engine.stop_feed(lane)
            case player.Drop(play=play):
                self._around.engine.stop_feed(lane, play)
            case player.Release():
                self._around.engine.release_feed(lane)
            case player.Hold(paused=paused):
                lane.tell(messages.Pause(lane=lane.number, paused=paused))
            case player.Limit():
                lane.end = self._end()
                lane.tell(messages.Limit(lane=lane.number, end=lane.end))
            case player.Shape():
                self._around.engine.shape_feed(lane, core.volume, core.filters)
            case player.Update():
                self.update()
            case _:
                self._say(effect)

    def _start(self) -> None:
        core = self.core
        if core.track is None:
            return
        self.lane.end = self._end()
        order = messages.OpenFeed(
            feed=0,
            uri=core.track.info.uri or core.track.info.identifier,
            start=core.start_ms * SAMPLES_A_MS,
            live=core.track.info.is_stream,
            volume=core.volume,
            filters=core.filters,
        )
        self._around.engine.open_feed(self.lane, core.play, order)

    def _end(self) -> int | None:
        end = self.core.end_ms
        return None if end is None else max(SAMPLES, end * SAMPLES_A_MS)

    def _say(self, event: player.Event) -> None:
        guild = str(self.core.guild)
        match event:
            case player.TrackStarted(track=track):
                told = _TrackEvent(type="TrackStartEvent", guild_id=guild, track=track)
            case player.TrackEnded(track=track, reason=reason):
                told = _TrackEvent(type="TrackEndEvent", guild_id=guild, track=track, reason=reason)
            case player.TrackFailed(track=track, exception=exception):
                told = _TrackEvent(
                    type="TrackExceptionEvent", guild_id=guild, track=track, exception=exception
                )
            case player.TrackStuck(track=track, threshold_ms=threshold):
                told = _TrackEvent(
                    type="TrackStuckEvent", guild_id=guild, track=track, threshold_ms=threshold
                )
            case _:
                assert_never(event)
        self._tell(told, True)
