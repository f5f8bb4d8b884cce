"""The gateway as a service: its pages, and the shards it holds until it is told to stop."""

import asyncio

from prometheus_client import CollectorRegistry

from legato import health_pages, redis, telemetry
from legato.bus import Bus
from legato.clock import ServerClock
from legato.gateway import discord, discord_connection
from legato.gateway.login import Looking
from legato.gateway.metrics import Metrics
from legato.gateway.pacing import Pacer
from legato.gateway.settings import Settings
from legato.gateway.shard import FATAL
from legato.gateway.shards import Shards
from legato.gateway.wiring import Basis, wire
from legato.health import Check, Dependency, Health
from legato.members import assembles_in
from legato.ownership import Holder
from legato.serve import Pages
from legato.settings import Fault, WrongSettings

WITHOUT_REDIS = "Sessions with Discord are kept; commands wait until it is back."
WITHOUT_REST = "Answers and panels wait until it is back."


class App:
    """One gateway process, or the gateway's part of one."""

    name = "gateway"

    def __init__(self, basis: Basis, health: Health, pages: Pages) -> None:
        self.member = basis.settings.member
        self.health = health
        self.pages = pages
        self.shards: Shards | None = None
        """What it holds; None until Discord told who it is."""
        self._basis = basis
        self._rest: Looking | None = None

    def watch_shards(self) -> dict[str, Dependency]:
        """Tell the state of the gateway session of each shard that is ours."""
        return self.shards.health() if self.shards is not None else {}

    async def ask_rest(self) -> str:
        """Probe: Discord's REST answers us. Raises Unavailable."""
        return await self._rest.look() if self._rest is not None else "not asked yet"

    async def run(self, stop: asyncio.Event) -> None:
        """Run until told to stop; its shards are left resumable for the next."""
        closed = asyncio.Event()
        try:
            async with asyncio.TaskGroup() as group:
                pages = group.create_task(self.pages.run(closed))
                lag = group.create_task(self.health.run())
                try:
                    await self._serve(stop)
                finally:
                    self.health.ready = False
                    closed.set()
                    await asyncio.wait([pages])
                    lag.cancel()
        except* discord_connection.Ended as ended:
            raise _fatal(ended) from None
        finally:
            await self._basis.redis.aclose()
            await asyncio.to_thread(self._basis.tracing.close)

    async def _serve(self, stop: asyncio.Event) -> None:
        settings, pacer = self._basis.settings, Pacer()
        rest = discord.Rest(settings.discord_token, url=settings.discord_rest_url, pacer=pacer)
        await rest.open()
        self._rest = Looking(rest)
        try:
            async with asyncio.TaskGroup() as group:
                holding = group.create_task(self._hold(rest, pacer, stop))
                stopping = group.create_task(stop.wait())
                await asyncio.wait([holding, stopping], return_when=asyncio.FIRST_COMPLETED)
                if self.shards is None:
                    holding.cancel()  # it waits for Discord or Redis: nothing to hand over
                stopping.cancel()
        finally:
            await rest.close()

    async def _hold(self, rest: discord.Rest, pacer: Pacer, stop: asyncio.Event) -> None:
        async with asyncio.TaskGroup() as tasks:
            wired = await wire(self._basis, rest, pacer, tasks)
            self.shards = wired.shards
            beside = [tasks.create_task(work) for work in wired.beside]
            beside.append(tasks.create_task(self._become_ready(wired.shards, wired.holder)))
            await wired.holder.run(stop)
            self.health.ready = False
            for task in beside:
                task.cancel()
            wired.interactions.end()

    async def _become_ready(self, shards: Shards, holder: Holder) -> None:
        """Be ready once our shards have sessions, or once it is clear that none are ours.

        That is so when all that should be ours was asked for, and a newcomer would have been given
        its first.
        """
        settings, loop = self._basis.settings, asyncio.get_running_loop()
        assembled = assembles_in(settings.member_ready_after, settings.lease_renew)
        patience = assembled + settings.lease_renew
        without_any = loop.time() + patience.total_seconds()
        await holder.settled()
        while True:
            is_settled = bool(shards.runs) or loop.time() >= without_any
            if is_settled and all(run.is_connected for run in shards.runs):
                break
            await asyncio.sleep(0.05)
        self.health.ready = True


def build(settings: Settings, *, registry: CollectorRegistry | None = None) -> App:
    """Build the service; it connects when it runs. Raises PortInUse."""
    registry = registry or CollectorRegistry()
    client = redis.connect(
        settings.redis_url, ca_file=settings.redis_ca_file, name="legato-gateway"
    )
    redis.measure(client, registry, "gateway")
    basis = Basis(
        settings,
        client,
        Bus(client),
        ServerClock(),
        Metrics(registry),
        telemetry.Tracing("gateway", settings),
        registry,
    )
    discord.quieten()

    async def ask_rest() -> str:
        return await app.ask_rest()

    def watch_shards() -> dict[str, Dependency]:
        return app.watch_shards()

    health = Health(
        "gateway",
        settings.member,
        checks=[
            redis.check(client, without=WITHOUT_REDIS),
            Check("discord_rest", ask_rest, critical=False, timeout=5.0, without=WITHOUT_REST),
        ],
        registry=registry,
        watched=watch_shards,
    )
    pages = Pages(
        health_pages.application(health),
        listen=settings.listen,
        port=settings.gateway_port,
        setting="GATEWAY_PORT",
    )
    app = App(basis, health, pages)
    return app


def _fatal(ended: BaseExceptionGroup[discord_connection.Ended]) -> WrongSettings:
    """Put a close that trying again never mends into a sentence."""
    first: BaseException = ended
    while isinstance(first, BaseExceptionGroup):
        first = first.exceptions[0]
    code = first.code if isinstance(first, discord_connection.Ended) else 0
    name = FATAL.get(code, "the session")
    return WrongSettings(
        [Fault(name, f"is refused by Discord's gateway (close code {code})", "Correct it")]
    )
