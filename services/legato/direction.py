"""The directive as a member of a bot's services reads it, and what it observes in return."""

import asyncio
from collections.abc import Callable
from datetime import timedelta

import msgspec
import structlog

from legato.contracts import keys
from legato.contracts.fleet import Directive, Observed
from legato.errors import Unavailable
from legato.redis import Client, reaching

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

READ_EVERY = timedelta(seconds=1)
WRITE_EVERY = timedelta(seconds=3)

_decoder = msgspec.json.Decoder(Directive)


class Direction:
    """One bot's directive, read every second; a change is seen by whoever asks next."""

    def __init__(self, redis: Client, bot: int) -> None:
        self.directive = Directive(version=0)
        self._redis = redis
        self._bot = bot

    async def read(self) -> None:
        """Read the directive once; what can't be read changes nothing."""
        with reaching("directive"):
            raw = await self._redis.get(keys.directive(self._bot))
        if raw is None:
            return
        try:
            found = _decoder.decode(raw)
        except msgspec.DecodeError as error:
            log.warning("directive can't be read", why=str(error))
            return
        if found.version != self.directive.version:
            log.info("directive", version=found.version, nodes=[node.name for node in found.nodes])
            self.directive = found

    async def follow(self) -> None:
        """Read it again and again."""
        while True:
            try:
                await self.read()
            except Unavailable as error:
                log.warning("directive not read", why=str(error))
            await asyncio.sleep(READ_EVERY.total_seconds())

    async def report(self, observe: Callable[[], Observed]) -> None:
        """Write what is observed, every few seconds; forgotten at the end."""
        key, field = keys.observed(self._bot), observe().field
        try:
            while True:
                try:
                    with reaching("observed"):
                        await self._redis.hset(key, field, msgspec.json.encode(observe()))
                except Unavailable as error:
                    log.warning("observed not written", why=str(error))
                await asyncio.sleep(WRITE_EVERY.total_seconds())
        finally:
            await self._forget(key, field)

    async def _forget(self, key: str, field: str) -> None:
        try:
            with reaching("observed"):
                await self._redis.hdel(key, field)
        except Unavailable as error:
            log.warning("observed not taken back", why=str(error))
