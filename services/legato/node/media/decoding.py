"""Opens media with FFmpeg and gives it in units of 20 ms from any position; imports PyAV for input.

FFmpeg opens nothing itself: it reads through our reader, with a demuxer that the first bytes chose.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from fractions import Fraction
from types import TracebackType
from typing import Protocol, TypeAlias

import av
from av.audio.stream import AudioStream

from legato.node.errors import MediaError
from legato.node.media import opus, sniff
from legato.node.media.samples import FORMAT, LAYOUT, RATE, Samples
from legato.node.ring import FRAME_LIMIT
from legato.node.rtp import SAMPLES

PREROLL = 8 * SAMPLES
"""Decoded before a position sought, for the decoder to settle (RFC 7845 asks for 80 ms)."""

OGG_FLAC_PREROLL = 4 * RATE
"""FFmpeg dates what follows a seek to the last page of FLAC in Ogg a frame too late (96 ms), since
the last frame is a short one; from the page before it on it counts right."""

OPEN_OPTIONS = {
    "probesize": "1000000",
    "analyzeduration": "5000000",
    "format_whitelist": "ogg,matroska,webm,mp3,flac,wav,mov,mp4,m4a,3gp,3g2,mj2,aac",
    "protocol_whitelist": "none",
}


class Bytes(Protocol):
    """What a reader must do."""

    @property
    def length(self) -> int | None:
        """Size in bytes, where it is known."""

    @property
    def seekable_by_range(self) -> bool:
        """Whether any place can be read from."""

    def read(self, size: int) -> bytes:
        """Read up to `size` bytes."""

    def seek(self, offset: int, whence: int = 0) -> int:
        """Move."""

    def tell(self) -> int:
        """Say where the next byte comes from."""


@dataclass(frozen=True, slots=True)
class Unit:
    """20 ms of a track: as an Opus packet, or as sound (16 bits, stereo, 48 kHz)."""

    position: int
    packet: bytes | None = None
    sound: av.AudioFrame | None = None


Packets: TypeAlias = "av.Packet[AudioStream]"


class _Forward:
    """A reader without `seek`, so that FFmpeg does not look at the end first."""

    def __init__(self, reader: Bytes) -> None:
        self.read = reader.read


class Media:
    """An open link; a context manager."""

    def __init__(self, reader: Bytes, *, seek: bool) -> None:
        self._reader = reader
        self.container = recognise(reader)
        seekable = reader.seekable_by_range and (seek or self.container.needs_seek)
        self._seekable = seekable
        source = reader if seekable else _Forward(reader)
        try:
            options = OPEN_OPTIONS | self.container.options
            opened = av.open(
                source,
                "r",
                format=self.container.demuxer,
                options=options,
                metadata_errors="surrogateescape",
            )
        except (av.FFmpegError, ValueError) as error:
            raise broken(error) from error
        self._input = opened
        self.stream: AudioStream = self._audio()
        self._tick = (self.stream.time_base or Fraction(1, RATE)) * RATE
        """Samples in one unit of the stream's time."""
        self._base = self._first_position()

    def __enter__(self) -> "Media":
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        self.close()

    def close(self) -> None:
        """Let go of FFmpeg; the reader stays open."""
        self._input.close()

    @property
    def duration_ms(self) -> int | None:
        """Length as far as the container tells it, or as its size and bit rate do."""
        if self.stream.duration and self.stream.time_base:
            return int(self.stream.duration * self.stream.time_base * 1000)
        if self._input.duration:
            return self._input.duration * 1000 // av.time_base
        rate = self.stream.codec_context.bit_rate or self._input.bit_rate
        if rate and self._reader.length is not None:
            return self._reader.length * 8000 // rate
        return None

    @property
    def tags(self) -> dict[str, str]:
        """The container's and the stream's tags, names in small letters."""
        return {
            name.lower(): _readable(value)
            for source in (self._input.metadata, self.stream.metadata)
            for name, value in source.items()
        }

    def units(self, start: int) -> Iterator[Unit]:
        """Give the track from `start` (in samples) on; raises MediaError."""
        try:
            if start and self._seekable:
                self._seek(max(0, start - self._preroll))
            yield from self._units(start)
        except (av.FFmpegError, ValueError) as error:
            raise broken(error) from error

    def _audio(self) -> AudioStream:
        if not self._input.streams.audio:
            raise MediaError("The file has no sound.", "common", "no audio stream")
        stream = self._input.streams.audio[0]
        # FFmpeg gives none for a codec it does not know, whatever PyAV's types say.
        context: object = stream.codec_context
        if context is None:
            raise MediaError("The file's codec is not known.", "common", "no decoder for its sound")
        if stream.codec_context.name == "opus":
            stream.codec_context.thread_count = 1
        return stream

    def _first_position(self) -> int:
        """Give the time that counts as 0; a decoder's delay lies before it."""
        if self._is_opus:
            return -self._preskip
        start = self.stream.start_time
        return 0 if start is None else max(0, self._samples(start))

    @property
    def _is_opus(self) -> bool:
        return self.stream.codec_context.name in {"opus", "libopus"}

    @property
    def _preroll(self) -> int:
        """Samples to begin before a position."""
        is_ogg_flac = self.container is sniff.OGG and self.stream.codec_context.name == "flac"
        return OGG_FLAC_PREROLL if is_ogg_flac else PREROLL

    @property
    def _preskip(self) -> int:
        """Samples that an Opus decoder throws away first, from the identification header."""
        header = self.stream.codec_context.extradata or b""
        return int.from_bytes(header[10:12], "little") if header[:8] == b"OpusHead" else 0

    def _samples(self, time: int) -> int:
        # Whole numbers: this is done for every packet, and fractions cost more than the demuxer.
        return (2 * time * self._tick.numerator + self._tick.denominator) // (
            2 * self._tick.denominator
        )

    def _seek(self, position: int) -> None:
        target = Fraction(position + self._base, RATE)
        base = self.stream.time_base or Fraction(1, RATE)
        self._input.seek(max(0, int(target / base)), stream=self.stream, backward=True)

    def _units(self, start: int) -> Iterator[Unit]:
        packets = self._input.demux(self.stream)
        if self._is_opus and self.stream.codec_context.channels <= 2:
            yield from self._passed(packets, start)
        else:
            yield from self._decoded(packets, start)

    def _passed(self, packets: Iterator[Packets], start: int) -> Iterator[Unit]:
        """Give Opus packets as they are, for as long as each is 20 ms."""
        expected: int | None = None
        for packet in packets:
            data = bytes(packet)
            if not data:
                continue
            if opus.samples(data) != SAMPLES or len(data) > FRAME_LIMIT:
                yield from self._decoded(_chain(packet, packets), start)
                return
            position = expected
            if packet.pts is not None:
                told = self._samples(packet.pts) - self._base
                # WebM tells whole ms only: what is nearly in step is in step.
                if position is None or abs(told - position) > SAMPLES // 2:
                    position = round(told / SAMPLES) * SAMPLES
            expected = (position or 0) + SAMPLES
            if expected > start - PREROLL:
                yield Unit(max(0, expected - SAMPLES), packet=data)

    def _decoded(self, packets: Iterator[Packets], start: int) -> Iterator[Unit]:
        """Give sound, cut to the position asked for."""
        resampler, held = _Resampler(), Samples()
        position: int | None = None
        why: av.FFmpegError | None = None
        for packet in packets:
            frames, why = _decode(self.stream, packet, why)
            for frame in frames:
                if position is None:
                    position = self._samples(frame.pts or 0) - self._base
                    held.skip(start - position)
                    position = max(position, start)
                held.add(resampler.resample(frame))
            while (sound := held.take()) is not None and position is not None:
                yield Unit(position, sound=sound)
                position += SAMPLES
        held.add(resampler.rest())
        if (sound := held.rest()) is not None and position is not None:
            yield Unit(position, sound=sound)
        if position is None and why is not None:
            raise broken(why)


