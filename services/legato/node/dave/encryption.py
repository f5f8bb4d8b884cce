"""One voice connection's encryption: does what the call says with keeper, server and wire.

It reads no socket: the connection hands over what comes, and sends what is given.
"""

import asyncio
from typing import Protocol

from legato.node.dave import call, wire
from legato.node.dave.exchange import (
    Answer,
    Apply,
    Begin,
    Described,
    Effect,
    Event,
    Lost,
    Propose,
    Renew,
    Trust,
    Use,
    Waited,
)
from legato.node.dave.keeping import Ward, Wearer
from legato.node.errors import MediaError
from legato.node.messages import Asked, Uncover

PATIENCE = 3.0
"""Seconds that a track waits for a group's key, at the start and after a key was lost."""

MOST_PATIENCE = 12.0
"""What they grow to, twice as many each time: a group that is slow is not to be begun for ever."""


class Keys(Protocol):
    """The lane whose frames are encrypted, and the keeper behind it."""

    def open_ward(self, user: int, channel: int, wearer: Wearer) -> Ward:
        """Keep keys for this connection."""

    def close_ward(self, ward: Ward) -> None:
        """Forget them."""

    def follow(self) -> None:
        """Let the keeper know what plays."""

    def keep(self, message: Asked | Uncover) -> None:
        """Tell the keeper."""


class Ends(Protocol):
    """The connection."""

    def say(self, message: wire.Payload | bytes) -> None:
        """Send to the voice server, in order."""

    def use(self, *, encrypted: bool) -> None:
        """Send frames like this; the first time, begin to send."""


class Encryption:
    """The part of one bot in one call."""

    def __init__(self, user: int, channel: int, keys: Keys, ends: Ends) -> None:
        self._user, self._channel = user, channel
        self._keys, self._ends = keys, ends
        self.call = call.Call()
        self._ward: Ward | None = None
        self._timer: asyncio.TimerHandle | None = None
        self._patience = PATIENCE

    def described(self, version: object) -> None:
        """Begin with the version that a session description settles; raises MediaError."""
        agreed = 0 if version is None else version
        if not isinstance(agreed, int) or not 0 <= agreed <= wire.MAX_VERSION:
            raise MediaError("The voice server wants an encryption that was not offered.", "fault")
        self.take(Described(agreed))

    def take(self, event: Event | None) -> None:
        """Take an event and do what follows from it."""
        if event is None:
            return
        self.call, effects = call.step(self.call, event)
        for effect in effects:
            self._do(effect)

    def answered(self, answer: Answer) -> None:
        """Take what the keeper says."""
        self.take(answer)

    def bereft(self) -> None:
        """Join anew: the keys are gone."""
        self._keys.follow()
        self.take(Lost())

    def close(self) -> None:
        """Leave the call."""
        if self._timer is not None:
            self._timer.cancel()
        if self._ward is not None:
            self._keys.close_ward(self._ward)
            self._ward = None

    def _do(self, effect: Effect) -> None:
        match effect:
            case Begin() | Trust() | Propose() | Apply() | Renew():
                self._ask(effect)
            case Use(how=how):
                self._patience = PATIENCE
                self._ends.use(encrypted=how == "encrypted")
                if how != "encrypted" and self._ward is not None:
                    self._keys.keep(Uncover(ward=self._ward.number))
            case _:
                self._ends.say(wire.message(effect))

    def _ask(self, ask: Begin | Trust | Propose | Apply | Renew) -> None:
        if isinstance(ask, Begin):
            self._wait(ask.incarnation)
            if self._ward is None:
                self._ward = self._keys.open_ward(self._user, self._channel, self)
        if self._ward is not None:
            self._keys.keep(Asked(ward=self._ward.number, ask=ask))

    def _wait(self, incarnation: int) -> None:
        """Keep the track waiting for this membership only for so long."""
        if self._timer is not None:
            self._timer.cancel()
        loop = asyncio.get_running_loop()
        self._timer = loop.call_later(self._patience, self._waited, incarnation)

    def _waited(self, incarnation: int) -> None:
        self._patience = min(2 * self._patience, MOST_PATIENCE)
        self.take(Waited(incarnation))
