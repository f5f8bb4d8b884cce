"""Who may connect a shard, and when it may IDENTIFY: with the lease, and by permit.

A RESUME may go without Redis, since nobody else can have taken the lease then; but an owner whom
Redis does not answer can't tell whether it answers others. So once its time has run out it RESUMEs
once: a second connection that ends may have ended because the next owner RESUMEd, and to go on
would steal the session back and forth. Its time alone is bounded (leases.ISOLATION), and whoever
was frozen has none. A connection that is open stays so: closing it would only end the session, with
all its voice, and Discord itself lets a session have one connection.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass

from legato import telemetry
from legato.errors import Unavailable
from legato.gateway.identify import CrashLoopGuard, Ledger
from legato.gateway.metrics import Metrics
from legato.leases import Lease

_LOOK_AGAIN = 0.2
_LEAST_LEFT = 1.0
"""Seconds of a lease that a connection attempt must have left."""
_LONGEST_WAIT = 30.0
_PROMPT = 0.3
"""Seconds in which a confirmed permit is used, or not at all: of the half second that the next one
of its bucket comes later than Discord asks (identify.SPACING), the rest is for the way there."""
_log = telemetry.logger(__name__)


@dataclass(frozen=True, slots=True)
class Permits:
    """Where permits come from."""

    ledger: Ledger
    guard: CrashLoopGuard
    learn: Callable[[], Awaitable[None]]
    """Ask Discord what is left, after the ledger was lost. Raises Unavailable."""
    metrics: Metrics


class Turnstile:
    """One shard's gate."""

    def __init__(self, index: int, lease: Callable[[], Lease | None], permits: Permits) -> None:
        self._index = index
        self._lease = lease
        self._permits = permits
        self._permit: int | None = None
        self._resumed_alone = False

    def note_resumed(self) -> None:
        """Note that a RESUME succeeded."""
        lease = self._lease()
        self._resumed_alone = lease is None or not lease.left(now=time.monotonic())

    async def may_connect(self, *, resuming: bool) -> None:
        """Return when the shard may connect."""
        while True:
            if self._holds(resuming=resuming):
                break
            await asyncio.sleep(_LOOK_AGAIN)
        if not resuming:
            await self._pass_guard()
            self._permit = await self._obtain()

    async def may_identify(self) -> None:
        """Return right before IDENTIFY may be sent, with a permit that still counts."""
        while not (self._holds(resuming=False) and await self._confirm()):
            self._permit = await self._obtain()
        self._permits.metrics.identifies.inc()

    def _holds(self, *, resuming: bool) -> bool:
        lease = self._lease()
        if lease is None:
            return False
        now = time.monotonic()
        if not resuming:
            return lease.left(now=now).total_seconds() > _LEAST_LEFT
        if lease.left(now=now):
            self._resumed_alone = False
            return True
        return bool(lease.left_alone(now=now)) and not self._resumed_alone

    async def _confirm(self) -> bool:
        permit, self._permit = self._permit, None
        if permit is None:
            return False
        loop, ledger = asyncio.get_running_loop(), self._permits.ledger
        asked = loop.time()
        try:
            confirmed = await ledger.confirm(self._index, permit)
            if confirmed and loop.time() - asked > _PROMPT:
                await ledger.give_back()
                return False
        except Unavailable:
            return False
        return confirmed

    async def _obtain(self) -> int:
        while True:
            try:
                permit = await self._ask()
            except Unavailable as error:
                _log.warning("no permit to identify", shard=self._index, why=str(error))
                permit = None
                await asyncio.sleep(1.0)
            if permit is not None:
                return permit

    async def _ask(self) -> int | None:
        """Ask once; None after having waited as told."""
        decision = await self._permits.ledger.ask(self._index)
        match decision.word:
            case "granted":
                return decision.number
            case "unknown":
                await self._permits.learn()
            case "refused":
                _log.error(
                    "the daily identifies are used up",
                    shard=self._index,
                    seconds_until_reset=decision.number // 1000,
                )
                await asyncio.sleep(_LONGEST_WAIT)
            case _:
                await asyncio.sleep(min(decision.number / 1000, _LONGEST_WAIT))
        return None

    async def _pass_guard(self) -> None:
        while delay := await self._permits.guard.admit(now=time.time()):
            _log.error(
                "this machine identified too often",
                shard=self._index,
                seconds_to_wait=round(delay.total_seconds()),
            )
            await asyncio.sleep(min(delay.total_seconds(), _LONGEST_WAIT))
