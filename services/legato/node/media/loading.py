"""Says what is behind a link: a track, a playlist of links, or why not; blocks."""

import time

from legato.node import protocol, track
from legato.node.errors import MediaError, NotFound
from legato.node.media.decoding import Media
from legato.node.settings import MediaSettings
from legato.node.sources import playlists
from legato.node.sources.http import HttpReader, Known, Limits

BEGINNING = 128 * 1024
"""Bytes of a track's beginning that are kept: three seconds of most files, and no picture."""

BEGINNING_TIMEOUT = 5.0
UNKNOWN_TITLE, UNKNOWN_ARTIST = "Unknown title", "Unknown artist"
"""What lavaplayer says of a file without tags."""

PROBES = {
    "mp3": "mp3",
    "ogg": "ogg",
    "opus": "ogg",
    "webm": "matroska/webm",
    "mka": "matroska/webm",
}
PROBES |= {"flac": "flac", "wav": "wav", "m4a": "mp4", "mp4": "mp4", "aac": "adts"}


class Load:
    """One link that is asked about."""

    def __init__(self, identifier: str, settings: MediaSettings) -> None:
        self._identifier = identifier
        self._settings = settings
        self._reader = HttpReader(identifier, settings)
        self._is_track = False

    def answer(self) -> protocol.LoadResult:
        """Answer loadtracks."""
        if not self._identifier.lower().startswith(("http://", "https://")):
            return protocol.LoadResult(load_type="empty", data={})
        settings = self._settings
        self._reader.limits = Limits(time.monotonic() + settings.load_timeout, settings.load_bytes)
        try:
            result = _load(self._reader, settings)
        except NotFound:
            return protocol.LoadResult(load_type="empty", data={})
        except MediaError as error:
            return protocol.load_failure(error.message, error.severity, error.cause)
        self._is_track = result.load_type == "track"
        return result

    def beginning(self) -> Known | None:
        """Give the track's first bytes, for whoever plays it; reads on where few were needed."""
        if not (self._is_track and self._settings.keep_heads):
            return None
        self._reader.limits = Limits(time.monotonic() + BEGINNING_TIMEOUT)
        return self._reader.beginning(BEGINNING)

    def close(self) -> None:
        """Let go of the link."""
        self._reader.release()


def _load(reader: HttpReader, settings: MediaSettings) -> protocol.LoadResult:
    reader.open()
    head = reader.read(1024)
    kind = playlists.kind(head, reader.content_type, reader.link)
    reader.seek(0)
    if kind is not None:
        links = playlists.parse(kind, _text(reader), reader.link, most=settings.playlist_entries)
        return _playlist(links)
    with Media(reader, seek=True) as media:
        loaded = _track(reader, media)
    return protocol.LoadResult(load_type="track", data=loaded)


def _text(reader: HttpReader) -> str:
    data = bytearray()
    while len(data) < playlists.LONGEST:
        more = reader.read(playlists.LONGEST - len(data))
        if not more:
            break
        data += more
    return data.decode("utf-8", "replace")


def _track(reader: HttpReader, media: Media) -> protocol.Track:
    title, artist = _named(reader, media)
    length = media.duration_ms
    endless = reader.length is None or length is None
    info = protocol.TrackInfo(
        identifier=reader.link,
        is_seekable=not endless and reader.seekable_by_range,
        author=artist[: track.LONGEST_TEXT],
        length=track.UNKNOWN_LENGTH if endless or length is None else length,
        is_stream=endless,
        position=0,
        title=title[: track.LONGEST_TEXT],
        uri=reader.link,
        source_name="http",
        artwork_url=None,
        isrc=media.tags.get("isrc"),
    )
    return protocol.Track(encoded=track.encode(info, media.container.probe), info=info)


def _named(reader: HttpReader, media: Media) -> tuple[str, str]:
    """Name title and artist: by the file's tags, else as a broadcast's headers name it."""
    station, tags = reader.station, media.tags
    title = station.description or station.name if station else ""
    artist = station.name if station else ""
    return (
        tags.get("title") or title or UNKNOWN_TITLE,
        tags.get("artist") or artist or UNKNOWN_ARTIST,
    )


def _playlist(links: playlists.Links) -> protocol.LoadResult:
    tracks = tuple(_entry(entry) for entry in links.entries)
    if not tracks:
        return protocol.LoadResult(load_type="empty", data={})
    info = protocol.PlaylistInfo(name=links.name)
    return protocol.LoadResult(
        load_type="playlist", data=protocol.Playlist(info=info, tracks=tracks)
    )


def _entry(entry: playlists.Entry) -> protocol.Track:
    """Describe a link as far as its playlist does; it is opened when it is played."""
    name = entry.link.partition("?")[0].rpartition("/")[2]
    endless = entry.length is None
    info = protocol.TrackInfo(
        identifier=entry.link,
        is_seekable=not endless,
        author=UNKNOWN_ARTIST,
        length=track.UNKNOWN_LENGTH if entry.length is None else entry.length,
        is_stream=endless,
        position=0,
        title=(entry.title or name or UNKNOWN_TITLE)[: track.LONGEST_TEXT],
        uri=entry.link,
        source_name="http",
        artwork_url=None,
        isrc=None,
    )
    probe = PROBES.get(name.rpartition(".")[2].lower(), "mp3")
    return protocol.Track(encoded=track.encode(info, probe), info=info)
