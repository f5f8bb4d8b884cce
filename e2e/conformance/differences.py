"""Where the official server and Legato's embedded node are known to go different ways.

A case that meets one says which way the server under test went; both ways pass, any third fails.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Protocol


class Way(StrEnum):
    """Which way a server went."""

    OFFICIAL = "as the official server"
    EMBEDDED = "as the embedded node"


@dataclass(frozen=True, slots=True)
class Difference:
    """What each does, and where that is known from."""

    official: str
    embedded: str
    source: str


class Differs(Protocol):
    """Notes which way the server went."""

    def __call__(self, name: str, way: Way) -> None:
        """Note it for the difference of that name."""


MEASURED = "measured with Lavalink 4.2.2 (lavaplayer 2.2.6, koe 3.0.0-pre6)"

DIFFERENCES = {
    "greeting": Difference(
        "`stats` came before `ready` in 15 of 100 connects",
        "`ready` is always first",
        MEASURED,
    ),
    "position": Difference(
        "`state.position` is 360 to 400 ms ahead of the wire",
        "`state.position` is what has gone out",
        MEASURED,
    ),
    "pause": Difference(
        "about 20 more packets of sound after a pause",
        "at most a few, then five silence frames",
        MEASURED,
    ),
    "end": Difference(
        "TrackEnd `finished` after the last frame was taken to be sent",
        "TrackEnd `finished` some 150 ms ahead of it, so that the next track follows without a gap",
        "lavaplayer ends a track by a terminator frame behind the last",
    ),
    "ogg-start": Difference(
        "an OGG started at a position fails (NullPointerException, `loadFailed`)",
        "starts at the position",
        MEASURED,
    ),
    "ogg-seek": Difference(
        "after a seek in OGG the reported position counts from 0",
        "the position is right",
        MEASURED,
    ),
    "mp3-without-range": Difference(
        "plays from the beginning while reporting the position asked for",
        "reads up to the position, then plays",
        MEASURED,
    ),
    "webm-without-range": Difference(
        "TrackException, then TrackEnd `finished`",
        "reads up to the position, then plays",
        MEASURED,
    ),
    "dead-endpoint": Difference(
        "a PATCH with a dead voice endpoint never answers",
        "error 500 within the voice timeout",
        MEASURED,
    ),
    "half-open": Difference(
        "a silent client is not noticed: its session stays taken (40 s and more)",
        "dropped after a while without a byte; then the session can be resumed",
        MEASURED,
    ),
    "frame-stats": Difference(
        "`frameStats` is null for the first two minutes",
        "`frameStats` from the first message with a player on",
        MEASURED,
    ),
    "update-interval": Difference(
        "`playerUpdate` every 5 s while a track plays (a setting)",
        "`playerUpdate` every second for each player with a track (a setting)",
        "Lavalink's application.yml, `playerUpdateInterval`",
    ),
    "foreign-session": Difference(
        "a waiting session can be resumed by any user id",
        "only by the user id it belongs to; another gets a new session",
        "Lavalink's SocketServer.kt compares no user id",
    ),
    "link-lists": Difference(
        "an M3U is loaded as the first link in it",
        "an M3U is a playlist of its links",
        "lavaplayer's M3uPlaylistContainerProbe",
    ),
}
