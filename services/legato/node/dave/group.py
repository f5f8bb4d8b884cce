"""One bot's membership of one group, on davey: the only module that imports it.

davey knows no transition: its encryptor goes over to a new epoch's key with the commit or welcome.
Its calls hold the interpreter, 6 to 80 ms for a change of the group.
"""

import davey

from legato.node.dave.exchange import Handshake

KINDS = (davey.ProposalsOperationType.append, davey.ProposalsOperationType.revoke)


class Invalid(Exception):
    """What came can't be taken; the membership is as it was before, or can't be used any more."""


class Group:
    """A membership, pending at first."""

    def __init__(self, version: int, user: int, channel: int) -> None:
        try:
            self._session = davey.DaveSession(version, user, channel)
        except ValueError as error:
            raise Invalid(str(error)) from error

    @property
    def ready(self) -> bool:
        """Whether there is a key to encrypt with."""
        return self._session.ready

    def trust(self, sender: bytes) -> None:
        """Take the voice server's credential and found a group of one; raises Invalid."""
        try:
            self._session.set_external_sender(sender)
        except ValueError as error:
            raise Invalid(str(error)) from error

    def package(self) -> bytes:
        """Make a key package; it replaces the one before. Raises Invalid."""
        try:
            return bytes(self._session.get_serialized_key_package())
        except ValueError as error:
            raise Invalid(str(error)) from error

    def propose(self, *, revoked: bool, data: bytes, expected: frozenset[int]) -> bytes | None:
        """Take proposals and give a commit with its welcome, if any is open; raises Invalid."""
        try:
            made = self._session.process_proposals(KINDS[revoked], data, list(expected))
        except ValueError as error:
            raise Invalid(str(error)) from error
        return None if made is None else bytes(made.commit) + bytes(made.welcome or b"")

    def apply(self, kind: Handshake, data: bytes) -> None:
        """Go over to the next epoch, or into the group; raises Invalid."""
        try:
            if kind == "commit":
                self._session.process_commit(data)
            else:
                self._session.process_welcome(data)
        except ValueError as error:
            raise Invalid(str(error)) from error

    def encrypt(self, frame: bytes) -> bytes:
        """Encrypt one Opus frame; the silence frame stays as it is. Raises Invalid."""
        try:
            return self._session.encrypt_opus(frame)
        except ValueError as error:
            raise Invalid(str(error)) from error
