"""Files of the music and the test tones: Ogg Opus, WebM, MP3, FLAC, WAV, made once and kept.

`python -m legato_simulator.media --list` names them, `--make DIR` writes them. A file's folder is
named after all that decides its bytes, so a change of the generator makes new files. It knows no
server.
"""

import argparse
import hashlib
import os
import re
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import av
import numpy as np
from msgspec import Struct

from legato_simulator import music, opus, synth, timecode
from legato_simulator.opus import RATE, Samples

TONE = re.compile(r"tone-(\d{1,2})-(\d{1,4})s")
FEATURED_TONES = ("tone-1-60s", "tone-2-60s", "tone-3-180s")
CHUNK = RATE // 10


@dataclass(frozen=True, slots=True)
class Format:
    """How a file ending is written."""

    container: str
    codec: str
    content_type: str
    bitrate: int | None = None


FORMATS = {
    "ogg": Format("ogg", "libopus", "audio/ogg", 128_000),
    "webm": Format("webm", "libopus", "audio/webm", 128_000),
    "mp3": Format("mp3", "libmp3lame", "audio/mpeg", 192_000),
    "flac": Format("flac", "flac", "audio/flac"),
    "wav": Format("wav", "pcm_s16le", "audio/wav"),
}


class Item(Struct, frozen=True, kw_only=True):
    """One piece or tone of the catalogue."""

    name: str
    title: str
    artist: str
    seconds: float
    kind: str
    """music or tone."""
    formats: list[str]
    """File endings: `name.ending` is the file."""


def catalogue() -> list[Item]:
    """List the pieces, then some tones; any other tone can be asked for by name."""
    pieces = [_item(name, title, seconds) for name, title, seconds in music.described()]
    tones = [item for name in FEATURED_TONES if (item := described(name)) is not None]
    return [*pieces, *tones]


def described(name: str) -> Item | None:
    """Describe a piece, or a tone named `tone-TRACK-SECONDSs`; None if there is none such."""
    for piece, title, seconds in music.described():
        if piece == name:
            return _item(name, title, seconds)
    match = TONE.fullmatch(name)
    if match is None:
        return None
    track, seconds = int(match[1]), int(match[2])
    if track > 15 or not 1 <= seconds * 1000 <= timecode.LONGEST_MS:
        return None
    title = f"Test tone {track}, {seconds} seconds"
    return _item(name, title, float(seconds), kind="tone")


def _item(name: str, title: str, seconds: float, kind: str = "music") -> Item:
    return Item(
        name=name,
        title=title,
        artist=music.ARTIST,
        seconds=round(seconds, 3),
        kind=kind,
        formats=list(FORMATS),
    )


def samples(name: str) -> Samples:
    """Make a piece (stereo) or tone (mono); raises KeyError for what the catalogue has not."""
    for piece in music.PIECES:
        if piece.name == name:
            return music.compose(piece)
    item, match = described(name), TONE.fullmatch(name)
    if item is None or match is None:
        raise KeyError(name)
    return timecode.tone(int(match[1]), item.seconds * 1000)


def default_cache() -> Path:
    """Name the user's cache folder for these files."""
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "legato" / "simulator-media"


def path(name: str, ending: str, cache: Path) -> Path:
    """Say where a file is, or will be once made."""
    made_of = b"".join(
        Path(str(module.__file__)).read_bytes() for module in (synth, music, timecode, opus)
    )
    inputs = made_of + Path(__file__).read_bytes() + av.__version__.encode()
    return cache / hashlib.sha256(inputs).hexdigest()[:16] / f"{name}.{ending}"


def make(name: str, endings: list[str], cache: Path) -> list[Path]:
    """Make the files that are not there yet; raises KeyError for an unknown name or ending."""
    formats = [FORMATS[ending] for ending in endings]
    paths = [path(name, ending, cache) for ending in endings]
    wanted = [(p, f) for p, f in zip(paths, formats, strict=True) if not p.exists()]
    if wanted:
        sound, item = samples(name), described(name)
        for target, kind in wanted:
            target.parent.mkdir(parents=True, exist_ok=True)
            part = target.with_name(f".{os.getpid()}-{target.name}")
            write(sound, kind, part, title=item.title if item else name)
            part.replace(target)
    return paths


def write(sound: Samples, kind: Format, target: Path, *, title: str) -> None:
    """Encode samples into a file."""
    with av.open(str(target), "w", format=kind.container) as output:
        output.metadata.update({"title": title, "artist": music.ARTIST})
        stream = output.add_stream(kind.codec, rate=RATE)
        if not isinstance(stream, av.AudioStream):
            raise TypeError(f"{kind.codec} makes no audio")
        stream.layout = "stereo"
        if kind.bitrate:
            stream.bit_rate = kind.bitrate
        resampler = av.AudioResampler(stream.format, "stereo", RATE)
        for frame in _frames(sound):
            for fitted in resampler.resample(frame):
                output.mux(stream.encode(fitted))
        for fitted in resampler.resample(None):
            output.mux(stream.encode(fitted))
        output.mux(stream.encode(None))


def _frames(sound: Samples) -> Iterator[av.AudioFrame]:
    for start in range(0, sound.shape[-1], CHUNK):
        part = np.ascontiguousarray(sound[..., start : start + CHUNK])
        yield opus.audio_frame(part, start)


def main(arguments: list[str] | None = None) -> int:
    """Run the command line."""
    parser = argparse.ArgumentParser(prog="python -m legato_simulator.media", description=__doc__)
    parser.add_argument("--list", action="store_true", help="name what can be made")
    parser.add_argument("--make", metavar="DIR", type=Path, help="make files in a cache folder")
    parser.add_argument("names", nargs="*", help="name.ending, or a name for all its formats")
    options = parser.parse_args(arguments)
    if options.make is None:
        for item in catalogue():
            sys.stdout.write(f"{item.name:20} {item.seconds:7.1f} s  {item.title}\n")
        return 0
    # Whatever plays on this machine meanwhile comes first.
    os.nice(10)
    for asked in options.names or [item.name for item in catalogue()]:
        name, _, ending = asked.partition(".")
        try:
            made = make(name, [ending] if ending else list(FORMATS), options.make)
        except KeyError:
            sys.stderr.write(f"there is no {asked}; --list names what there is\n")
            return 2
        sys.stdout.writelines(f"{one}\n" for one in made)
    return 0


if __name__ == "__main__":
    sys.exit(main())
