"""The 15 bands of Lavalink's equalizer as biquad filters. Pure.

Each is a band-pass of two thirds of an octave whose gain is 1 at its centre; the result is the dry
sound plus four times the sum of the bands, each times its gain: -0.25 silences a band and 0.25
doubles it, as the protocol says.
"""

import math

FREQUENCIES = (
    25, 40, 63, 100, 160, 250, 400, 630, 1000, 1600, 2500, 4000, 6300, 10000, 16000,
)  # fmt: skip
RATE = 48_000
LOWEST, HIGHEST = -0.25, 1.0


def clamp(gain: float) -> float:
    """Keep a gain within the protocol's bounds."""
    return min(HIGHEST, max(LOWEST, gain))


def biquad(band: int, gain: float) -> str:
    """Give one band as arguments of FFmpeg's biquad, its gain within."""
    theta = 2 * math.pi * FREQUENCIES[band] / RATE
    beta = _beta(theta)
    alpha = 4 * gain * (1 - beta) / 2
    gamma = (1 + beta) * math.cos(theta)
    terms = {"b0": alpha, "b1": 0.0, "b2": -alpha, "a0": 1.0, "a1": -gamma, "a2": beta}
    return ":".join(f"{name}={value:.12f}" for name, value in terms.items())


def _beta(theta: float) -> float:
    """Place the poles: the gain is 1/sqrt(2) at the lower edge, a third of an octave below."""
    edge = theta / 2 ** (1 / 3)
    slope = (math.cos(edge) - math.cos(theta)) / math.sin(edge)
    return (1 - slope) / (1 + slope)
