"""Turns units into packets: as they are, or decoded, filtered, encoded; imports PyAV for output."""

import math
from array import array
from collections.abc import Iterable

import av
import av.filter
from av.filter.context import FilterContext

from legato.node import protocol
from legato.node.media import equalizer
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
        self.gain = volume_gain(volume)
        if isinstance(filters.volume, float | int):
            self.gain *= filters.volume
        bands = filters.equalizer if isinstance(filters.equalizer, tuple) else ()
        self.bands = {band.band: equalizer.clamp(band.gain) for band in bands}
        self.bands = {band: gain for band, gain in self.bands.items() if gain}
        self.plain = abs(self.gain - 1) < 1e-6 and not self.bands


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
        self._bitrate, self._quality = bitrate, quality
        self._chain = _Chain(shape)
        self._fading = None if before is None else _Chain(before)
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
            self._held.add([heard if self._fading is None else self._fading.filter(sound)])
            self._unheard += 1
            self._packets()

    def shape(self, unit: Unit) -> list[bytes]:
        """Take the next unit; gives the packets that are ready, one a unit and in their order."""
        if unit.packet is not None and self._passes(unit):
            last = self._bring_up(unit) if len(self._held) else []
            self._held = Samples()
            return [*last, unit.packet]
        self._settling -= self._settling > 0
        self._held.add([self._heard(unit)])
        return self._packets()

    def flush(self) -> list[bytes]:
        """Give the packets that waited for more sound."""
        last = self._held.rest()
        return [] if last is None else self._encoded(last)

    def _passes(self, unit: Unit) -> bool:
        return self._plain and unit.packet is not None and not self._settling

    def _bring_up(self, unit: Unit) -> list[bytes]:
        """Complete the last encoded packet with the first samples of a unit that is passed on."""
        self._held.add([self._chain.filter(self._sound(unit))])
        return self._packets()

    def _heard(self, unit: Unit) -> av.AudioFrame:
        """Filter, going over from the shape before within one unit."""
        sound = self._sound(unit)
        heard = self._chain.filter(sound)
        if self._fading is not None:
            heard = _cross(self._fading.filter(sound), heard)
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


class _Chain:
    """A shape's filters, with their state."""

    def __init__(self, shape: Shape) -> None:
        self._graph = None if shape.plain else _graph(shape)
        self._count = 0

    def filter(self, sound: av.AudioFrame) -> av.AudioFrame:
        """Filter one unit."""
        if self._graph is None:
            return sound
        sound.sample_rate, sound.time_base, sound.pts = RATE, TIME_BASE, self._count * SAMPLES
        self._count += 1
        self._graph.push(sound)
        pulled = self._graph.pull()
        if not isinstance(pulled, av.AudioFrame):
            raise TypeError("the filters gave no sound")
        return pulled


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


def _graph(shape: Shape) -> av.filter.Graph:
    """Build: gain, the equalizer's bands beside the dry sound, clipping by the sample format."""
    graph = av.filter.Graph()
    source = graph.add_abuffer(sample_rate=RATE, format=FORMAT, layout=LAYOUT, time_base=TIME_BASE)
    sink = graph.add("abuffersink")
    last = source
    for name, arguments in _stages(shape):
        stage = graph.add(name, arguments)
        last.link_to(stage)
        last = stage
    if shape.bands:
        last = _equalize(graph, last, shape.bands)
    clip = graph.add("aformat", f"sample_fmts={FORMAT}:channel_layouts={LAYOUT}")
    last.link_to(clip)
    clip.link_to(sink)
    graph.configure()
    return graph


def _stages(shape: Shape) -> list[tuple[str, str]]:
    stages = [("aformat", "sample_fmts=flt")]
    if shape.gain != 1:
        stages.append(("volume", f"volume={shape.gain:.6f}:precision=float"))
    return stages


def _equalize(
    graph: av.filter.Graph, last: FilterContext, bands: dict[int, float]
) -> FilterContext:
    split = graph.add("asplit", str(len(bands) + 1))
    mix = graph.add("amix", f"inputs={len(bands) + 1}:normalize=0")
    last.link_to(split)
    split.link_to(mix, 0, 0)
    for index, (band, gain) in enumerate(sorted(bands.items()), start=1):
        biquad = graph.add("biquad", equalizer.biquad(band, gain))
        split.link_to(biquad, index, 0)
        biquad.link_to(mix, 0, index)
    return mix
