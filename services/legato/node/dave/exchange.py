"""What an encrypted call is told, and what it asks for: values only.

A membership is one incarnation: what the key process answers about an older one is out of date.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

Media = Literal["nothing", "plain", "encrypted"]
"""How a bot's frames go out."""

Handshake = Literal["commit", "welcome"]


class _Crossing(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """What goes to the key process, or comes from it."""


# What happens. First what the voice server says, then the key process and the clock.


@dataclass(frozen=True, slots=True)
class SessionDescribed:
    """The session is described; the version the call begins with."""

    version: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The websocket is another one; what was sent last on the old one may not have arrived."""


@dataclass(frozen=True, slots=True)
class ClientsConnected:
    """Op 11: others are in the call."""

    users: frozenset[int]


@dataclass(frozen=True, slots=True)
class ClientDisconnected:
    """Op 13: another is no longer in the call."""

    user: int


@dataclass(frozen=True, slots=True)
class PrepareTransition:
    """Op 21: a transition to a version, no epoch of its own."""

    transition: int
    version: int


@dataclass(frozen=True, slots=True)
class ExecuteTransition:
    """Op 22: everyone is ready, or was waited for long enough."""

    transition: int


@dataclass(frozen=True, slots=True)
class PrepareEpoch:
    """Op 24: an epoch that will come."""

    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class ExternalSender:
    """Op 25: the voice server's credential."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Proposals:
    """Op 27: proposals to add to our list, or to take from it."""

    revoked: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class CommitOrWelcome:
    """Op 29 or 30: the commit that won, or our welcome."""

    transition: int
    kind: Handshake
    data: bytes


class KeyPackageReady(_Crossing, frozen=True):
    """The key process has a new membership and its key package."""

    incarnation: int
    data: bytes


class CommitReady(_Crossing, frozen=True):
    """The key process has a commit to every open proposal."""

    incarnation: int
    data: bytes


class HandshakeProcessed(_Crossing, frozen=True):
    """The key process has taken a commit or welcome, or found it invalid."""

    incarnation: int
    transition: int
    kind: Handshake
    valid: bool


class NewKeyUsed(_Crossing, frozen=True):
    """Frames are ready that were encrypted for the epoch that was executed."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class KeysLost:
    """The key process is another one and has no key of ours."""


@dataclass(frozen=True, slots=True)
class WaitEnded:
    """So much time went by without a key that something else is to be tried."""

    incarnation: int


Event = (
    SessionDescribed
    | Resumed
    | ClientsConnected
    | ClientDisconnected
    | PrepareTransition
    | ExecuteTransition
    | PrepareEpoch
    | ExternalSender
    | Proposals
    | CommitOrWelcome
    | KeyPackageReady
    | CommitReady
    | HandshakeProcessed
    | NewKeyUsed
    | KeysLost
    | WaitEnded
)


# What is to be done. First what the voice server is sent, then what the key process is asked.


@dataclass(frozen=True, slots=True)
class SendKeyPackage:
    """Op 26."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendReadyForTransition:
    """Op 23."""

    transition: int


@dataclass(frozen=True, slots=True)
class SendCommitWelcome:
    """Op 28."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendInvalidCommitWelcome:
    """Op 31."""

    transition: int


@dataclass(frozen=True, slots=True)
class Leave:
    """End the connection: the group does not let us in."""


class BeginMembership(_Crossing, frozen=True):
    """Forget the group and become a pending member; answered by KeyPackageReady.

    WaitEnded comes in time.
    """

    incarnation: int
    version: int
    sender: bytes


class SetExternalSender(_Crossing, frozen=True):
    """Take the voice server's credential."""

    incarnation: int
    data: bytes


class ProcessProposals(_Crossing, frozen=True):
    """Take proposals; may be answered by CommitReady."""

    incarnation: int
    revoked: bool
    data: bytes
    expected: frozenset[int]


class ProcessHandshake(_Crossing, frozen=True):
    """Take a commit or welcome; answered by HandshakeProcessed."""

    incarnation: int
    transition: int
    kind: Handshake
    data: bytes


class UseNewKey(_Crossing, frozen=True):
    """Encrypt with the newest key from now on; answered by NewKeyUsed.

    `fresh`: no encrypted frame is in use.
    """

    incarnation: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class SendMedia:
    """Send frames like this from now on."""

    media: Media


Effect = (
    SendKeyPackage
    | SendReadyForTransition
    | SendCommitWelcome
    | SendInvalidCommitWelcome
    | Leave
    | BeginMembership
    | SetExternalSender
    | ProcessProposals
    | ProcessHandshake
    | UseNewKey
    | SendMedia
)

Ask = BeginMembership | SetExternalSender | ProcessProposals | ProcessHandshake | UseNewKey
"""What the key process is asked."""

Answer = KeyPackageReady | CommitReady | HandshakeProcessed | NewKeyUsed
"""What the key process answers."""
