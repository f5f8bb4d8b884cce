"""What the control process, the pacers and the media workers tell each other, in msgpack."""

import msgspec

from legato.node import protocol
from legato.node.dave import exchange
from legato.node.settings import MediaSettings


class _Message(msgspec.Struct, frozen=True, kw_only=True, tag=True, array_like=True):
    """A message between two processes of one node."""


class Ready(_Message, frozen=True):
    """A child has started."""


# Control to pacer. A lane is one player's way to the wire; a feed is one playing of one track.


class OpenLane(_Message, frozen=True):
    """Begin a lane; its shared page comes along."""

    lane: int


class CloseLane(_Message, frozen=True):
    """End a lane."""

    lane: int


class Play(_Message, frozen=True):
    """Go over to a feed, whose ring comes along; `align` goes on at the same position.

    It waits until the feed `behind`, whose end has been told, has been played out.
    """

    lane: int
    feed: int
    align: bool = False
    end: int | None = None
    behind: int | None = None


class StopFeed(_Message, frozen=True):
    """Play nothing, or only not this feed."""

    lane: int
    feed: int | None = None


class Pause(_Message, frozen=True):
    """Hold or go on."""

    lane: int
    paused: bool


class Limit(_Message, frozen=True):
    """End at this position, in samples."""

    lane: int
    end: int | None


class Voice(_Message, frozen=True):
    """Send to a voice server; the connected UDP socket comes along.

    `encrypted` frames are those that the key process has encrypted end to end.
    """

    lane: int
    ssrc: int
    mode: str
    key: bytes
    encrypted: bool = False


class Encrypt(_Message, frozen=True):
    """Send encrypted frames from now on, or plain ones."""

    lane: int
    encrypted: bool


class Unvoice(_Message, frozen=True):
    """Send no more, but go on consuming."""

    lane: int


class Hush(_Message, frozen=True):
    """Finish with silence, then say Hushed."""

    lane: int


# Pacer to control.


class Started(_Message, frozen=True):
    """The first frame of a feed went out."""

    lane: int
    feed: int


class Ending(_Message, frozen=True):
    """A feed will end in a moment: its last frames are settled and wait to go out."""

    lane: int
    feed: int


class Drained(_Message, frozen=True):
    """A feed has nothing more: its last frame went out, or it had failed."""

    lane: int
    feed: int


class Hushed(_Message, frozen=True):
    """The silence went out."""

    lane: int


# Control to worker and back.


class Configure(_Message, frozen=True):
    """The first message to every child."""

    settings: MediaSettings
    parent: int


class Load(_Message, frozen=True):
    """Say what is behind a link."""

    request: int
    identifier: str


class Loaded(_Message, frozen=True):
    """What is behind a link: the JSON that loadtracks answers, passed on unread."""

    request: int
    body: bytes


class Head(_Message, frozen=True):
    """The first bytes of a link that was loaded, in the shared memory that comes along."""

    link: str
    size: int
    length: int
    """Of the whole file."""
    content_type: str


class OpenFeed(_Message, frozen=True):
    """Fill the ring that comes along from `start` (samples); `live` begins where a stream is.

    `align` goes on with what another worker filled; `head` comes along too where it is known.
    """

    feed: int
    uri: str
    start: int
    live: bool
    volume: int
    filters: protocol.Filters
    align: bool = False
    head: Head | None = None


class ShapeFeed(_Message, frozen=True):
    """Change volume and filters of a feed."""

    feed: int
    volume: int
    filters: protocol.Filters


class Ping(_Message, frozen=True):
    """Say that you live, with this number."""

    number: int = 0


class Pong(_Message, frozen=True):
    """The answer."""

    number: int = 0


class CloseFeed(_Message, frozen=True):
    """Nobody needs this feed any more."""

    feed: int


class FeedFailed(_Message, frozen=True):
    """A feed can't go on."""

    feed: int
    exception: protocol.ExceptionInfo


# Control to key process and back. A membership is one connection's part in an encrypted call.


class OpenMembership(_Message, frozen=True):
    """Hold a bot's keys in one call."""

    membership: int
    user: int
    channel: int


class CloseMembership(_Message, frozen=True):
    """Forget them."""

    membership: int


class Asked(_Message, frozen=True):
    """Do something about the group."""

    membership: int
    ask: exchange.Ask


class Answered(_Message, frozen=True):
    """What came of it."""

    membership: int
    answer: exchange.Answer


class Follow(_Message, frozen=True):
    """Encrypt a feed's frames, whose ring comes along, when the group has a key."""

    membership: int
    feed: int


class Unfollow(_Message, frozen=True):
    """Nobody needs this feed's frames any more."""

    membership: int
    feed: int


class SendPlain(_Message, frozen=True):
    """Encrypt no frames until the next transition."""

    membership: int


ToPacer = (
    Configure
    | OpenLane
    | CloseLane
    | Play
    | StopFeed
    | Pause
    | Limit
    | Voice
    | Encrypt
    | Unvoice
    | Hush
)
FromPacer = Ready | Started | Ending | Drained | Hushed
ToWorker = Configure | Load | OpenFeed | ShapeFeed | CloseFeed | Ping
FromWorker = Ready | Loaded | Head | FeedFailed | Pong
ToKeyProcess = (
    Configure | OpenMembership | CloseMembership | Asked | Follow | Unfollow | SendPlain | Ping
)
FromKeyProcess = Ready | Answered | Pong
