"""What an encrypted call is told, and what it asks for: values only.

A membership is one incarnation: what the keeper answers about an older one is out of date.
"""

from dataclasses import dataclass
from typing import Literal

import msgspec

How = Literal["nothing", "plain", "encrypted"]
"""How frames go out."""

Handshake = Literal["commit", "welcome"]


class _Kept(msgspec.Struct, frozen=True, tag=True, array_like=True):
    """What goes to the keeper, which is another process, or comes from it."""


# What happens. The first ones are the voice server's, the others the keeper's and the clock's.


@dataclass(frozen=True, slots=True)
class Described:
    """The session is described; the version the call begins with."""

    version: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """The websocket is another one; what was sent last on the old one may not have arrived."""


@dataclass(frozen=True, slots=True)
class Came:
    """Others are in the call."""

    users: frozenset[int]


@dataclass(frozen=True, slots=True)
class Left:
    """Another is no longer in the call."""

    user: int


@dataclass(frozen=True, slots=True)
class Prepare:
    """A transition to a version, no epoch of its own."""

    transition: int
    version: int


@dataclass(frozen=True, slots=True)
class Execute:
    """Everyone is ready, or was waited for long enough."""

    transition: int


@dataclass(frozen=True, slots=True)
class PrepareEpoch:
    """An epoch that will come."""

    epoch: int
    version: int


@dataclass(frozen=True, slots=True)
class Sender:
    """The voice server's credential."""

    data: bytes


@dataclass(frozen=True, slots=True)
class Proposed:
    """Proposals to add to our list, or to take from it."""

    revoked: bool
    data: bytes


@dataclass(frozen=True, slots=True)
class Announced:
    """The commit that won, or our welcome."""

    transition: int
    kind: Handshake
    data: bytes


class Packaged(_Kept, frozen=True):
    """The keeper has a new membership and its key package."""

    incarnation: int
    data: bytes


class Committed(_Kept, frozen=True):
    """The keeper has a commit to every open proposal."""

    incarnation: int
    data: bytes


class Applied(_Kept, frozen=True):
    """The keeper has taken a commit or welcome, or found it invalid."""

    incarnation: int
    transition: int
    kind: Handshake
    valid: bool


class Renewed(_Kept, frozen=True):
    """Frames are ready that were encrypted for the epoch that was executed."""

    incarnation: int


@dataclass(frozen=True, slots=True)
class Lost:
    """The keeper is another one and has no key of ours."""


@dataclass(frozen=True, slots=True)
class Waited:
    """So much time went by since a membership began that nobody is kept waiting any longer."""

    incarnation: int


Event = (
    Described
    | Resumed
    | Came
    | Left
    | Prepare
    | Execute
    | PrepareEpoch
    | Sender
    | Proposed
    | Announced
    | Packaged
    | Committed
    | Applied
    | Renewed
    | Lost
    | Waited
)


# What is to be done. The first ones are sent to the voice server, then what the keeper is asked.


@dataclass(frozen=True, slots=True)
class SendPackage:
    """Op 26."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendReady:
    """Op 23."""

    transition: int


@dataclass(frozen=True, slots=True)
class SendCommit:
    """Op 28."""

    data: bytes


@dataclass(frozen=True, slots=True)
class SendInvalid:
    """Op 31."""

    transition: int


class Begin(_Kept, frozen=True):
    """Forget the group and become a pending member; answered by Packaged. Waited comes in time."""

    incarnation: int
    version: int
    sender: bytes


class Trust(_Kept, frozen=True):
    """Take the voice server's credential."""

    incarnation: int
    data: bytes


class Propose(_Kept, frozen=True):
    """Take proposals; may be answered by Committed."""

    incarnation: int
    revoked: bool
    data: bytes
    expected: frozenset[int]


class Apply(_Kept, frozen=True):
    """Take a commit or welcome; answered by Applied."""

    incarnation: int
    transition: int
    kind: Handshake
    data: bytes


class Renew(_Kept, frozen=True):
    """Encrypt with the newest key from now on; answered by Renewed.

    `fresh`: no encrypted frame is in use.
    """

    incarnation: int
    fresh: bool


@dataclass(frozen=True, slots=True)
class Use:
    """Send frames like this from now on."""

    how: How


Effect = (
    SendPackage
    | SendReady
    | SendCommit
    | SendInvalid
    | Begin
    | Trust
    | Propose
    | Apply
    | Renew
    | Use
)

Ask = Begin | Trust | Propose | Apply | Renew
"""What the keeper is asked."""

Answer = Packaged | Committed | Applied | Renewed
"""What the keeper answers."""
