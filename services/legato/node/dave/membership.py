"""One voice connection's keys and the feeds it encrypts; knows no channel and no clock.

After a commit or welcome frames wait for the transition's execution, encrypted for the epoch
before it while these last; where a listener would hear a gap, the new key is taken at once.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import partial

from legato.node.dave import exchange
from legato.node.dave.exchange import (
    Answer,
    Ask,
    CommitReady,
    HandshakeProcessed,
    KeyPackageReady,
    NewKeyUsed,
)
from legato.node.dave.group import Group, Invalid
from legato.node.ring import FeedEncryptor
from legato.node.rtp import SILENCE

LOW = 15
"""Encrypted frames ahead of the wire below which nothing is waited for: 300 ms."""

DRY = 8
"""Encrypted frames ahead of the wire below which a feed is looked at often."""

IN_USE = 2
"""Frames that the pacer may be about to take, which are not encrypted anew."""

FEEDS = 2
"""What plays, and the tail before it."""


@dataclass(slots=True)
class Membership:
    """A bot's part in a call."""

    user: int
    channel: int
    group: Group | None = None
    encrypting: bool = False
    """Whether frames are encrypted."""
    key_waits: bool = False
    """Whether the newest key waits to be used."""
    feeds: dict[int, FeedEncryptor] = field(default_factory=dict)

    def follow(self, number: int, feed: FeedEncryptor) -> None:
        """Encrypt one more feed; the one before the last is done with."""
        self.feeds[number] = feed
        while len(self.feeds) > FEEDS:
            self.unfollow(next(iter(self.feeds)))

    def unfollow(self, number: int) -> None:
        """Encrypt a feed no more."""
        feed = self.feeds.pop(number, None)
        if feed is not None:
            feed.close()

    def close(self) -> None:
        """Forget everything."""
        for number in list(self.feeds):
            self.unfollow(number)
        self.group = None

    def take(self, ask: Ask) -> Iterator[Answer]:
        """Do what is asked and give the answers."""
        match ask:
            case exchange.BeginMembership():
                yield from self._begin(ask)
            case exchange.UseNewKey(incarnation=incarnation, fresh=fresh):
                self._use_new_key(fresh=fresh)
                yield NewKeyUsed(incarnation)
            case exchange.ProcessHandshake():
                valid = self._process_handshake(ask)
                yield HandshakeProcessed(ask.incarnation, ask.transition, ask.kind, valid)
            case exchange.ProcessProposals(incarnation=incarnation):
                commit = self._process_proposals(ask)
                if commit is not None:
                    yield CommitReady(incarnation, commit)
            case exchange.SetExternalSender(data=data):
                self._set_external_sender(data)

    def encrypt(self) -> bool:
        """Encrypt what waits; say whether some feed has little ahead of the wire."""
        dry = False
        group = self.group
        if group is None or not self.encrypting or not group.ready:
            return False
        for number, feed in list(self.feeds.items()):
            if feed.waiting and not (self.key_waits and feed.ahead >= LOW):
                feed.encrypt(partial(_encrypt, group))
            if not feed.open and not feed.waiting and feed.ahead <= 0:
                self.unfollow(number)
            else:
                dry = dry or (feed.open and feed.ahead < DRY)
        return dry

    def _begin(self, ask: exchange.BeginMembership) -> Iterator[Answer]:
        """Become a pending member; what is encrypted goes out until there is better."""
        self.group, self.encrypting, self.key_waits = None, False, False
        try:
            group = Group(ask.version, self.user, self.channel)
            if ask.sender:
                group.set_external_sender(ask.sender)
            yield KeyPackageReady(ask.incarnation, group.key_package())
        except Invalid:
            return
        self.group = group

    def _set_external_sender(self, data: bytes) -> None:
        if self.group is not None:
            try:
                self.group.set_external_sender(data)
            except Invalid:
                # A member keeps the credential of its group.
                return

    def _process_proposals(self, ask: exchange.ProcessProposals) -> bytes | None:
        """Give a commit; without one, another member's is taken."""
        if self.group is None:
            return None
        try:
            return self.group.process_proposals(
                revoked=ask.revoked, data=ask.data, expected=ask.expected
            )
        except Invalid:
            return None

    def _process_handshake(self, ask: exchange.ProcessHandshake) -> bool:
        if self.group is None:
            return False
        try:
            self.group.process_handshake(ask.kind, ask.data)
        except Invalid:
            return False
        self.key_waits = True
        return True

    def _use_new_key(self, *, fresh: bool) -> None:
        """Use the newest key for every frame still to be sent."""
        self.encrypting, self.key_waits = True, False
        for feed in self.feeds.values():
            feed.rewind(0 if fresh else IN_USE)
        self.encrypt()


def _encrypt(group: Group, frame: bytes) -> bytes:
    """Encrypt a frame; one that can't be becomes silence, which every decoder takes as it is."""
    try:
        return group.encrypt(frame)
    except Invalid:
        return SILENCE
