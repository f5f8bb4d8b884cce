"""One guild's ear on one bot: every packet it sends, over all its voice connections.

It decrypts, judges and keeps packets; it never decodes (ear.py does, on request) and it has no
clock of its own: arrivals come with the time the socket had them.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from msgspec import Struct

from legato_simulator import continuity, rtp
from legato_simulator.continuity import Arrival, Continuity
from legato_simulator.voice_ears import Frame

SPOKE_NS = 250_000_000
"""So long after its latest sound a bot is shown as speaking."""
LEADING = 5
"""Packets until a decoder that begins in the middle of a stream is right: 100 ms."""
KEPT_PACKETS = 9_000
"""Three minutes of sound, about 4 MB."""


Hear = Callable[[int, Frame], None]
"""Lets the call's members open a user's frame."""


class Epoch(Struct, frozen=True, kw_only=True):
    """What one voice connection of the bot sent: its own SSRC, key and numbers."""

    ssrc: int
    mode: str
    payload_types: list[int]
    undecryptable: int
    sealed: int = 0
    """Packets whose end-to-end encryption nobody in the call could open."""
    continuity: Continuity


class Report(Struct, frozen=True, kw_only=True):
    """What a listener received, in numbers."""

    guild_id: int
    user_id: int
    now: float
    """The simulator's monotonic clock, s; every `at` is in it."""
    quiet_ms: float | None
    """Since the newest packet; None before the first."""
    packets: int
    sound: int
    silence: int
    worst_gap_ms: float
    """The longest interval between sounding packets, also across voice connections; a bot that
    stops in order, with silence, leaves none."""
    longest_silence_ms: float = 0.0
    """The longest interval between sounds, stops in order too: what people hear as a hole."""
    breaks: int
    epochs: list[Epoch]

    @property
    def unbroken(self) -> bool:
        """Say whether all came over one connection whose numbers all followed."""
        return self.breaks == 0 and len(self.epochs) == 1


@dataclass(slots=True)
class _Stream:
    """One voice connection's packets as they come."""

    number: int
    ssrc: int
    mode: str
    crypt: rtp.Crypt
    judge: continuity.Judge
    payload_types: set[int]
    hear: Hear | None = None
    undecryptable: int = 0
    sealed: int = 0

    def told(self, judged: Continuity) -> Epoch:
        return Epoch(
            ssrc=self.ssrc,
            mode=self.mode,
            payload_types=sorted(self.payload_types),
            undecryptable=self.undecryptable,
            sealed=self.sealed,
            continuity=judged,
        )


