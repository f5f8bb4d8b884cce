"""The audio service, put together: the only place where its parts meet."""

import asyncio
from collections.abc import Mapping
from datetime import timedelta
from functools import partial

import aiohttp
from prometheus_client import CollectorRegistry

from legato import redis as reach
from legato import resilience, telemetry
from legato.audio.endpoint import Endpoints
from legato.audio.fleet import Fleet
from legato.audio.guild_settings import SettingsOfNew
from legato.audio.lavalink import Fence, Loaded, NodeClient
from legato.audio.ledger import Ledger
from legato.audio.live import Live
from legato.audio.means import Means, Tools
from legato.audio.metrics import Metrics
from legato.audio.nodes import Pace as NodePace
from legato.audio.owning import Owning
from legato.audio.resolving import Resolver, load_somewhere
from legato.audio.searching import Catalogue, Searcher
from legato.audio.settings import Settings
from legato.audio.writebehind import WriteBehind
from legato.bus import Bus
from legato.clock import ServerClock
from legato.contracts import keys
from legato.contracts.fleet import Node, Observed
from legato.contracts.keys import Owned
from legato.contracts.partitions import DEFAULT_REGION, all_partitions
from legato.contracts.settings import GuildSettings
from legato.errors import Unavailable
from legato.health import Check, Health
from legato.health_pages import application
from legato.layout import Layout
from legato.leases import Lease, Leases
from legato.members import Members
from legato.ownership import Holder, Steering
from legato.ownership import Pace as HolderPace
from legato.permits import Permits
from legato.serve import Pages
from legato.store import schema
from legato.store.database import Database

COMPONENT = "audio"
MOVES_OF_PLAYERS = 4
START_AGAIN = 0.5
WITHOUT_REDIS = "What plays goes on for a minute at least; commands wait until it is back."
WITHOUT_POSTGRES = "Music and commands go on; what changes is written when it is back."
WITHOUT_A_NODE = "Its players move to another node, or wait until it is back."


