"""The voice gateway's messages 21 to 31 (protocol.md, "Voice Gateway Opcodes"). Pure.

The binary ones are bodies here: what follows the opcode. The two bytes of the sequence number and
the opcode are the socket's to put before them.
"""

from dataclasses import dataclass

from legato_simulator.dave.encoding import u8, u16, vector

PREPARE_TRANSITION, EXECUTE_TRANSITION, READY_FOR_TRANSITION, PREPARE_EPOCH = 21, 22, 23, 24
EXTERNAL_SENDER, KEY_PACKAGE, PROPOSALS, COMMIT_WELCOME = 25, 26, 27, 28
ANNOUNCE_COMMIT, WELCOME, INVALID_COMMIT_WELCOME = 29, 30, 31
FROM_SERVER_TEXT = frozenset({PREPARE_TRANSITION, EXECUTE_TRANSITION, PREPARE_EPOCH})
FROM_CLIENT_BINARY = frozenset({KEY_PACKAGE, COMMIT_WELCOME})
APPEND = 0
NEW_GROUP = 1
"""The epoch that op 24 names when a group is begun anew."""

Body = bytes | dict[str, int]


@dataclass(frozen=True, slots=True)
class Send:
    """A message to one user of a call."""

    user_id: int
    op: int
    body: Body


def prepare_transition(version: int, transition_id: int) -> Body:
    """Op 21: announce another protocol version."""
    return {"protocol_version": version, "transition_id": transition_id}


def execute_transition(transition_id: int) -> Body:
    """Op 22: use what was prepared."""
    return {"transition_id": transition_id}


def prepare_epoch(version: int, epoch: int) -> Body:
    """Op 24: with epoch 1, begin a new group."""
    return {"protocol_version": version, "epoch": epoch}


def proposals(messages: list[bytes]) -> Body:
    """Op 27: append proposals."""
    return u8(APPEND) + vector(b"".join(messages))


def transition(transition_id: int, message: bytes) -> Body:
    """Op 29 and op 30: a commit or a welcome with its transition."""
    return u16(transition_id) + message
