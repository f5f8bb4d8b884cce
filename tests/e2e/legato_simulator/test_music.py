import numpy as np
import pytest

from legato_simulator import music, synth

SECOND = synth.RATE


@pytest.fixture(scope="module", params=music.PIECES, ids=lambda piece: piece.name)
def played(request) -> tuple[music.Piece, synth.Stereo]:
    return request.param, music.compose(request.param)


def test_a_piece_is_as_long_as_it_says_and_never_clips(played):
    piece, sound = played

    assert sound.shape[1] == pytest.approx(piece.seconds * SECOND, abs=1)
    assert 60 < piece.seconds < 180
    assert 0.3 < np.abs(sound).max() <= synth.PEAK + 1e-6


def test_a_piece_is_as_loud_as_the_others_begins_softly_and_dies_away(played):
    _, sound = played
    rms = 10 * np.log10((sound.astype(np.float64) ** 2).mean())

    assert rms == pytest.approx(synth.RMS_DB, abs=1)
    assert np.abs(sound[:, :48]).max() < 0.01
    assert np.abs(sound[:, -480:]).max() < 0.001


def test_a_piece_has_no_hole_no_click_and_no_rumble(played):
    _, sound = played
    whole = sound[:, : -int(music.TAIL) * SECOND]
    seconds = whole[:, : whole.shape[1] // SECOND * SECOND].reshape(2, -1, SECOND)
    loudness = 10 * np.log10((seconds.astype(np.float64) ** 2).mean(axis=(0, 2)))

    assert loudness.min() > -34
    assert np.abs(np.diff(sound)).max() < 0.25
    assert abs(float(sound.mean())) < 1e-3


def test_a_piece_is_stereo_that_survives_a_single_loudspeaker(played):
    _, sound = played
    correlation = np.corrcoef(sound[0], sound[1])[0, 1]

    assert 0.3 < correlation < 0.95


def test_a_piece_has_bass_middle_and_air(played):
    _, sound = played
    part = sound.mean(axis=0)[20 * SECOND : 52 * SECOND]
    power = np.abs(np.fft.rfft(part)) ** 2
    f = np.fft.rfftfreq(len(part), 1 / SECOND)
    shares = [
        power[(f >= low) & (f < high)].sum() / power.sum()
        for low, high in ((30, 250), (250, 2_000), (2_000, 16_000))
    ]

    assert shares[0] < 0.75
    assert shares[1] > 0.2
    assert shares[2] > 0.001


@pytest.mark.parametrize("piece", music.PIECES, ids=lambda piece: piece.name)
def test_every_note_is_in_the_key_and_strong_ones_in_the_chord(piece: music.Piece):
    for number, bar in enumerate(music._tune(piece)):
        chord = {note % 12 for note in music._chord(piece, number).voices}
        for place, _, note in bar:
            assert note % 12 in set(piece.scale) | chord
            assert place > 0 or note % 12 in chord
    assert all(note % 12 in piece.scale for chord in piece.chords for note in chord.voices)


def test_the_same_piece_is_the_same_every_time():
    assert np.array_equal(music.compose(music.LANTERNS), music.compose(music.LANTERNS))
