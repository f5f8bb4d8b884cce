"""One voice connection's encryption: does what the call says with key process, server and wire.

It reads no socket: the connection hands over what comes, and sends what is given.
"""

import asyncio
from typing import Protocol

from legato.node.dave import call, wire
from legato.node.dave.exchange import (
    Answer,
    Ask,
    BeginMembership,
    Effect,
    Event,
    KeysLost,
    Leave,
    ProcessHandshake,
    ProcessProposals,
    SendMedia,
    SessionDescribed,
    SetExternalSender,
    UseNewKey,
    WaitEnded,
)
from legato.node.dave.key_handles import KeyHandle, KeyOwner
from legato.node.errors import MediaError
from legato.node.messages import Asked, SendPlain

WAITS = 2**call.MOST_WAITS - 1
"""Of the time within which a group must let us in, the first wait is one part, the next one twice
as long, and so on."""


class Keys(Protocol):
    """The lane whose frames are encrypted, and the key process behind it."""

    def open_keys(self, user: int, channel: int, owner: KeyOwner) -> KeyHandle:
        """Keep keys for this connection."""

    def close_keys(self, handle: KeyHandle) -> None:
        """Forget them."""

    def follow_feed(self) -> None:
        """Let the key process know what plays."""

    def tell_keys(self, message: Asked | SendPlain) -> None:
        """Tell the key process."""


class Ends(Protocol):
    """The connection."""

    def say(self, message: wire.Payload | bytes) -> None:
        """Send to the voice server, in order."""

    def use(self, *, encrypted: bool) -> None:
        """Send frames like this; the first time, begin to send."""

    def give_up(self) -> None:
        """End the connection: the call's group does not let us in."""


class Encryption:
    """The part of one bot in one call."""

    def __init__(self, user: int, channel: int, keys: Keys, ends: Ends, within: float) -> None:
        self._user, self._channel = user, channel
        self._keys, self._ends = keys, ends
        self.call = call.Call()
        self._handle: KeyHandle | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._first_wait = self._wait = within / WAITS

    @property
    def waiting(self) -> bool:
        """Whether a track waits until the call's group lets us in."""
        return self._handle is not None and self.call.waits > 0

    def described(self, version: object) -> None:
        """Begin with the version that a session description settles; raises MediaError."""
        agreed = 0 if version is None else version
        if not isinstance(agreed, int) or not 0 <= agreed <= wire.MAX_VERSION:
            raise MediaError("The voice server wants an encryption that was not offered.", "fault")
        self.take(SessionDescribed(agreed))

    def take(self, event: Event | None) -> None:
        """Take an event and do what follows from it."""
        if event is None:
            return
        self.call, effects = call.step(self.call, event)
        for effect in effects:
            self._do(effect)
        if self.call.joined and self.call.media == "encrypted":
            self._rest()

    def answered(self, answer: Answer) -> None:
        """Take what the key process says."""
        self.take(answer)

    def keys_lost(self) -> None:
        """Join anew: the key process is another one."""
        self._keys.follow_feed()
        self.take(KeysLost())

    def close(self) -> None:
        """Leave the call."""
        self._rest()
        if self._handle is not None:
            self._keys.close_keys(self._handle)
            self._handle = None

    def _do(self, effect: Effect) -> None:
        match effect:
            case (
                BeginMembership()
                | SetExternalSender()
                | ProcessProposals()
                | ProcessHandshake()
                | UseNewKey()
            ):
                self._ask(effect)
            case SendMedia(media=media):
                self._rest()
                self._ends.use(encrypted=media == "encrypted")
                if media != "encrypted" and self._handle is not None:
                    self._keys.tell_keys(SendPlain(membership=self._handle.number))
            case Leave():
                self._ends.give_up()
            case _:
                self._ends.say(wire.message(effect))

    def _ask(self, ask: Ask) -> None:
        if isinstance(ask, BeginMembership):
            self._begin_to_wait()
            if self._handle is None:
                self._handle = self._keys.open_keys(self._user, self._channel, self)
        if self._handle is not None:
            self._keys.tell_keys(Asked(membership=self._handle.number, ask=ask))

    def _begin_to_wait(self) -> None:
        """Keep the track waiting only for so long, however often we join anew meanwhile."""
        if self._timer is None:
            loop = asyncio.get_running_loop()
            self._timer = loop.call_later(self._wait, self._waited)

    def _waited(self) -> None:
        self._timer, self._wait = None, 2 * self._wait
        self.take(WaitEnded(self.call.incarnation))

    def _rest(self) -> None:
        """Wait for nothing any more."""
        if self._timer is not None:
            self._timer.cancel()
        self._timer, self._wait = None, self._first_wait
