"""A few pieces of music, made by code, that a person likes to hear.

Pure: a piece's name in, stereo samples out, the same ones every time. Harmony and form are
written down below; the melodies are walks over them that repeat themselves as tunes do.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass

import numpy as np

from legato_simulator import synth
from legato_simulator.synth import Desk, Mono, Stereo

ARTIST = "The Simulators"
TAIL = 4.0
"""Seconds after the last bar, for the room to die away."""

MIDDLE = 75
"""The tune's home, E flat above the staff's middle line: it is drawn back there."""

Instrument = Callable[[int, float], Mono]


@dataclass(frozen=True, slots=True)
class Chord:
    """A bass note and the voices above it, as MIDI numbers."""

    root: int
    voices: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class Part:
    """Some bars with the same players: pad, bass, keys, arp, tune, beat."""

    bars: int
    players: frozenset[str]


@dataclass(frozen=True, slots=True)
class Piece:
    """One piece: its harmony, form and colours."""

    name: str
    title: str
    tempo: float
    beats: int
    scale: tuple[int, ...]
    """Semitones of the key from C."""
    chords: tuple[Chord, ...]
    """One a bar, again and again."""
    parts: tuple[Part, ...]
    lead: Instrument
    rhythm: tuple[tuple[float, ...], tuple[float, ...]]
    """Lengths of the tune's notes in beats, in odd and even bars."""
    swing: float = 0.0
    reverb: float = 2.0
    seed: int = 1

    @property
    def beat(self) -> float:
        """Seconds of a beat."""
        return 60 / self.tempo

    @property
    def bars(self) -> int:
        """Bars of all parts."""
        return sum(part.bars for part in self.parts)

    @property
    def seconds(self) -> float:
        """Length with the tail."""
        return self.bars * self.beats * self.beat + TAIL


def _part(bars: int, players: str) -> Part:
    return Part(bars, frozenset(players.split()))


HARBOUR = Piece(
    name="harbour-at-dusk",
    title="Harbour at Dusk",
    tempo=70,
    beats=4,
    scale=(2, 4, 6, 7, 9, 11, 1),
    chords=(
        Chord(38, (54, 57, 61, 64)),
        Chord(35, (54, 57, 61, 62)),
        Chord(43, (54, 57, 59, 62)),
        Chord(33, (55, 59, 62, 64)),
        Chord(38, (54, 57, 61, 64)),
        Chord(40, (55, 59, 62, 66)),
        Chord(43, (54, 59, 62, 66)),
        Chord(33, (55, 59, 62, 64)),
    ),
    parts=(
        _part(4, "pad keys"),
        _part(8, "pad keys bass tune"),
        _part(8, "pad keys bass tune"),
        _part(4, "pad bass"),
        _part(8, "pad keys bass tune"),
    ),
    lead=synth.electric_piano,
    rhythm=((1.5, 0.5, 2.0), (1.0, 1.0, 0.5, 1.5)),
    reverb=2.8,
    seed=4,
)

TRAM = Piece(
    name="morning-tram",
    title="Morning Tram",
    tempo=112,
    beats=4,
    scale=(5, 7, 9, 10, 0, 2, 4),
    chords=(
        Chord(41, (57, 60, 64, 67)),
        Chord(45, (55, 60, 64, 67)),
        Chord(46, (57, 60, 62, 65)),
        Chord(36, (58, 62, 65, 67)),
        Chord(38, (57, 60, 64, 65)),
        Chord(43, (58, 62, 65, 69)),
        Chord(46, (57, 62, 65, 69)),
        Chord(36, (58, 62, 64, 67)),
    ),
    parts=(
        _part(4, "keys beat"),
        _part(8, "keys bass beat"),
        _part(16, "keys bass beat tune"),
        _part(4, "pad keys"),
        _part(16, "pad keys bass beat tune"),
    ),
    lead=synth.pluck,
    rhythm=((0.5, 0.5, 1.0, 0.5, 1.5), (1.0, 0.5, 0.5, 2.0)),
    swing=0.06,
    reverb=1.2,
    seed=9,
)

