"""Where the gateway's parts meet: made once Discord told who the bot is."""

import asyncio
from collections.abc import Awaitable, Callable, Coroutine
from dataclasses import dataclass
from typing import TypeVar

from prometheus_client import CollectorRegistry

from legato import flags, layout, redis, resilience, telemetry
from legato.bus import Bus
from legato.cache import Cache
from legato.clock import ServerClock
from legato.contracts.fleet import Observed
from legato.contracts.partitions import Shard
from legato.direction import Direction
from legato.errors import Unavailable
from legato.flags import Flags
from legato.gateway import discord, discord_connection, login, observing
from legato.gateway.backlog import Backlog
from legato.gateway.guild_settings import SettingsCache
from legato.gateway.identify import CrashLoopGuard, Ledger
from legato.gateway.interactions import Interactions
from legato.gateway.metrics import Metrics
from legato.gateway.pacing import Pacer
from legato.gateway.panels import Panels
from legato.gateway.passage import Passage
from legato.gateway.producer import Layout, Producer
from legato.gateway.reach import Reach
from legato.gateway.registration import Registration, until_registered
from legato.gateway.settings import Settings
from legato.gateway.shard import Means
from legato.gateway.shards import Shards
from legato.gateway.shedding import Bounds
from legato.gateway.suggestions import Suggestions
from legato.gateway.turnstile import Permits
from legato.gateway.ways import Manners, Ways
from legato.leases import Leases
from legato.limits import Limits
from legato.members import Members
from legato.ownership import Holder, Pace, Steering
from legato.permits import Permits as MovingPermits

_HOUR = 3600.0
_MINUTE = 60.0
_LAYOUT_SECONDS = 5.0
"""How long an emptied Redis is without the counts, at most: who starts then waits for them."""
_RETRY_SECONDS = 1.0

T = TypeVar("T")
_log = telemetry.logger(__name__)

Work = Coroutine[None, None, None]


@dataclass(frozen=True, slots=True)
class Basis:
    """What there is before Discord told who we are."""

    settings: Settings
    redis: redis.Client
    bus: Bus
    clock: ServerClock
    metrics: Metrics
    tracing: telemetry.Tracing
    registry: CollectorRegistry


@dataclass(frozen=True, slots=True)
class Wired:
    """The parts that run."""

    shards: Shards
    holder: Holder
    interactions: Interactions
    beside: tuple[Work, ...]


@dataclass(frozen=True, slots=True)
class _Known:
    """What there is once Discord and Redis have answered."""

    basis: Basis
    rest: discord.Rest
    who: login.Identity
    info: login.GatewayInfo
    limits: Limits
    producer: Producer
    reach: Reach
    cache: Cache

    @property
    def bot(self) -> int:
        return self.who.application


async def wire(basis: Basis, rest: discord.Rest, pacer: Pacer, tasks: asyncio.TaskGroup) -> Wired:
    """Ask Discord who and how, and put everything together. Raises WrongSettings."""
    who = await login.identity(rest, basis.settings.discord_application_id)
    info = await login.gateway(rest)
    bot, ask = who.application, lambda: basis.clock.read(basis.redis)
    await _insist(ask)
    limits = pacer.limits = Limits(basis.redis, bot=bot)
    counts = layout.Layout(basis.redis, bot)
    producer = Producer(basis.redis, basis.bus, await _layout(basis, counts, bot))
    await _insist(producer.learn_homes)
    cache = Cache(basis.redis, bot=bot, registry=basis.registry, component="gateway")
    reach = Reach(redis.check(basis.redis).probe)
    known = _Known(basis, rest, who, info, limits, producer, reach, cache)
    ways = _ways(known, Panels(rest, basis.metrics, tasks, every=basis.settings.panel_every))
    interactions = Interactions(ways, tasks)
    count = await _shard_count(basis, counts, info)
    permits, learn = _permits(basis, rest, bot, count)
    shards = Shards(_means(known, ways, interactions, permits), tasks)
    direction = Direction(basis.redis, bot)
    holder = _holder(basis, bot, count, shards, direction)
    shards.lease_of, pacer.gateways = holder.lease, lambda: holder.alive
    beside = (
        *_beside(known, interactions),
        direction.follow(),
        direction.report(lambda: _observed(basis, direction, holder, shards)),
        _every(_HOUR, learn),
        _every(_LAYOUT_SECONDS, lambda: _bind(counts, basis.settings, count)),
        _measure(shards, ways, interactions),
    )
    return Wired(shards, holder, interactions, beside)


def _ways(known: _Known, panels: Panels) -> Ways:
    """Put together what an interaction may need."""
    basis, bot = known.basis, known.bot
    settings = basis.settings
    switches = Flags(known.cache, lambda: flags.copied(basis.redis, bot=bot), shared=False)
    return Ways(
        bot=bot,
        redis=basis.redis,
        rest=known.rest,
        producer=known.producer,
        passage=Passage(known.reach, basis.clock, most=settings.command_buffer),
        settings=SettingsCache(known.cache, basis.redis, bot=bot),
        limits=known.limits,
        panels=panels,
        clock=basis.clock,
        metrics=basis.metrics,
        tracing=basis.tracing,
        suggestions=Suggestions(
            bot, basis.bus, known.producer, known.limits, basis.clock, switches, known.reach
        ),
        manners=Manners(
            direct=settings.direct_answer,
            bounds=Bounds(settings.defer_above, settings.refuse_above),
            allowed=settings.allowed_addresses,
        ),
    )


