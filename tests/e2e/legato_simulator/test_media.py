from pathlib import Path

import av
import numpy as np
import pytest

from legato_simulator import media, timecode
from legato_simulator.opus import RATE


def _decoded(path: Path) -> timecode.Samples:
    with av.open(str(path)) as container:
        resampler = av.AudioResampler("flt", "mono", RATE)
        frames = [g for f in container.decode(audio=0) for g in resampler.resample(f)]
        parts = [frame.to_ndarray()[0] for frame in (*frames, *resampler.resample(None))]
    return np.concatenate(parts)


@pytest.mark.parametrize("ending", media.FORMATS)
def test_every_format_keeps_the_tone_s_moments(tmp_path: Path, ending: str):
    (path,) = media.make("tone-6-4s", [ending], tmp_path)

    analysis = timecode.analyse(_decoded(path))
    assert [segment.track for segment in analysis.segments] == [6]
    assert analysis.segments[0].start_ms == pytest.approx(0, abs=30)
    assert analysis.segments[0].end_ms == pytest.approx(4_000, abs=30)
    assert analysis.skipped_ms == analysis.repeated_ms == 0


@pytest.mark.parametrize("ending", media.FORMATS)
def test_a_file_says_its_title_and_length(tmp_path: Path, ending: str):
    (path,) = media.make("tone-6-4s", [ending], tmp_path)

    with av.open(str(path)) as container:
        stream = container.streams.audio[0]
        tags = {k.lower(): v for k, v in {**stream.metadata, **container.metadata}.items()}
        assert tags["title"] == "Test tone 6, 4 seconds"
        assert container.duration == pytest.approx(4_000_000, abs=60_000)


def test_a_file_is_made_once(tmp_path: Path):
    (first,) = media.make("tone-6-4s", ["ogg"], tmp_path)
    before = first.stat().st_mtime_ns

    (second,) = media.make("tone-6-4s", ["ogg"], tmp_path)

    assert second == first
    assert second.stat().st_mtime_ns == before
    assert [path.name for path in first.parent.iterdir()] == ["tone-6-4s.ogg"]


@pytest.mark.parametrize("name", ["tone-16-4s", "tone-1-0s", "tone-1-9999s", "no-piece", "tone"])
def test_what_does_not_exist_is_not_described(name: str):
    assert media.described(name) is None
    with pytest.raises(KeyError):
        media.samples(name)


def test_the_command_line_lists_and_refuses(tmp_path: Path, capsys):
    assert media.main(["--list"]) == 0
    assert "Harbour at Dusk" in capsys.readouterr().out
    assert media.main(["--make", str(tmp_path), "tone-1-1s.wav"]) == 0
    assert media.main(["--make", str(tmp_path), "no-piece.wav"]) == 2
    assert "--list" in capsys.readouterr().err


def test_the_cache_is_where_the_system_keeps_caches(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("XDG_CACHE_HOME", str(tmp_path))

    assert media.default_cache() == tmp_path / "legato" / "simulator-media"

    monkeypatch.delenv("XDG_CACHE_HOME")
    monkeypatch.setenv("HOME", str(tmp_path / "home"))

    assert media.default_cache() == tmp_path / "home" / ".cache" / "legato" / "simulator-media"