class App:
    """The service; `run` lasts until it is told to stop."""

    name = COMPONENT

    def __init__(self, settings: Settings) -> None:
        self.member = settings.member
        self.settings = settings
        self.registry = CollectorRegistry()
        self.metrics = Metrics(self.registry)
        self.redis = reach.connect(
            settings.redis_url, ca_file=settings.redis_ca_file, name="legato-audio"
        )
        reach.measure(self.redis, self.registry, COMPONENT)
        self.database = Database(settings, name=f"legato-{COMPONENT}")
        self.database.measure(self.registry, COMPONENT)
        self.tracing = telemetry.Tracing(COMPONENT, settings)
        self.fleet = Fleet(self.redis, settings.discord_application_id, alone=_alone(settings))
        self.clock = ServerClock()
        self.health = Health(COMPONENT, self.member, checks=self._checks(), registry=self.registry)
        self.pages = Pages(
            application(self.health),
            listen=settings.listen,
            port=settings.audio_port,
            setting="AUDIO_PORT",
        )
        self.owning = Owning(self._lease)
        self.live = Live(self.redis, settings.discord_application_id)
        self.behind = WriteBehind(
            self.database,
            settings.discord_application_id,
            find=self.owning.owned,
            playing=self.owning.playing,
            stored=self.live.stored,
            every=settings.save_every,
        )
        self.behind.is_open = False
        self.settings_of_new = SettingsOfNew(self._stored_settings, self.owning.tell)
        self.holder = self._make_holder()

    async def run(self, stop: asyncio.Event) -> None:
        """Serve the pages at once, and partitions as soon as Redis and PostgreSQL are there."""
        async with asyncio.TaskGroup() as tasks:
            pages = tasks.create_task(self.pages.run(stop))
            lag = tasks.create_task(self.health.run())
            try:
                if await self._reachable(stop):
                    await self._work(stop, pages)
            finally:
                self.health.ready = False
                lag.cancel()
        await self._close()

    async def _reachable(self, stop: asyncio.Event) -> bool:
        """Wait for Redis; OtherLayout and WrongSchema end the service with their sentence."""
        bot, settings = self.settings.discord_application_id, self.settings
        while not stop.is_set():
            try:
                await self.clock.read(self.redis)
                await Layout(self.redis, bot).bind_partitions(settings.region, settings.partitions)
                await self.fleet.read()
                await self._look_at_schema()
            except Unavailable as error:
                telemetry.logger(__name__).warning("not there yet", why=str(error))
                await asyncio.sleep(START_AGAIN)
            else:
                return True
        return False

    async def _look_at_schema(self) -> None:
        """Write to PostgreSQL once its schema is known to be ours; play on without it."""
        try:
            await schema.check(self.database)
        except Unavailable as error:
            telemetry.logger(__name__).warning("begins without postgres", why=str(error))
        else:
            self.behind.is_open = True

    async def _open_later(self) -> None:
        if not self.behind.is_open:
            check = partial(schema.check, self.database)
            await resilience.until_available(check, what="postgres")
            self.behind.is_open = True

    async def _work(self, stop: asyncio.Event, pages: asyncio.Task[None]) -> None:
        """Hold partitions to the last: what is heard after their end is heard twice."""
        release = asyncio.Event()
        connector = aiohttp.TCPConnector(limit=0)
        async with aiohttp.ClientSession(connector=connector) as http, asyncio.TaskGroup() as tasks:
            catalogue = Catalogue(http, self.settings.catalogue_url)
            tools = self._tools(http, catalogue)
            self.owning.equip(tools)
            background = [
                tasks.create_task(self.fleet.follow()),
                tasks.create_task(self.fleet.report(self._observe)),
                tasks.create_task(self.behind.run()),
                tasks.create_task(self._open_later()),
                tasks.create_task(self.settings_of_new.run()),
                tasks.create_task(self._searcher(http, catalogue).run(self._questions)),
                tasks.create_task(self._gauge()),
            ]
            holding = tasks.create_task(self.holder.run(release))
            await self._ready(stop)
            await asyncio.wait({pages})
            release.set()
            await holding
            for task in background:
                task.cancel()

    async def _ready(self, stop: asyncio.Event) -> None:
        """Be ready with the first look at what is ours."""
        looked = asyncio.create_task(self.holder.settled())
        stopped = asyncio.create_task(stop.wait())
        await asyncio.wait({looked, stopped}, return_when=asyncio.FIRST_COMPLETED)
        looked.cancel()
        stopped.cancel()
        self.health.ready = not stop.is_set()

    async def _close(self) -> None:
        await self.redis.aclose()
        await self.database.close()
        await asyncio.to_thread(self.tracing.close)

    # Its parts.

    def _lease(self, what: Owned) -> Lease | None:
        return self.holder.lease(what)

    def _make_holder(self) -> Holder:
        settings, bot = self.settings, self.settings.discord_application_id
        things = all_partitions(bot=bot, region=settings.region, count=settings.partitions)
        return Holder(
            Leases(
                self.redis,
                owner=self.member,
                ttl=settings.lease_ttl,
                renew=settings.lease_renew,
            ),
            Members(
                self.redis,
                bot=bot,
                component=_roll(settings.region),
                name=self.member,
                ttl=settings.lease_ttl,
            ),
            things,
            self.owning,
            steering=Steering(lambda: self.fleet.directive, self._permits()),
            pace=HolderPace(
                moves=settings.partition_moves,
                ready_after=settings.member_ready_after,
                settle=settings.settle,
                isolation=settings.isolation,
                watch=True,
            ),
        )

    def _permits(self) -> Permits:
        settings = self.settings
        return Permits(
            self.redis,
            bot=settings.discord_application_id,
            component=_roll(settings.region),
            life=settings.lease_ttl,
        )

    def _tools(self, http: aiohttp.ClientSession, catalogue: Catalogue) -> Tools:
        settings, bot = self.settings, self.settings.discord_application_id

        async def load(query: str, within: timedelta) -> Loaded:
            return await load_somewhere(self._clients(http), query, within=within)

        return Tools(
            means=Means(
                ledger=Ledger(self.redis, self.clock),
                bus=Bus(self.redis),
                clock=self.clock,
                metrics=self.metrics,
                tracing=self.tracing,
                settings_of=self.settings_of_new.of,
                rules=settings.rules,
            ),
            fleet=self.fleet,
            layout=Layout(self.redis, bot),
            live=self.live,
            resolver=Resolver(catalogue, load, prefix=settings.search_prefix),
            behind=self.behind,
            endpoints=Endpoints(),
            client=lambda node, fence: self._client(http, node, fence),
            playing=self.owning.players_by_node,
            sessions=self.owning.sessions_by_node,
            partitions=settings.partitions,
            region=settings.region,
            node_pace=NodePace(resume=settings.node_resume_timeout),
            call_timeout=settings.call_timeout,
            isolation=settings.isolation,
            room=asyncio.Semaphore(MOVES_OF_PLAYERS),
        )

    async def _stored_settings(self, guild_id: int) -> GuildSettings:
        return await self.live.settings(guild_id) or await self.behind.settings(guild_id)

    def _clients(self, http: aiohttp.ClientSession) -> list[NodeClient]:
        """Every node, the best to ask first: those with a session of ours, and not leaving."""
        up = self.owning.sessions_by_node()
        nodes = sorted(
            self.fleet.nodes.values(),
            key=lambda node: (node.drain_deadline > 0, node.cordoned, node.name not in up),
        )
        return [self._client(http, node) for node in nodes]

    def _client(
        self, http: aiohttp.ClientSession, node: Node, fence: Fence | None = None
    ) -> NodeClient:
        user = self.settings.user_id
        return NodeClient(http, node, user_id=user, tracing=self.tracing, fence=fence)

    def _searcher(self, http: aiohttp.ClientSession, catalogue: Catalogue) -> Searcher:
        async def load(query: str, within: timedelta) -> Loaded:
            return await load_somewhere(self._clients(http), query, within=within)

        return Searcher(
            Bus(self.redis),
            catalogue,
            load,
            prefix=self.settings.search_prefix,
            clock=self.clock,
            metrics=self.metrics,
        )

    @property
    def _questions(self) -> str:
        return keys.requests(self.settings.discord_application_id, self.settings.region)

    # What it tells of itself.

    def _checks(self) -> list[Check]:
        return [
            Check("redis", self._ask_redis, without=WITHOUT_REDIS),
            Check("postgres", self._ask_postgres, critical=False, without=WITHOUT_POSTGRES),
            Check("nodes", self._ask_nodes, critical=False, without=WITHOUT_A_NODE),
        ]

    async def _ask_redis(self) -> str | None:
        await self.clock.read(self.redis)
        version = await reach.check(self.redis).probe()
        return f"{version}, {len(self.holder.held)} partitions"

    async def _ask_postgres(self) -> str | None:
        """Ask whether it is there, and whether it takes what is written."""
        version = await self.database.check().probe()
        if self.behind.problem:
            raise Unavailable("postgres", self.behind.problem)
        return version

    async def _ask_nodes(self) -> str | None:
        if not self.fleet.nodes:
            raise Unavailable("node", "the directive names none")
        down = [
            link.node.name
            for tenure in self.owning.tenures
            for link in tenure.links or ()
            if link.state == "down"
        ]
        if down:
            raise Unavailable("node", f"down: {', '.join(sorted(set(down)))}")
        return f"{len(self.fleet.nodes)} in the directive"

    def _observe(self) -> Observed:
        return Observed(
            member=self.member,
            component=COMPONENT,
            at=self.clock.now(),
            directive_version=self.fleet.directive.version,
            nodes=self.owning.observe(self.fleet.nodes),
            # Of one that is only being taken the players are on their nodes, and not counted yet.
            partitions=tuple(str(what) for what in self.owning.counted),
        )

    async def _gauge(self) -> None:
        """Bring the gauges up to date."""
        while True:
            loops = [tenure.loop for tenure in self.owning.tenures]
            self.metrics.players.labels("all").set(sum(len(loop.players) for loop in loops))
            self.metrics.players.labels("playing").set(len(self.owning.playing()))
            self.metrics.unwritten.set(self.behind.waiting)
            self.metrics.outbox.set(sum(len(loop.outbox or ()) for loop in loops))
            self._gauge_sessions(self.owning.sessions_by_node())
            await asyncio.sleep(1.0)

    def _gauge_sessions(self, up: Mapping[str, int]) -> None:
        for name in self.fleet.nodes:
            self.metrics.sessions.labels(name, "up").set(up.get(name, 0))


def _roll(region: str) -> str:
    """Name the roll of a region's members: partitions of one region are shared among them only."""
    return COMPONENT if region == DEFAULT_REGION else f"{COMPONENT}:{region}"


def _alone(settings: Settings) -> Node | None:
    if settings.lavalink_url is None:
        return None
    password = settings.lavalink_password.reveal() if settings.lavalink_password else ""
    return Node(name="lavalink", url=settings.lavalink_url, password=password)


def build(settings: Settings) -> App:
    """Put the service together."""
    return App(settings)
