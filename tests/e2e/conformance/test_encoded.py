import lavalink
import pytest

from conformance.encoded import HttpTrack


@pytest.mark.parametrize("version", [2, 3])
def test_a_foreign_library_reads_what_is_written(version: int) -> None:
    made = HttpTrack("http://example.invalid/ü.mp3", title="Grüße")
    track = lavalink.decode_track(made.encode(version))
    assert (track.title, track.author, track.duration) == ("Grüße", made.author, made.length)
    assert (track.identifier, track.uri, track.source_name) == (made.uri, made.uri, "http")
