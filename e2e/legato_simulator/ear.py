"""The process that decodes what a listener kept and says what was heard, on request.

`python -m legato_simulator.ear` reads requests on standard input and answers on standard output,
and ends with its parent. It knows no network.
"""

import asyncio
import sys
from collections.abc import Sequence
from typing import BinaryIO

import msgspec
import numpy as np
from msgspec import Struct

from legato_simulator import opus, timecode
from legato_simulator.continuity import Arrival
from legato_simulator.timecode import Analysis

SILENT_DB = -55.0


class Heard(Struct, frozen=True, kw_only=True):
    """What a stretch of sound is like."""

    loudness_db: float
    """RMS, dB below full scale; -120 is silence."""
    peak: float
    """Of full scale, 0 to 1."""
    frequency_hz: float
    """The strongest tone's; 0 in silence."""
    silent: bool
    sound_ms: float
    """Of the stretch, louder than -60 dB."""
    total_ms: float


class Moment(Struct, frozen=True, kw_only=True):
    """Which moment of which track a packet brought."""

    at: float
    """Arrival, in seconds of the simulator's monotonic clock."""
    track: int
    ms: float


class Moments(Struct, frozen=True, kw_only=True):
    """The time code of a stretch, packet by packet and as a whole."""

    moments: list[Moment]
    analysis: Analysis


class Request(Struct, frozen=True, kw_only=True):
    """Packets to decode: arrival in s, voice connection, payload."""

    want: str
    at: list[float]
    epoch: list[int]
    payload: list[bytes]
    before: list[bytes] = []
    """Decoded first and not heard: a decoder that begins in the middle shows a false peak."""


def samples(request: Request) -> opus.Samples:
    """Decode, with a fresh decoder for each voice connection, as a client does."""
    parts = []
    before = request.before
    for epoch in dict.fromkeys(request.epoch):
        mine = zip(request.epoch, request.payload, strict=True)
        payloads = [payload for number, payload in mine if number == epoch]
        parts.append(opus.decode([*before, *payloads])[len(before) * opus.FRAME :])
        before = []
    return np.concatenate(parts) if parts else np.zeros(0, np.float32)


def heard(request: Request) -> Heard:
    """Say how loud a stretch is and which tone is strongest."""
    sound = samples(request)
    loudness = timecode.loudness_db(sound)
    silent = loudness < SILENT_DB
    blocks = sound[: len(sound) // 240 * 240].reshape(-1, 240)
    loud = int((np.sqrt((blocks**2).mean(axis=1)) > timecode.SOUNDING).sum()) if len(blocks) else 0
    return Heard(
        loudness_db=loudness,
        peak=float(np.abs(sound).max()) if len(sound) else 0.0,
        frequency_hz=0.0 if silent else _strongest(sound),
        silent=silent,
        sound_ms=loud * 5.0,
        total_ms=len(sound) / 48,
    )


def _strongest(sound: opus.Samples) -> float:
    spectrum = np.abs(np.fft.rfft(sound * np.hanning(len(sound))))
    return float(spectrum.argmax() * opus.RATE / len(sound))


def moments(request: Request) -> Moments:
    """Read the time code of a stretch."""
    analysis = timecode.analyse(samples(request))
    return Moments(moments=list(_moments(request, analysis)), analysis=analysis)


def _moments(request: Request, analysis: Analysis) -> list[Moment]:
    found, segments = [], iter(analysis.segments)
    segment = next(segments, None)
    # A voice connection's packets lie together in the samples, in the order they came.
    for number, at in enumerate(request.at):
        middle = number * 20.0 + 10.0
        while segment is not None and segment.heard_to_ms <= middle:
            segment = next(segments, None)
        if segment is not None and segment.heard_from_ms <= middle:
            ms = segment.start_ms + number * 20.0 - segment.heard_from_ms
            found.append(Moment(at=at, track=segment.track, ms=ms))
    return found


class Ear:
    """The parent's side: starts the process when first asked, and asks one thing at a time."""

    def __init__(self) -> None:
        self._process: asyncio.subprocess.Process | None = None
        self._turn = asyncio.Lock()

    async def heard(self, arrivals: list[Arrival], *, before: Sequence[Arrival] = ()) -> Heard:
        """Say how loud a stretch is and which tone is strongest; `before` is what led to it."""
        answer = await self._ask("heard", arrivals, before)
        return msgspec.msgpack.decode(answer, type=Heard)

    async def moments(self, arrivals: list[Arrival], *, before: Sequence[Arrival] = ()) -> Moments:
        """Read the time code of a stretch."""
        answer = await self._ask("moments", arrivals, before)
        return msgspec.msgpack.decode(answer, type=Moments)

    async def stop(self) -> None:
        """End the process."""
        if self._process is not None:
            process, self._process = self._process, None
            if process.stdin is not None:
                process.stdin.close()
            await process.wait()

    async def _ask(
        self, want: str, arrivals: Sequence[Arrival], before: Sequence[Arrival]
    ) -> bytes:
        request = msgspec.msgpack.encode(
            Request(
                want=want,
                at=[arrival.at_ns / 1e9 for arrival in arrivals],
                epoch=[arrival.epoch for arrival in arrivals],
                payload=[arrival.payload for arrival in arrivals],
                before=[arrival.payload for arrival in before],
            )
        )
        async with self._turn:
            reader, writer = await self._pipes()
            writer.write(len(request).to_bytes(4, "big") + request)
            await writer.drain()
            size = int.from_bytes(await reader.readexactly(4), "big")
            return await reader.readexactly(size)

    async def _pipes(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._process is None or self._process.returncode is not None:
            self._process = await asyncio.create_subprocess_exec(
                sys.executable,
                "-m",
                "legato_simulator.ear",
                stdin=asyncio.subprocess.PIPE,
                stdout=asyncio.subprocess.PIPE,
            )
        reader, writer = self._process.stdout, self._process.stdin
        if reader is None or writer is None:
            raise BrokenPipeError("the ear's process has no pipes")
        return reader, writer


def serve(source: BinaryIO, sink: BinaryIO) -> None:
    """Answer requests until the parent closes the pipe."""
    while head := source.read(4):
        request = msgspec.msgpack.decode(source.read(int.from_bytes(head, "big")), type=Request)
        told = heard(request) if request.want == "heard" else moments(request)
        answer = msgspec.msgpack.encode(told)
        sink.write(len(answer).to_bytes(4, "big") + answer)
        sink.flush()


if __name__ == "__main__":
    serve(sys.stdin.buffer, sys.stdout.buffer)
