"""Voice opcodes 11, 13 and 21 to 31 as events and effects of a call. Pure; reads no MLS.

github.com/discord/dave-protocol, protocol.md, "Voice Gateway Opcodes". Binary from the server:
u16 sequence, u8 op, payload; from us: u8 op, payload.
"""

from legato.node.dave import exchange

MAX_VERSION = 1
"""Highest version that is offered at Identify; without one Discord closes with 4017."""

CLIENTS_CONNECT, CLIENT_DISCONNECT = 11, 13
PREPARE_TRANSITION, EXECUTE_TRANSITION, READY, PREPARE_EPOCH = 21, 22, 23, 24
EXTERNAL_SENDER, KEY_PACKAGE, PROPOSALS, COMMIT, ANNOUNCE_COMMIT, WELCOME = range(25, 31)
INVALID = 31

HEADER = 3
APPEND, REVOKE = 0, 1

Payload = dict[str, object]


def text(op: object, data: Payload) -> exchange.Event | None:
    """Read a JSON message; None where it does not concern the encryption."""
    match op:
        case 11:
            users = data.get("user_ids")
            found = map(_id, users if isinstance(users, list) else ())
            return exchange.ClientsConnected(frozenset(user for user in found if user is not None))
        case 13:
            user = _id(data.get("user_id"))
            return None if user is None else exchange.ClientDisconnected(user)
        case 21:
            return exchange.PrepareTransition(
                _number(data, "transition_id"), _number(data, "protocol_version")
            )
        case 22:
            return exchange.ExecuteTransition(_number(data, "transition_id"))
        case 24:
            return exchange.PrepareEpoch(_number(data, "epoch"), _number(data, "protocol_version"))
        case _:
            return None


def binary(message: bytes) -> exchange.Event | None:
    """Read a binary message; None for one that is unknown or too short."""
    if len(message) < HEADER:
        return None
    op, payload = message[HEADER - 1], message[HEADER:]
    if op == EXTERNAL_SENDER:
        return exchange.ExternalSender(payload)
    if op == PROPOSALS and payload and payload[0] in {APPEND, REVOKE}:
        return exchange.Proposals(payload[0] == REVOKE, payload[1:])
    if op in {ANNOUNCE_COMMIT, WELCOME} and len(payload) >= 2:
        kind: exchange.Handshake = "commit" if op == ANNOUNCE_COMMIT else "welcome"
        return exchange.CommitOrWelcome(int.from_bytes(payload[:2], "big"), kind, payload[2:])
    return None


def sequence(message: bytes, before: int) -> int:
    """Read the number of a binary message, which is cut to 16 bits; `before` was the last one."""
    if len(message) < HEADER:
        return before
    number = int.from_bytes(message[:2], "big")
    if before < 0:
        return number
    return before + (number - before) % (1 << 16)


def message(
    effect: exchange.SendReadyForTransition
    | exchange.SendKeyPackage
    | exchange.SendCommitWelcome
    | exchange.SendInvalidCommitWelcome,
) -> Payload | bytes:
    """Write what is sent to the server: JSON, or bytes of a binary message."""
    match effect:
        case exchange.SendReadyForTransition(transition=transition):
            return {"op": READY, "d": {"transition_id": transition}}
        case exchange.SendKeyPackage(data=data):
            return bytes([KEY_PACKAGE]) + data
        case exchange.SendCommitWelcome(data=data):
            return bytes([COMMIT]) + data
        case exchange.SendInvalidCommitWelcome(transition=transition):
            return {"op": INVALID, "d": {"transition_id": transition}}


def _number(data: Payload, field: str) -> int:
    value = data.get(field)
    return value if isinstance(value, int) else 0


def _id(value: object) -> int | None:
    if isinstance(value, str) and value.isdecimal() and value.isascii():
        return int(value) if int(value) < 1 << 64 else None
    return None
