"""Messages between services: streams that keep them, questions that don't. Knows no message type.

A stream has one reader, its lease's holder, so there are no consumer groups: the position lives
beside what the reader commits.
"""

import asyncio
import secrets
from collections.abc import AsyncIterator, Iterable, Sequence
from dataclasses import dataclass
from datetime import timedelta
from typing import Generic, TypeVar

import msgspec
import structlog

from legato.errors import Unavailable
from legato.redis import Client, reaching

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

Message = TypeVar("Message")

BEGINNING = "0-0"
"""Before every entry of a stream."""

_BODY, _NONCE = b"m", b"k"
_READ_BACK = 256
"""Newest entries looked through for an append whose answer got lost."""
_ANSWER_LIFE = timedelta(seconds=5)
_QUESTIONS_KEPT = 1000


@dataclass(frozen=True, slots=True)
class Undecodable:
    """What can't be read: an unknown tag, a missing field, no JSON."""

    raw: bytes
    why: str


@dataclass(frozen=True, slots=True)
class Entry(Generic[Message]):
    """One place in a stream."""

    id: str
    message: Message | Undecodable


class Bus:
    """Streams, questions and publications of one Redis."""

    def __init__(self, redis: Client, *, patience: timedelta = timedelta(seconds=4)) -> None:
        """`patience` is how long an append whose answer got lost is read back for."""
        self._redis = redis
        self._patience = patience

    async def append(self, key: str, message: msgspec.Struct) -> str:
        """Append once and return the id; raises Unavailable where that can't be made sure of.

        After Unavailable the same message may be appended again: its reader drops repeats by id.
        """
        body = msgspec.json.encode(message)
        nonce = secrets.token_bytes(12)
        try:
            return await self._add(key, body, nonce)
        except Unavailable:
            return await self._settle(key, body, nonce)

    async def append_all(self, messages: Sequence[tuple[str, msgspec.Struct]]) -> None:
        """Append many in one way there and back, in order; raises Unavailable.

        Some may stand there then, and again after another attempt: for messages whose reader knows
        repeats by more than the order of their arrival.
        """
        if not messages:
            return
        with reaching("append_all"):
            async with self._redis.pipeline(transaction=False) as pipe:
                for key, message in messages:
                    pipe.xadd(key, {_BODY: msgspec.json.encode(message)})
                await pipe.execute()

    async def _add(self, key: str, body: bytes, nonce: bytes) -> str:
        with reaching("append"):
            entry = await self._redis.xadd(key, {_BODY: body, _NONCE: nonce})
        return _text(entry)

    async def _settle(self, key: str, body: bytes, nonce: bytes) -> str:
        """Read an unknown outcome back; append again only where the first surely wasn't."""
        deadline = asyncio.get_running_loop().time() + self._patience.total_seconds()
        while True:
            try:
                found = await self._find(key, nonce)
                return found or await self._add(key, body, nonce)
            except Unavailable:
                if asyncio.get_running_loop().time() >= deadline:
                    raise
                await asyncio.sleep(0.1)

    async def _find(self, key: str, nonce: bytes) -> str | None:
        with reaching("append"):
            newest = await self._redis.xrevrange(key, count=_READ_BACK)
        return next((entry for entry, fields in _rows(newest) if fields.get(_NONCE) == nonce), None)

    async def read(
        self,
        key: str,
        after: str,
        *,
        decoder: msgspec.json.Decoder[Message],
        block: timedelta = timedelta(seconds=1),
        count: int = 100,
    ) -> list[Entry[Message]]:
        """Return what follows an id, oldest first; wait for it up to `block` (zero = don't)."""
        wait = round(block / timedelta(milliseconds=1)) or None
        with reaching("read"):
            client = self._redis if wait is None else self._redis.listening
            answer = await client.xread({key: after}, count=count, block=wait)
        match answer:
            case [[_, rows]]:
                return [_entry(entry, fields, decoder) for entry, fields in _rows(rows)]
            case _:
                return []

    async def trim(self, key: str, upto: str) -> None:
        """Drop what lies before an id; the entry itself stays."""
        with reaching("trim"):
            await self._redis.xtrim(key, minid=upto, approximate=False)

    async def ask(
        self,
        key: str,
        question: msgspec.Struct,
        *,
        reply_to: str,
        decoder: msgspec.json.Decoder[Message],
        timeout: timedelta,
    ) -> Message | None:
        """Ask whoever listens on a list, and wait; None when no answer came in time."""
        with reaching("ask"):
            await self._redis.lpush(key, msgspec.json.encode(question))
            await self._redis.ltrim(key, 0, _QUESTIONS_KEPT - 1)
            answer = await self._redis.listening.blpop([reply_to], timeout=timeout.total_seconds())
        if not answer:
            return None
        decoded = _decoded(answer[1], decoder)
        return None if isinstance(decoded, Undecodable) else decoded

    async def questions(
        self,
        key: str,
        *,
        decoder: msgspec.json.Decoder[Message],
        block: timedelta = timedelta(seconds=1),
    ) -> Message | None:
        """Take the oldest question; None when there was none, or none that can be read."""
        with reaching("questions"):
            taken = await self._redis.listening.brpop([key], timeout=block.total_seconds())
        if not taken:
            return None
        decoded = _decoded(taken[1], decoder)
        if isinstance(decoded, Undecodable):
            log.warning("question dropped", why=decoded.why)
            return None
        return decoded

    async def reply(self, reply_to: str, answer: msgspec.Struct) -> None:
        """Answer a question; the answer lives 5 s."""
        with reaching("reply"):
            async with self._redis.pipeline(transaction=True) as pipe:
                pipe.rpush(reply_to, msgspec.json.encode(answer))
                pipe.pexpire(reply_to, _ANSWER_LIFE)
                await pipe.execute()

    async def publish(self, channel: str, document: msgspec.Struct) -> None:
        """Tell whoever listens now; nobody need."""
        with reaching("publish"):
            await self._redis.publish(channel, msgspec.json.encode(document))

    async def subscribe(
        self, channel: str, *, decoder: msgspec.json.Decoder[Message]
    ) -> AsyncIterator[Message | None]:
        """Yield what is published; None at least once a second of silence, so a loop can end."""
        async with self._redis.listening.pubsub(ignore_subscribe_messages=True) as listening:
            with reaching("subscribe"):
                await listening.subscribe(channel)
            while True:
                with reaching("subscribe"):
                    told = await listening.get_message(timeout=1.0)
                if told is None:
                    yield None
                    continue
                decoded = _decoded(told["data"], decoder)
                if not isinstance(decoded, Undecodable):
                    yield decoded


def _rows(answer: object) -> Iterable[tuple[str, dict[bytes, bytes]]]:
    """Take a stream's entries out of the library's answer, whose type it can't tell."""
    for row in answer if isinstance(answer, list) else ():
        entry, fields = row
        yield _text(entry), fields


def _text(answer: object) -> str:
    return answer.decode() if isinstance(answer, bytes) else str(answer)


def _entry(
    entry: str, fields: dict[bytes, bytes], decoder: msgspec.json.Decoder[Message]
) -> Entry[Message]:
    decoded = _decoded(fields.get(_BODY, b""), decoder)
    return Entry(entry, decoded)


def _decoded(raw: object, decoder: msgspec.json.Decoder[Message]) -> Message | Undecodable:
    body = raw if isinstance(raw, bytes) else str(raw).encode()
    try:
        return decoder.decode(body)
    except msgspec.DecodeError as error:
        return Undecodable(body, str(error))
