"""What can go wrong with a track or a request, in Lavalink's terms.

MediaError          a link can't be played: a TrackException or loadType "error"
├── NotFound        the link leads nowhere; loadType "empty"
└── Cancelled       nobody wants the result any more; reported to no one
RequestError        a request that is answered with an HTTP status
"""

from typing import Literal

Severity = Literal["common", "suspicious", "fault"]


class MediaError(Exception):
    """A link or its content can't be played."""

    def __init__(self, message: str, severity: Severity = "suspicious", cause: str = "") -> None:
        super().__init__(message)
        self.message = message
        self.severity: Severity = severity
        self.cause = cause or message


class NotFound(MediaError):
    """The link leads nowhere."""


class Cancelled(MediaError):
    """Nobody wants the result any more."""


class RequestError(Exception):
    """A request that is answered with an HTTP status."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(message)
        self.status = status
        self.message = message
