"""Turns units into packets: as they are, or decoded, filtered, encoded; imports PyAV for output."""

import math
from array import array
from collections.abc import Iterable

import av

from legato.node import protocol
from legato.node.media import filters as lavalink
from legato.node.media.chain import Chain
from legato.node.media.decoding import Unit
from legato.node.media.samples import FORMAT, LAYOUT, RATE, TIME_BASE, Samples, frame, pcm
from legato.node.rtp import SAMPLES

FULL_VOLUME = 100

DELAY = 312
"""Samples by which libopus' sound comes later than what went in (6.5 ms at 48 kHz)."""

SETTLE = 5
"""Units encoded before packets are passed on again, 100 ms: more than RFC 7845's 80."""


class Shape:
    """Volume and filters; `plain` when nothing is to be changed."""

    def __init__(self, volume: int, filters: protocol.Filters) -> None:
        gain = volume_gain(volume)
        if isinstance(filters.volume, float | int):
            gain *= filters.volume
        self.line = lavalink.line(filters)
        if abs(gain - 1) >= 1e-6:
            self.line += (lavalink.Filter("volume", f"volume={gain:.6f}:precision=float"),)
        self.pace = lavalink.pace(filters)
        """Track seconds in one of sound; None where each unit gives one packet."""

    @property
    def plain(self) -> bool:
        """Whether sound passes as it is."""
        return not self.line


def volume_gain(percent: int) -> float:
    """Lavaplayer's curve, with 100 as exactly 1."""
    if percent == FULL_VOLUME:
        return 1.0
    if percent <= 150:
        return math.tan(percent * 0.0079)
    return 2.4621 * percent / 150


class Shaper:
    """One rendition of a track: keeps its codecs' state from unit to unit.

    `before` is the shape of what was sent up to here: the first unit goes over from it, so that the
    sound has no jump. Where encoded sound is followed by packets passed on (or a listener's decoder
    comes from elsewhere: `settle`), a few units are encoded first, for the decoder to be in step.
    Where `pace` is set, packets are no longer those of one unit each, and nothing goes over.
    """

    def __init__(
        self,
        shape: Shape,
        *,
        bitrate: int,
        quality: int,
        before: Shape | None = None,
        settle: bool = False,
    ) -> None:
        self._plain = shape.plain
        self.pace = shape.pace
        self._bitrate, self._quality = bitrate, quality
        self._chain = Chain(shape.line)
        fades = before is not None and before.pace is None and shape.pace is None
        self._fading = Chain(before.line) if before is not None and fades else None
        self._settling = SETTLE if settle or before is not None else 0
        self._decoder: av.AudioCodecContext | None = None
        self._encoder: av.AudioCodecContext | None = None
        self._held = Samples()
        self._unheard = 0
        """Units whose packets are not wanted: they only warmed the codecs."""
        self._count = 0

    def warm(self, units: Iterable[Unit]) -> None:
        """Bring the codecs into the state they would have after these units."""
        for unit in units:
            if self._passes(unit):
                continue
            sound = self._sound(unit)
            heard = self._chain.filter(sound)
            self._held.add(heard if self._fading is None else self._fading.filter(sound))
            self._unheard += self.pace is None
            self._packets()

    def shape(self, unit: Unit) -> list[bytes]:
        """Take the next unit; gives the packets that are ready, in the units' order."""
        if unit.packet is not None and self._passes(unit):
            last = self._bring_up(unit) if len(self._held) else []
            self._held = Samples()
            return [*last, unit.packet]
        self._settling -= self._settling > 0
        self._held.add(self._heard(unit))
        return self._packets()

    def flush(self) -> list[bytes]:
        """Give the packets that waited for more sound."""
        self._held.add(self._chain.flush())
        whole, last = self._packets(), self._held.rest()
        return whole if last is None else [*whole, *self._encoded(last)]

    def _passes(self, unit: Unit) -> bool:
        return self._plain and unit.packet is not None and not self._settling

    def _bring_up(self, unit: Unit) -> list[bytes]:
        """Complete the last encoded packet with the first samples of a unit that is passed on."""
        self._held.add(self._chain.filter(self._sound(unit)))
        return self._packets()

    def _heard(self, unit: Unit) -> list[av.AudioFrame]:
        """Filter, going over from the shape before within one unit."""
        sound = self._sound(unit)
        heard = self._chain.filter(sound)
        if self._fading is not None:
            heard = [_cross(*self._fading.filter(sound), *heard)]
            self._fading = None
        return heard

    def _sound(self, unit: Unit) -> av.AudioFrame:
        return unit.sound if unit.sound is not None else self._decode(unit.packet or b"")

    def _decode(self, packet: bytes) -> av.AudioFrame:
        """Decode; the encoder's delay is taken off, so that both ways of a packet are in step."""
        if self._decoder is None:
            self._decoder = _codec("r")
            self._held.skip(DELAY)
        frames = self._decoder.decode(av.Packet(packet))
        return frame(b"".join(pcm(decoded) for decoded in frames))

    def _packets(self) -> list[bytes]:
        """Encode what is whole."""
        ready: list[bytes] = []
        while (sound := self._held.take()) is not None:
            ready += self._encoded(sound)
        return ready

    def _encoded(self, sound: av.AudioFrame) -> list[bytes]:
        """Encode 20 ms; gives nothing while the codecs warm up."""
        if self._encoder is None:
            self._encoder = _encoder(self._bitrate, self._quality)
        sound.sample_rate, sound.time_base, sound.pts = RATE, TIME_BASE, self._count * SAMPLES
        self._count += 1
        packet = b"".join(bytes(packet) for packet in self._encoder.encode(sound))
        if self._unheard:
            self._unheard -= 1
            return []
        return [packet]


def _cross(old: av.AudioFrame, new: av.AudioFrame) -> av.AudioFrame:
    """Go over from one sound to the other within a unit."""
    first, second = array("h", pcm(old)), array("h", pcm(new))
    last = len(second)
    mixed = (a + (b - a) * at // last for at, (a, b) in enumerate(zip(first, second, strict=True)))
    return frame(array("h", mixed).tobytes())


def _codec(mode: str) -> av.AudioCodecContext:
    codec = av.CodecContext.create("libopus", "r" if mode == "r" else "w")
    if not isinstance(codec, av.AudioCodecContext):
        raise TypeError("libopus is no audio codec")
    codec.sample_rate = RATE
    codec.layout = LAYOUT
    return codec


def _encoder(bitrate: int, quality: int) -> av.AudioCodecContext:
    codec = _codec("w")
    codec.format = FORMAT
    codec.bit_rate = bitrate
    codec.time_base = TIME_BASE
    codec.options = {
        "application": "audio",
        "frame_duration": "20",
        "compression_level": str(quality),
        # Expected loss: the first frame and each onset are coded without regard to those before, so
        # that a decoder which comes from another stream, or missed a packet, makes no bang of them.
        "packet_loss": "5",
    }
    return codec