class Listener:
    """Receives one bot's packets in one guild."""

    def __init__(self, guild_id: int, user_id: int, *, keep: int = KEPT_PACKETS) -> None:
        self.guild_id, self.user_id = guild_id, user_id
        self.kept: deque[Arrival] = deque(maxlen=keep)
        self.followers: list[deque[bytes]] = []
        """Live readers of the Opus payloads; each deque is bounded by whoever added it."""
        self._streams: list[_Stream] = []
        self._worst_ns = self._stillest_ns = 0
        self._sounded_ns: int | None = None
        self._newest: Arrival | None = None
        self._coming: deque[tuple[_Stream, int, rtp.Packet, Frame]] = deque()
        """What waits for the call's members to open it, in order."""

    def begin(self, ssrc: int, mode: str, key: bytes, hear: Hear | None = None) -> None:
        """Start listening to a new voice connection of the bot."""
        crypt = rtp.crypt(mode, key)
        number = len(self._streams)
        self._streams.append(_Stream(number, ssrc, mode, crypt, continuity.Judge(), set(), hear))

    def receive(self, data: bytes, at_ns: int) -> None:
        """Take one packet of the newest connection as the socket had it."""
        stream = self._streams[-1]
        try:
            packet = rtp.parse(data, stream.crypt)
        except rtp.BadPacket:
            stream.undecryptable += 1
            return
        frame = Frame(packet.payload)
        if stream.hear is None:
            frame.plain = packet.payload
        else:
            stream.hear(self.user_id, frame)
        self._coming.append((stream, at_ns, packet, frame))
        self.settle()

    def settle(self) -> None:
        """Take in, in order, what need not be waited for."""
        while self._coming:
            stream, at_ns, packet, frame = self._coming[0]
            if frame.plain is None and frame.waiting:
                return
            self._coming.popleft()
            if frame.plain is None:
                stream.sealed += 1
            else:
                self._keep(stream, at_ns, packet, frame.plain)

    def _keep(self, stream: _Stream, at_ns: int, packet: rtp.Packet, payload: bytes) -> None:
        numbers = (packet.sequence, packet.timestamp, packet.counter)
        arrival = Arrival(at_ns, *numbers, payload, stream.number)
        stream.payload_types.add(packet.payload_type)
        stream.judge.add(arrival)
        if not arrival.silent:
            self._sounds(at_ns)
        self._newest = arrival
        self.kept.append(arrival)
        for follower in self.followers:
            follower.append(payload)

    def _sounds(self, at_ns: int) -> None:
        """Note how long it was still before a sound."""
        newest, sounded = self._newest, self._sounded_ns
        if newest is not None and not newest.silent:
            self._worst_ns = max(self._worst_ns, at_ns - newest.at_ns)
        if sounded is not None:
            self._stillest_ns = max(self._stillest_ns, at_ns - sounded)
        self._sounded_ns = at_ns

    def unfollow(self, packets: deque[bytes]) -> None:
        """End a live reader; equal deques are not the same reader."""
        self.followers = [one for one in self.followers if one is not packets]

    def speaking(self, now_ns: int) -> bool:
        """Say whether sound, not silence, came just now."""
        newest = self._newest
        return newest is not None and not newest.silent and now_ns - newest.at_ns < SPOKE_NS

    def since(self, at: float | None) -> list[Arrival]:
        """List the kept packets that came at or after a moment of the receiver's clock."""
        if at is None:
            return list(self.kept)
        start = int(at * 1e9)
        return [arrival for arrival in self.kept if arrival.at_ns >= start]

    def before(self, at: float | None) -> list[Arrival]:
        """List the few packets just before a moment, of the connection whose packets follow it."""
        following = self.since(at)
        if not following:
            return []
        first = following[0]
        earlier = [one for one in self.kept if one.at_ns < first.at_ns and one.epoch == first.epoch]
        return earlier[-LEADING:]

    def _and_one_before(self, at: float) -> list[Arrival]:
        """List the packets since a moment and the one before: a gap may lie across the moment."""
        following = self.since(at)
        earlier = len(self.kept) - len(following)
        return [self.kept[earlier - 1], *following] if earlier else following

    def report(self, *, now: float, since: float | None = None) -> Report:
        """Say what came: from the first packet on, or, from the kept ones, since a moment."""
        epochs = self._whole() if since is None else self._stretch(self.since(since))
        stretch = None if since is None else self._and_one_before(since)
        worst = self._worst_ns / 1e6 if stretch is None else continuity.worst_gap_ms(stretch)
        stillest = (
            self._stillest_ns / 1e6 if stretch is None else continuity.longest_silence_ms(stretch)
        )
        newest = self._newest
        return Report(
            guild_id=self.guild_id,
            user_id=self.user_id,
            now=now,
            quiet_ms=now * 1e3 - newest.at_ns / 1e6 if newest else None,
            packets=sum(epoch.continuity.packets for epoch in epochs),
            sound=sum(epoch.continuity.sound for epoch in epochs),
            silence=sum(epoch.continuity.silence for epoch in epochs),
            worst_gap_ms=worst,
            longest_silence_ms=stillest,
            breaks=sum(len(epoch.continuity.breaks) for epoch in epochs),
            epochs=epochs,
        )

    def _whole(self) -> list[Epoch]:
        return [stream.told(stream.judge.told()) for stream in self._streams]

    def _stretch(self, arrivals: list[Arrival]) -> list[Epoch]:
        parts = {
            stream.number: [a for a in arrivals if a.epoch == stream.number]
            for stream in self._streams
        }
        return [self._streams[n].told(continuity.judge(part)) for n, part in parts.items() if part]
