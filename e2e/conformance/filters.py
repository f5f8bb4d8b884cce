"""The filters that Lavalink's documents name.

https://lavalink.dev/api/rest#filters
"""

FILTERS: dict[str, object] = {
    "volume": 0.5,
    "equalizer": [{"band": 0, "gain": 0.25}],
    "karaoke": {"level": 1.0, "monoLevel": 1.0, "filterBand": 220.0, "filterWidth": 100.0},
    "timescale": {"speed": 1.5, "pitch": 1.0, "rate": 1.0},
    "tremolo": {"frequency": 2.0, "depth": 0.5},
    "vibrato": {"frequency": 2.0, "depth": 0.5},
    "rotation": {"rotationHz": 0.25},
    "distortion": {"sinOffset": 0.0, "sinScale": 1.0, "offset": 0.0, "scale": 0.5},
    "channelMix": {
        "leftToLeft": 0.5,
        "leftToRight": 0.5,
        "rightToLeft": 0.5,
        "rightToRight": 0.5,
    },
    "lowPass": {"smoothing": 20.0},
}
"""Every documented filter, with values that change the sound and that any float keeps exactly."""