STAIRS = Piece(
    name="glass-stairs",
    title="Glass Stairs",
    tempo=96,
    beats=4,
    scale=(9, 11, 0, 2, 4, 5, 7),
    chords=(
        Chord(45, (57, 60, 64, 67)),
        Chord(41, (57, 60, 64, 69)),
        Chord(36, (55, 59, 62, 64)),
        Chord(43, (55, 59, 62, 64)),
        Chord(38, (57, 60, 64, 65)),
        Chord(45, (57, 60, 64, 71)),
        Chord(41, (57, 60, 64, 67)),
        Chord(40, (55, 59, 62, 64)),
    ),
    parts=(
        _part(4, "arp"),
        _part(8, "arp pad"),
        _part(8, "arp pad bass"),
        _part(8, "arp pad bass tune"),
        _part(4, "arp"),
        _part(4, "pad keys"),
    ),
    lead=synth.electric_piano,
    rhythm=((2.0, 1.0, 1.0), (3.0, 1.0)),
    reverb=2.4,
    seed=21,
)

LANTERNS = Piece(
    name="paper-lanterns",
    title="Paper Lanterns",
    tempo=88,
    beats=3,
    scale=(7, 9, 11, 0, 2, 4, 6),
    chords=(
        Chord(43, (55, 59, 62, 66)),
        Chord(40, (55, 59, 62, 64)),
        Chord(36, (55, 59, 60, 64)),
        Chord(38, (54, 57, 60, 64)),
        Chord(47, (54, 57, 62, 66)),
        Chord(40, (55, 59, 62, 67)),
        Chord(45, (55, 60, 64, 67)),
        Chord(38, (55, 57, 60, 62)),
    ),
    parts=(
        _part(4, "keys"),
        _part(8, "keys bass tune"),
        _part(8, "keys bass pad tune"),
        _part(4, "pad"),
        _part(12, "keys bass pad tune"),
    ),
    lead=synth.music_box,
    rhythm=((1.0, 1.0, 1.0), (2.0, 1.0)),
    reverb=2.2,
    seed=33,
)

PIECES = (HARBOUR, TRAM, STAIRS, LANTERNS)


def compose(piece: Piece) -> Stereo:
    """Play and mix a piece; the loudness and peaks are the same for all."""
    dry, wet = Desk(piece.seconds), Desk(piece.seconds)
    tune = _tune(piece)
    bar = 0
    for part in piece.parts:
        for _ in range(part.bars):
            _bar(piece, part.players, bar, dry, wet)
            if "tune" in part.players:
                _sing(piece, tune[bar % len(tune)], bar, wet)
            bar += 1
    final = bar * piece.beats * piece.beat
    _close(piece, final, wet)
    echoed = synth.echo(wet.sound, piece.beat * 0.75, feedback=0.42, mix=0.5)
    mixed = synth.room(echoed, piece.reverb, mix=0.5) + dry.sound
    return synth.master(mixed, fade_in=0.05, fade_out=TAIL * 0.75)


def _chord(piece: Piece, bar: int) -> Chord:
    return piece.chords[bar % len(piece.chords)]


def _bar(piece: Piece, players: frozenset[str], bar: int, dry: Desk, wet: Desk) -> None:
    """Lay what accompanies in one bar."""
    at, chord = bar * piece.beats * piece.beat, _chord(piece, bar)
    if "pad" in players:
        _pad(piece, chord, at, wet)
    if "bass" in players:
        _bass(piece, chord, at, dry)
    if "keys" in players:
        _keys(piece, chord, at, wet)
    if "arp" in players:
        _arpeggio(piece, chord, at, wet)
    if "beat" in players:
        _beat(piece, at, dry)


def _pad(piece: Piece, chord: Chord, at: float, desk: Desk) -> None:
    seconds = round(piece.beats * piece.beat + 0.9, 3)
    for number, note in enumerate(chord.voices):
        desk.lay(synth.pad(note, seconds), at, gain=0.085, pan=-0.6 + 0.4 * number)


def _bass(piece: Piece, chord: Chord, at: float, desk: Desk) -> None:
    beat, fifth = piece.beat, chord.root + 7
    lively = piece.tempo > 100
    steps = ((0.0, 0), (1.5, 0), (2.0, 7), (3.5, 12)) if lively else ((0.0, 0),)
    for place, interval in steps:
        length = 0.55 if lively else 0.9 * piece.beats * beat
        note = chord.root + interval
        desk.lay(synth.bass(note, round(length, 3)), at + place * beat, gain=0.26)
    if not lively and piece.beats == 4:
        desk.lay(synth.bass(fifth, round(1.2 * beat, 3)), at + 2.5 * beat, gain=0.12)


