"""Dead letters: messages that were put aside, read and dropped by people. Reads Redis only.

A letter goes by its partition and its place there: `default:p3/1764000000000-0`. Nothing runs it
again: its command is answered, its interaction over, and its id known as done.
"""

from collections.abc import Iterable, Sequence

import msgspec

from legato import redis
from legato.contracts import keys
from legato.contracts.partitions import Partition

HIDDEN = frozenset({"token"})
"""Who has one of these may answer in the bot's name."""
UNREADABLE = "unreadable"


class DeadLetter(msgspec.Struct, frozen=True, kw_only=True):
    """One message that was put aside."""

    name: str
    at: int
    """When, server ms."""
    kind: str
    """The message's tag."""
    guild_id: str
    why: str
    message: object
    """As it came, without what is secret; a text where it is no JSON."""


async def letters(client: redis.Client, partitions: Iterable[Partition]) -> list[DeadLetter]:
    """List all there are, the newest first."""
    found = []
    for partition in partitions:
        with redis.reaching("dead letters"):
            answer: object = await client.xrevrange(keys.dead(partition))
        found += [_letter(partition, entry, fields) for entry, fields in _rows(answer)]
    return sorted(found, key=lambda one: one.at, reverse=True)


async def drop(
    client: redis.Client, partitions: Sequence[Partition], names: Iterable[str]
) -> list[str]:
    """Forget letters; return those that were there."""
    known = {_place(partition): partition for partition in partitions}
    dropped = []
    for name in names:
        place, _, entry = name.rpartition("/")
        if place not in known or not _is_entry(entry):
            continue
        with redis.reaching("dead letters"):
            if await client.xdel(keys.dead(known[place]), entry):
                dropped.append(name)
    return dropped


def _rows(answer: object) -> list[tuple[str, dict[bytes, bytes]]]:
    """Take a stream's entries out of the library's answer, whose type it can't tell."""
    rows = msgspec.convert(answer, type=list[tuple[bytes, dict[bytes, bytes]]])
    return [(entry.decode(), fields) for entry, fields in rows]


def _letter(partition: Partition, entry: str, fields: dict[bytes, bytes]) -> DeadLetter:
    raw, why = fields.get(b"m", b""), fields.get(b"why", b"")
    message = _read(raw)
    known = message if isinstance(message, dict) else {}
    return DeadLetter(
        name=f"{_place(partition)}/{entry}",
        at=int(entry.partition("-")[0]),
        kind=str(known.get("type", UNREADABLE)),
        guild_id=str(known.get("guild_id", "")),
        why=why.decode(errors="replace"),
        message=message,
    )


def _read(raw: bytes) -> object:
    try:
        return hidden(msgspec.json.decode(raw))
    except msgspec.MsgspecError:
        return raw.decode(errors="backslashreplace")


def hidden(value: object) -> object:
    """Leave out what nobody should read off a screen, however deep it stands."""
    match value:
        case dict():
            return {
                name: "(hidden)" if name in HIDDEN else hidden(part) for name, part in value.items()
            }
        case list():
            return [hidden(part) for part in value]
        case _:
            return value


def _place(partition: Partition) -> str:
    return f"{partition.region}:p{partition.index}"


def _is_entry(text: str) -> bool:
    ms, dash, number = text.partition("-")
    return ms.isdecimal() and bool(dash) and number.isdecimal()
