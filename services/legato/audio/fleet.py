"""The directive as this process reads it, and what it observes in return."""

import asyncio
from collections.abc import Callable, Mapping
from datetime import timedelta

import msgspec
import structlog

from legato.contracts import keys
from legato.contracts.fleet import Directive, Node, Observed
from legato.errors import Unavailable
from legato.redis import Client, reaching

log: structlog.typing.FilteringBoundLogger = structlog.get_logger(__name__)

READ_EVERY = timedelta(seconds=1)
WRITE_EVERY = timedelta(seconds=3)

_decoder = msgspec.json.Decoder(Directive)


class Fleet:
    """One bot's directive, read every second; a change is seen by whoever asks next."""

    def __init__(self, redis: Client, bot: int, *, alone: Node | None = None) -> None:
        """`alone` is a node to use while the directive names none."""
        self.directive = Directive(version=0)
        self._redis = redis
        self._bot = bot
        self._alone = {alone.name: alone} if alone else {}
        self._nodes: Mapping[str, Node] = self._alone

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes there are, by name."""
        return self._nodes

    async def read(self) -> None:
        """Read the directive once."""
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
            self._nodes = {node.name: node for node in found.nodes} or self._alone

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
        key = keys.observed(self._bot)
        member = observe().member
        try:
            while True:
                try:
                    with reaching("observed"):
                        document = msgspec.json.encode(observe())
                        await self._redis.hset(key, member, document)
                except Unavailable as error:
                    log.warning("observed not written", why=str(error))
                await asyncio.sleep(WRITE_EVERY.total_seconds())
        finally:
            await self._forget(key, member)

    async def _forget(self, key: str, member: str) -> None:
        try:
            with reaching("observed"):
                await self._redis.hdel(key, member)
        except Unavailable as error:
            log.warning("observed not taken back", why=str(error))