def _keys(piece: Piece, chord: Chord, at: float, desk: Desk) -> None:
    """Chords: strummed slowly, off the beat when lively, after the one in a waltz."""
    beat = piece.beat
    if piece.beats == 3:
        places: tuple[float, ...] = (1.0, 2.0)
    else:
        places = (0.5, 1.5, 2.5, 3.5) if piece.tempo > 100 else (0.0, 2.0)
    long = 0.9 if len(places) == 4 else 2.4
    for turn, place in enumerate(places):
        for number, note in enumerate(chord.voices):
            strum = number * (0.004 if len(places) == 4 else 0.03)
            gain = 0.075 if turn % 2 == 0 else 0.055
            when = at + place * beat + strum + piece.swing * beat * (place % 1 > 0)
            desk.lay(synth.electric_piano(note, long), when, gain=gain, pan=0.35 - 0.2 * number)


def _arpeggio(piece: Piece, chord: Chord, at: float, desk: Desk) -> None:
    voices = (*chord.voices, *(note + 12 for note in chord.voices))
    order = (0, 2, 4, 6, 7, 5, 3, 1, 0, 3, 5, 7, 6, 4, 2, 1)
    for step, index in enumerate(order):
        accent = 0.15 if step % 4 == 0 else 0.10
        side = 0.6 * float(np.sin(2 * np.pi * step / 16))
        note = synth.pluck(voices[index % len(voices)], 1.1)
        desk.lay(note, at + step * piece.beat / 4, gain=accent, pan=side)


def _beat(piece: Piece, at: float, desk: Desk) -> None:
    beat = piece.beat
    for place in (0.0, 2.0, 2.75):
        desk.lay(synth.kick(), at + place * beat, gain=0.5 if place != 2.75 else 0.28)
    for place in (1.0, 3.0):
        desk.lay(synth.brush(), at + place * beat, gain=0.3, pan=0.1)
    for step in range(8):
        late = piece.swing * beat * (step % 2)
        gain = 0.12 if step % 2 else 0.08
        desk.lay(synth.hat(), at + step * beat / 2 + late, gain=gain, pan=-0.3)


def _tune(piece: Piece) -> list[list[tuple[float, float, int]]]:
    """Write eight bars as (place, length, note): two of a motif, two that answer it, then again.

    Strong places take a note of the chord, the others step along the scale from where they are.
    """
    rng = np.random.default_rng(piece.seed)
    shape = [int(step) for step in rng.integers(-2, 3, 16)]
    bars, here = [], MIDDLE
    for bar in range(8):
        chord, notes, place = _chord(piece, bar), [], 0.0
        for number, length in enumerate(piece.rhythm[bar % 2]):
            strong = number == 0 or place == piece.beats / 2
            step = shape[(bar % 4 * 5 + number) % 16] + (1 if bar == 6 else 0)
            home = round(0.3 * (MIDDLE - here))
            here = _nearest(_allowed(piece, chord, strong=strong), here + 2 * step + home, here)
            notes.append((place, length, here))
            place += length
        bars.append(notes)
    return bars


def _allowed(piece: Piece, chord: Chord, *, strong: bool) -> list[int]:
    classes = {note % 12 for note in chord.voices} if strong else set(piece.scale)
    return [note for note in range(67, 87) if note % 12 in classes]


def _nearest(notes: list[int], wanted: int, here: int) -> int:
    """Choose the note nearest to the wanted one; staying where we are is second best."""
    return min(notes, key=lambda note: (abs(note - wanted) + 2 * (note == here), note))


def _sing(piece: Piece, notes: list[tuple[float, float, int]], bar: int, desk: Desk) -> None:
    start = bar * piece.beats * piece.beat
    for place, length, note in notes:
        seconds = round(length * piece.beat + 0.7, 3)
        gain = 0.2 if place == 0 else 0.16
        late = piece.swing * piece.beat * (place % 1 > 0)
        desk.lay(piece.lead(note, seconds), start + place * piece.beat + late, gain=gain, pan=0.12)


def _close(piece: Piece, at: float, desk: Desk) -> None:
    """End on the key's first chord, rolled upwards."""
    chord = piece.chords[0]
    for number, note in enumerate((chord.root, *chord.voices, chord.voices[0] + 12)):
        late = 0.07 * number
        desk.lay(synth.electric_piano(note, 3.5), at + late, gain=0.12, pan=0.1 * number - 0.2)


def described() -> Iterator[tuple[str, str, float]]:
    """List every piece as (name, title, seconds)."""
    for piece in PIECES:
        yield piece.name, piece.title, piece.seconds
