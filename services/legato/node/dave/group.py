"""One bot's membership of one group, on davey: the only module that imports it.

davey knows no transition: its encryptor goes over to a new epoch's key with the commit or welcome.
Its calls hold the interpreter, 6 to 80 ms for a change of the group.
"""

from collections.abc import Iterator
from contextlib import contextmanager

import davey

from legato.node.dave.exchange import Handshake

PANIC = "PanicException"
KINDS = (davey.ProposalsOperationType.append, davey.ProposalsOperationType.revoke)


class Invalid(Exception):
    """What came can't be taken; the membership is as it was before, or can't be used any more."""


class Group:
    """A membership, pending at first."""

    def __init__(self, version: int, user: int, channel: int) -> None:
        with _judged():
            self._session = davey.DaveSession(version, user, channel)

    @property
    def ready(self) -> bool:
        """Whether there is a key to encrypt with."""
        return self._session.ready

    def set_external_sender(self, sender: bytes) -> None:
        """Take the voice server's credential and found a group of one; raises Invalid."""
        with _judged():
            self._session.set_external_sender(sender)

    def key_package(self) -> bytes:
        """Make a key package; it replaces the one before. Raises Invalid."""
        with _judged():
            return bytes(self._session.get_serialized_key_package())

    def process_proposals(
        self, *, revoked: bool, data: bytes, expected: frozenset[int]
    ) -> bytes | None:
        """Take proposals and give a commit with its welcome, if any is open; raises Invalid."""
        with _judged():
            made = self._session.process_proposals(KINDS[revoked], data, list(expected))
        return None if made is None else bytes(made.commit) + bytes(made.welcome or b"")

    def process_handshake(self, kind: Handshake, data: bytes) -> None:
        """Go over to the next epoch, or into the group; raises Invalid."""
        with _judged():
            if kind == "commit":
                self._session.process_commit(data)
            else:
                self._session.process_welcome(data)

    def encrypt(self, frame: bytes) -> bytes:
        """Encrypt one Opus frame; the silence frame stays as it is. Raises Invalid."""
        try:
            return self._session.encrypt_opus(frame)
        except ValueError as error:
            raise Invalid(str(error)) from error


@contextmanager
def _judged() -> Iterator[None]:
    """Turn what davey raises into Invalid; what it breaks off by has no type that can be named."""
    try:
        yield
    except ValueError as error:
        raise Invalid(str(error)) from error
    except BaseException as error:
        if type(error).__name__ == PANIC:
            raise Invalid(str(error)) from error
        raise