def _means(known: _Known, ways: Ways, interactions: Interactions, permits: Permits) -> Means:
    """Put together what every shard shares."""
    basis = known.basis
    return Means(
        redis=basis.redis,
        bus=basis.bus,
        link=discord_connection.Link(basis.settings.discord_token, known.info.url),
        bot_user=known.who.user,
        producer=known.producer,
        interactions=interactions,
        panels=ways.panels,
        permits=permits,
        backlog=Backlog(basis.settings.event_buffer),
        clock=basis.clock,
        metrics=basis.metrics,
        tracing=basis.tracing,
    )


def _beside(known: _Known, interactions: Interactions) -> tuple[Work, ...]:
    """List what goes on beside the shards."""
    basis = known.basis
    guilds = basis.settings.command_guilds
    registration = Registration(basis.redis, known.rest, bot=known.bot, guilds=guilds)
    return (
        known.reach.run(),
        _every(_MINUTE, lambda: basis.clock.read(basis.redis)),
        _every(_MINUTE, known.producer.learn_homes),
        _every(_MINUTE, interactions.sweep),
        resilience.for_ever(known.cache.follow, what="invalidations"),
        until_registered(registration),
    )


async def _layout(basis: Basis, counts: layout.Layout, bot: int) -> Layout:
    settings = basis.settings
    await _insist(lambda: counts.bind_partitions(settings.region, settings.partitions))
    return Layout(bot, settings.partitions, settings.region)


async def _bind(counts: layout.Layout, settings: Settings, shards: int) -> None:
    """Store the counts again, where Redis has been emptied."""
    await counts.bind_partitions(settings.region, settings.partitions)
    await counts.bind_shards(shards)


async def _shard_count(basis: Basis, counts: layout.Layout, info: login.GatewayInfo) -> int:
    """Take what settings say, else the stored count, else what Discord recommends."""
    wanted = basis.settings.shards
    if wanted is None:
        try:
            return await counts.shards()
        except Unavailable:
            wanted = info.shards
    chosen = wanted
    await _insist(lambda: counts.bind_shards(chosen))
    return chosen


def _permits(
    basis: Basis, rest: discord.Rest, bot: int, shards: int
) -> tuple[Permits, Callable[[], Awaitable[None]]]:
    settings, metrics = basis.settings, basis.metrics
    ledger = Ledger(basis.redis, bot=bot, reserve=settings.identify_reserve)
    file = settings.legato_data / "gateway" / f"identifies-{bot}.json"

    async def learn() -> None:
        limit = (await login.gateway(rest)).limit
        metrics.remaining_identifies.set(await ledger.learn(limit))

    guard = CrashLoopGuard(file, most=max(settings.identify_most, 2 * shards))
    return Permits(ledger, guard, learn, metrics), learn


def _holder(basis: Basis, bot: int, count: int, shards: Shards, direction: Direction) -> Holder:
    settings = basis.settings
    ttl = settings.lease_ttl
    leases = Leases(basis.redis, owner=settings.member, ttl=ttl, renew=settings.lease_renew)
    members = Members(basis.redis, bot=bot, component="gateway", name=settings.member, ttl=ttl)
    moving = MovingPermits(basis.redis, bot=bot, component="gateway", life=ttl)
    things = [Shard(bot, index, count) for index in range(count)]
    pace = Pace(
        ready_after=settings.member_ready_after,
        settle=settings.settle,
        isolation=settings.isolation,
        watch=True,
    )
    steering = Steering(lambda: direction.directive, moving)
    return Holder(leases, members, things, shards, pace=pace, steering=steering)


def _observed(basis: Basis, direction: Direction, holder: Holder, shards: Shards) -> Observed:
    version = direction.directive.version
    member, at = basis.settings.member, basis.clock.now()
    live = [run.shard for run in shards.runs if run.is_connected]
    return observing.observed(member, holder.held, live, at=at, directive_version=version)


async def _every(seconds: float, work: Callable[[], Awaitable[object]]) -> None:
    """Do something now and again; what fails for now is tried at the next turn."""
    while True:
        try:
            await work()
        except (Unavailable, discord.Refused) as error:
            _log.warning("put off", why=str(error))
        await asyncio.sleep(seconds)


async def _measure(shards: Shards, ways: Ways, interactions: Interactions) -> None:
    metrics = ways.metrics
    while True:
        shards.measure(metrics)
        metrics.unheard.set(interactions.unheard)
        metrics.underway.set(ways.passage.underway)
        await asyncio.sleep(1.0)


async def _insist(ask: Callable[[], Awaitable[T]]) -> T:
    """Ask until Redis answers."""
    while True:
        try:
            return await ask()
        except Unavailable as error:
            _log.warning("waiting for redis", why=str(error))
            await asyncio.sleep(_RETRY_SECONDS)
