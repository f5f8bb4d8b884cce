import cmath
import math

import pytest

from legato.node.media import equalizer


def response(band: int, gain: float, hertz: float) -> float:
    """Compute the gain of the dry sound plus one band at a frequency."""
    terms = dict(part.split("=") for part in equalizer.biquad(band, gain).split(":"))
    z = cmath.exp(-1j * 2 * math.pi * hertz / equalizer.RATE)
    b = [float(terms[name]) for name in ("b0", "b1", "b2")]
    a = [float(terms[name]) for name in ("a0", "a1", "a2")]
    band_pass = sum(c * z**n for n, c in enumerate(b)) / sum(c * z**n for n, c in enumerate(a))
    return abs(1 + band_pass)


@pytest.mark.parametrize("band", range(15))
def test_a_quarter_doubles_a_band_and_minus_a_quarter_silences_it(band: int) -> None:
    centre = equalizer.FREQUENCIES[band]

    assert response(band, 0.25, centre) == pytest.approx(2, abs=1e-3)
    assert response(band, -0.25, centre) == pytest.approx(0, abs=1e-3)
    assert response(band, 0.25, centre / 16) == pytest.approx(1, abs=0.05)


def test_the_coefficients_are_lavaplayers() -> None:
    # Equalizer.java, coefficients48000: beta, alpha, gamma of 1000 Hz.
    told = equalizer.biquad(8, 0.25)

    assert "b0=0.029595334338" in told
    assert "a1=-1.924205438447" in told
    assert "a2=0.940809331324" in told


def test_a_gain_is_kept_within_bounds() -> None:
    assert (equalizer.clamp(-1), equalizer.clamp(0.5), equalizer.clamp(9)) == (-0.25, 0.5, 1.0)
