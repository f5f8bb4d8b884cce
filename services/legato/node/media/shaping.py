"""Turns units into packets: as they are, or decoded, filtered, encoded; imports PyAV for output."""

import math
from collections.abc import Iterable
from fractions import Fraction

import av
import av.filter
from av.filter.context import FilterContext

from legato.node import protocol
from legato.node.media import equalizer
from legato.node.media.decoding import RATE, UNIT_BYTES, Unit
from legato.node.rtp import SAMPLES

LAYOUT, FORMAT = "stereo", "s16"
TIME_BASE = Fraction(1, RATE)
FULL_VOLUME = 100


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
    """One rendition of a track: keeps its codecs' state from unit to unit."""

    def __init__(self, shape: Shape, *, bitrate: int, quality: int) -> None:
        self._shape = shape
        self._bitrate, self._quality = bitrate, quality
        self._graph = None if shape.plain else _graph(shape)
        self._decoder: av.AudioCodecContext | None = None
        self._encoder: av.AudioCodecContext | None = None
        self._count = 0

    def warm(self, units: Iterable[Unit]) -> None:
        """Bring the codecs into the state they would have after these units."""
        for unit in units:
            if not (self._shape.plain and unit.packet is not None):
                self.shape(unit)

    def shape(self, unit: Unit) -> bytes:
        """Make the packet of one unit."""
        if self._shape.plain and unit.packet is not None:
            return unit.packet
        pcm = unit.pcm if unit.pcm is not None else self._decode(unit.packet or b"")
        return self._encode(pcm)

    def _decode(self, packet: bytes) -> bytes:
        if self._decoder is None:
            self._decoder = _codec("r")
        frames = self._decoder.decode(av.Packet(packet))
        pcm = b"".join(bytes(frame.planes[0])[: frame.samples * 4] for frame in frames)
        return pcm[:UNIT_BYTES].ljust(UNIT_BYTES, b"\0")

    def _encode(self, pcm: bytes) -> bytes:
        frame = av.AudioFrame(format=FORMAT, layout=LAYOUT, samples=SAMPLES, align=1)
        frame.planes[0].update(pcm)
        frame.sample_rate, frame.time_base, frame.pts = RATE, TIME_BASE, self._count * SAMPLES
        self._count += 1
        if self._graph is not None:
            self._graph.push(frame)
            pulled = self._graph.pull()
            if not isinstance(pulled, av.AudioFrame):
                raise TypeError("the filters gave no sound")
            frame = pulled
        if self._encoder is None:
            self._encoder = _encoder(self._bitrate, self._quality)
        return b"".join(bytes(packet) for packet in self._encoder.encode(frame))


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