class _Resampler:
    """Brings frames to the node's form, also where a file changes its own on the way."""

    def __init__(self) -> None:
        self._from: tuple[int, str, str] | None = None
        self._now = self._new()

    def resample(self, frame: av.AudioFrame) -> list[av.AudioFrame]:
        """Take a frame, and give what is ready."""
        form, ready = (frame.sample_rate, frame.layout.name, frame.format.name), []
        if form != self._from:
            ready, self._now, self._from = self.rest(), self._new(), form
        return [*ready, *self._now.resample(frame)]

    def rest(self) -> list[av.AudioFrame]:
        """Give what was still held back."""
        return [] if self._from is None else self._now.resample(None)

    def _new(self) -> av.AudioResampler:
        return av.AudioResampler(format=FORMAT, layout=LAYOUT, rate=RATE)


def recognise(reader: Bytes) -> sniff.Container:
    """Look at the first bytes, past a tag, and go back to them; raises MediaError."""
    head = _exactly(reader, 4096)
    container = sniff.sniff(head)
    tag = sniff.tag_length(head)
    if container is None and tag:
        # A tag with a long picture is not read to its end: nearly always MPEG audio follows.
        after = head[tag : tag + sniff.NEEDED]
        container = (sniff.sniff(after) if after else None) or sniff.MP3
    reader.seek(0)
    if container is None:
        raise MediaError("Unknown file format.", "common", "not a container that is known")
    return container


def broken(error: Exception) -> MediaError:
    """Say in our words what FFmpeg found; our reader's own error comes through as its cause."""
    inner = error.__cause__ or error.__context__
    if isinstance(inner, MediaError):
        return inner
    return MediaError("The file is broken.", "suspicious", str(error))


def _exactly(reader: Bytes, size: int) -> bytes:
    data = bytearray()
    while len(data) < size:
        more = reader.read(size - len(data))
        if not more:
            break
        data += more
    return bytes(data)


def _chain(first: Packets, rest: Iterator[Packets]) -> Iterator[Packets]:
    yield first
    yield from rest


def _decode(
    stream: AudioStream, packet: Packets, why: av.FFmpegError | None
) -> tuple[list[av.AudioFrame], av.FFmpegError | None]:
    """Decode one packet, and give the newest error; broken ones are no reason to stop."""
    try:
        return list(stream.codec_context.decode(packet)), why
    except av.EOFError:
        return [], why
    except av.FFmpegError as error:
        return [], error


def _readable(tag: str) -> str:
    """Read a tag that is no UTF-8 as what Windows wrote, which such a tag mostly is."""
    if tag.isprintable():
        return tag
    raw = tag.encode("utf-8", "surrogateescape")
    try:
        return raw.decode()
    except UnicodeDecodeError:
        return raw.decode("cp1252", "replace")
