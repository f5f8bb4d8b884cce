"""Permits to IDENTIFY, for a whole bot: spaced per bucket, under a daily reserve. Knows no socket.

Past Discord's daily limit it ends every session and resets the token, so nobody identifies without
a permit, and not without Redis. The ledger is a cache of Discord's own `session_start_limit`.
https://discord.com/developers/docs/events/gateway#session-start-limit-object
"""

import asyncio
import json
import pathlib
from dataclasses import dataclass
from datetime import timedelta
from typing import Literal

from legato import telemetry
from legato.contracts import keys
from legato.redis import Client, Script

_log = telemetry.logger(__name__)

SPACING = timedelta(seconds=5.5)
"""Discord counts 5 s per bucket; half a second for the way there."""
VALIDITY = timedelta(seconds=2)
RESERVE = 50
"""Identifies a day that are kept for people who mend things by hand."""

Word = Literal[
    "granted", "wait", "refused", "unknown", "confirmed", "stale", "learned", "given_back"
]
_WORDS: tuple[Word, ...] = (
    "granted",
    "wait",
    "refused",
    "unknown",
    "confirmed",
    "stale",
    "learned",
    "given_back",
)


@dataclass(frozen=True, slots=True)
class Decision:
    """What the ledger says."""

    word: Word
    number: int
    """The permit; or ms to wait; or what remains."""


@dataclass(frozen=True, slots=True)
class StartLimit:
    """Discord's own account, from GET /gateway/bot."""

    total: int
    remaining: int
    reset_after: timedelta
    max_concurrency: int


class Ledger:
    """The one account of a bot's identifies."""

    def __init__(
        self,
        redis: Client,
        *,
        bot: int,
        spacing: timedelta = SPACING,
        validity: timedelta = VALIDITY,
        reserve: int = RESERVE,
    ) -> None:
        self._redis = redis
        self._key = keys.identify(bot)
        self._spacing = _ms(spacing)
        self._validity = _ms(validity)
        self._reserve = reserve
        self._script = Script("identify")

    async def learn(self, limit: StartLimit) -> int:
        """Bring the ledger in line with Discord: what remains is the smaller of the two."""
        reset = _ms(limit.reset_after)
        decision = await self._run(
            "learn", limit.total, limit.remaining, reset, limit.max_concurrency
        )
        return decision.number

    async def ask(self, shard: int) -> Decision:
        """Ask for a permit: granted, wait, refused, or unknown (then `learn` first)."""
        return await self._run("ask", shard, self._spacing, self._validity, self._reserve)

    async def confirm(self, shard: int, permit: int) -> bool:
        """Use a permit right before sending; False: too late, ask again."""
        decision = await self._run("confirm", shard, self._spacing, self._validity, permit)
        return decision.word == "confirmed"

    async def give_back(self) -> None:
        """Take a permit into account again that surely was not used. Raises Unavailable."""
        await self._run("give_back")

    async def _run(self, *arguments: str | int) -> Decision:
        answer = await self._script(self._redis, [self._key], *arguments)
        match answer:
            case [bytes(word), int(number)]:
                for known in _WORDS:
                    if known == word.decode():
                        return Decision(known, number)
        raise TypeError(f"identify.lua answered {answer!r}")


class CrashLoopGuard:
    """How often this machine identified lately, kept in a file: it holds without Redis too."""

    def __init__(
        self, file: pathlib.Path, *, most: int, within: timedelta = timedelta(hours=1)
    ) -> None:
        self._file = file
        self._most = most
        self._within = within.total_seconds()
        self._one_at_a_time = asyncio.Lock()
        self._noted: list[float] = []

    async def admit(self, *, now: float) -> timedelta:
        """Note one more identify: zero if that is fine, else how long to wait first."""
        async with self._one_at_a_time:
            return await asyncio.to_thread(self._admit, now)

    def _admit(self, now: float) -> timedelta:
        known = sorted({*self._read(), *self._noted})
        recent = [at for at in known if now - self._within < at <= now]
        if len(recent) >= self._most:
            return timedelta(seconds=recent[-self._most] + self._within - now)
        self._noted = [*recent, now]
        try:
            self._write(self._noted)
        except OSError as error:
            # Only a crash of this process forgets it then; the ledger in Redis counts as well.
            _log.error("identifies not noted on disk", file=str(self._file), why=error.strerror)
        return timedelta()

    def _write(self, noted: list[float]) -> None:
        self._file.parent.mkdir(parents=True, exist_ok=True)
        draft = self._file.with_suffix(".new")
        draft.write_text(json.dumps(noted))
        draft.replace(self._file)

    def _read(self) -> list[float]:
        try:
            found = json.loads(self._file.read_text())
        except (OSError, ValueError):
            return []
        return (
            [at for at in found if isinstance(at, int | float)] if isinstance(found, list) else []
        )


def _ms(length: timedelta) -> int:
    return round(length / timedelta(milliseconds=1))
