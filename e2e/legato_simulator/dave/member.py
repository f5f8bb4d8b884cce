"""A group member: a client's part of DAVE, through davey. The only module that imports it.

It answers the voice gateway's messages and encrypts and decrypts frames; it knows no socket.
"""

import davey

from legato_simulator.dave import messages
from legato_simulator.dave.frames import is_encrypted
from legato_simulator.dave.messages import Body

MAX_VERSION = davey.DAVE_PROTOCOL_VERSION
Answer = tuple[int, Body]


class Undecryptable(ValueError):
    """A frame that this member has no key for."""


class Member:
    """One user's part in one call."""

    def __init__(self, user_id: int, channel_id: int) -> None:
        self.user_id, self._channel_id = user_id, channel_id
        self.expected: set[int] = set()
        """Who is in the call, by op 11: no one else may be added to the group."""
        self.version = 0
        self.invalid = 0
        """Commits and welcomes that could not be processed."""
        self.unusable = 0
        """Proposals that could not be taken: of another epoch, or about strangers."""
        self._session: davey.DaveSession | None = None
        self._pending: dict[int, int] = {}

    @property
    def active(self) -> bool:
        """Say whether there is a group with keys."""
        return self._session is not None and self._session.ready

    @property
    def epoch(self) -> int:
        """The group's epoch; 0 without one."""
        return (self._session.epoch or 0) if self._session is not None and self.active else 0

    @property
    def privacy_code(self) -> str:
        """What members compare by word of mouth; equal for all of an epoch."""
        return (self._session.voice_privacy_code or "") if self._session is not None else ""

    def start(self, version: int) -> list[Answer]:
        """Take op 4's version."""
        self.version = version
        if version < 1:
            return []
        return [self._renew()]

    def take(self, op: int, body: Body) -> list[Answer]:
        """Take one of the messages 21 to 30, and answer."""
        match op, body:
            case messages.PREPARE_TRANSITION, dict():
                return self._prepare(body["transition_id"], body["protocol_version"])
            case messages.EXECUTE_TRANSITION, dict():
                self.version = self._pending.pop(body["transition_id"], self.version)
                return []
            case messages.PREPARE_EPOCH, dict():
                self.version = body["protocol_version"]
                return [self._renew()] if body["epoch"] == messages.NEW_GROUP else []
            case _, bytes() if self._session is not None:
                return self._binary(self._session, op, body)
            case _:
                return []

    def seal(self, frame: bytes) -> bytes:
        """Encrypt an Opus frame, unless there is nobody to encrypt it for."""
        if self._session is None or self.version < 1 or not self._session.ready:
            return frame
        return self._session.encrypt_opus(frame)

    def open(self, sender: int, frame: bytes) -> bytes:
        """Decrypt someone's frame; raises Undecryptable."""
        if not is_encrypted(frame):
            return frame
        if self._session is None:
            raise Undecryptable("no session")
        try:
            return self._session.decrypt(sender, davey.MediaType.audio, frame)
        except ValueError as error:
            raise Undecryptable(str(error)) from error

    def _prepare(self, number: int, version: int) -> list[Answer]:
        if number == 0:
            self.version = version
            return []
        self._pending[number] = version
        return [(messages.READY_FOR_TRANSITION, {"transition_id": number})]

    def _renew(self) -> Answer:
        """Forget the group, and make a key package for the next."""
        if self._session is None:
            self._session = davey.DaveSession(MAX_VERSION, self.user_id, self._channel_id)
        else:
            self._session.reinit(MAX_VERSION, self.user_id, self._channel_id)
        return messages.KEY_PACKAGE, self._session.get_serialized_key_package()

    def _binary(self, session: davey.DaveSession, op: int, body: bytes) -> list[Answer]:
        match op:
            case messages.EXTERNAL_SENDER:
                session.set_external_sender(body)
                return []
            case messages.PROPOSALS:
                return self._commit(session, body)
            case messages.ANNOUNCE_COMMIT | messages.WELCOME:
                return self._enter(session, op, body)
            case _:
                return []

    def _commit(self, session: davey.DaveSession, body: bytes) -> list[Answer]:
        kind = davey.ProposalsOperationType.append
        if body[0] != messages.APPEND:
            kind = davey.ProposalsOperationType.revoke
        try:
            made = session.process_proposals(kind, body[1:], [*self.expected, self.user_id])
        except ValueError:
            self.unusable += 1
            return []
        if made is None:
            return []
        return [(messages.COMMIT_WELCOME, made.commit + (made.welcome or b""))]

    def _enter(self, session: davey.DaveSession, op: int, body: bytes) -> list[Answer]:
        """Move to the epoch of a commit or a welcome, or report it and begin anew."""
        number = int.from_bytes(body[:2], "big")
        try:
            if op == messages.WELCOME:
                session.process_welcome(body[2:])
            else:
                session.process_commit(body[2:])
        except ValueError:
            self.invalid += 1
            told: Body = {"transition_id": number}
            return [(messages.INVALID_COMMIT_WELCOME, told), self._renew()]
        self._pending[number] = 1
        return [(messages.READY_FOR_TRANSITION, {"transition_id": number})]
