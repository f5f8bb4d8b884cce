"""Who may ask: API keys, what they reach, and how often."""

import asyncio
import math
import re
from collections import OrderedDict
from datetime import timedelta

from legato.errors import Rejected, Unavailable
from legato.limits import Limits, Policy
from legato.store import apikeys
from legato.store.apikeys import Key
from legato.store.database import Database

_SHAPE = re.compile(r"legato_[0-9a-f]{12}_[A-Za-z0-9_-]{43}")
_KEPT_SECONDS = 10.0
"""A revoked key works for this long at most; a busy one costs one statement in this time."""
_MOST = 1000


class TooMany(Exception):
    """The key asked too often."""

    def __init__(self, wait: timedelta) -> None:
        super().__init__(f"wait {wait}")
        self.seconds = math.ceil(wait.total_seconds())


class Auth:
    """Knows the keys that were shown lately."""

    def __init__(self, database: Database, limits: Limits, *, bot: int) -> None:
        self._database = database
        self._limits = limits
        self._bot = bot
        self._known: OrderedDict[str, tuple[float, Key]] = OrderedDict()

    async def identify(self, shown: str) -> Key:
        """Return the key that was shown; raises Rejected, TooMany or Unavailable."""
        key = await self._find(shown)
        if key is None or key.bot_id != self._bot:
            raise Rejected("wrong_key")
        await self._pace(key)
        return key

    async def _find(self, shown: str) -> Key | None:
        if not _SHAPE.fullmatch(shown):
            return None
        now = asyncio.get_running_loop().time()
        since, key = self._known.get(shown, (0.0, None))
        if key is not None and now - since < _KEPT_SECONDS:
            return key
        self._known.pop(shown, None)
        key = await apikeys.find(self._database, shown)
        if key is not None:
            self._known[shown] = (now, key)
            while len(self._known) > _MOST:
                self._known.popitem(last=False)
        return key

    async def _pace(self, key: Key) -> None:
        """Take a token of the key's bucket; without Redis nobody counts."""
        policy = Policy("api", key.requests_per_minute, timedelta(minutes=1))
        try:
            wait = await self._limits.take(policy, key.id)
        except Unavailable:
            return
        if wait:
            raise TooMany(wait)


def shown_key(authorization: str | None, x_api_key: str | None) -> str:
    """Take the key from either header; raises Rejected where there is none."""
    if x_api_key:
        return x_api_key.strip()
    scheme, _, value = (authorization or "").partition(" ")
    if scheme.lower() == "bearer" and value:
        return value.strip()
    raise Rejected("no_key")
