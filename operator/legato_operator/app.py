"""The operator, put together: watches fill a queue, and looks empty it while this process leads."""

import asyncio
import contextlib
import sys
from collections.abc import AsyncIterator, Coroutine, Mapping
from pathlib import Path

from legato import faults, lifecycle, settings, telemetry
from legato_operator import cluster, handlers, names
from legato_operator.cache import APPLICATION, Cache
from legato_operator.cluster import Cluster
from legato_operator.desired.manifest import Manifest
from legato_operator.discord import Discord
from legato_operator.events import Events
from legato_operator.fleet import Fleets
from legato_operator.kinds import MACHINE, RESOURCES
from legato_operator.lease import Lease, NotLeading, Terms
from legato_operator.look import Shell
from legato_operator.metrics import Metrics
from legato_operator.pages import NoPages, Pages
from legato_operator.prometheus import Prometheus
from legato_operator.queue import Key, Queue
from legato_operator.reading import Outside, key_of
from legato_operator.resources import lavalinknode, musicbot
from legato_operator.seen import labels_of
from legato_operator.settings import Settings
from legato_operator.watches import Watches

OWN_NAMESPACE = Path("/var/run/secrets/kubernetes.io/serviceaccount/namespace")


class Operator:
    """One process that operates, or stands by until it leads."""

    name = "operator"

    def __init__(self, settings: Settings) -> None:
        self.settings = settings
        self.metrics = Metrics()
        self._lease: Lease | None = None

    @property
    def member(self) -> str:
        """Say its name among its like."""
        return self.settings.member

    async def run(self, stop: asyncio.Event) -> None:
        """Operate until told to stop."""
        said = self.settings
        in_flight = said.lease_duration - said.lease_renew_within
        async with (
            cluster.connected(
                count=self.metrics.count_call,
                fence=self._fence,
                write_timeout=in_flight.total_seconds(),
            ) as reached,
            _outside(said, self.metrics) as outside,
        ):
            self._lease = Lease(reached, namespace(said), said.member, _terms(said))
            shell = self._shell(reached, outside, self._lease)
            try:
                await self._work(shell, self._lease, stop)
            finally:
                await self._lease.release()

    async def _work(self, shell: Shell, lease: Lease, stop: asyncio.Event) -> None:
        said = self.settings
        pages = Pages(
            self.metrics.registry,
            healthy=lambda: blind(shell.watches, said),
            ready=lambda: "" if shell.watches.is_synced else "not everything was listed yet",
            listen=said.listen,
            port=said.operator_port,
        )
        async with asyncio.TaskGroup() as group:
            working = [group.create_task(one) for one in (pages.run(), shell.watches.run())]
            await _either(shell.watches.synced(), stop.wait())
            working.append(group.create_task(lease.run(lambda: shell.begin(anew=lease.is_new))))
            working += [
                group.create_task(shell.queue.work(shell.look)) for _ in range(said.looks_at_once)
            ]
            if not stop.is_set():
                await handlers.run(shell.queue, said.namespaces, stop)
            for task in working:
                task.cancel()

    def _shell(self, reached: Cluster, outside: Outside, lease: Lease) -> Shell:
        said, queue, cache = self.settings, Queue(self.metrics.waited.observe), Cache()

        def changed(one: Manifest) -> None:
            for key in concerned(one, cache):
                queue.add(key)

        watches = Watches(reached, cache, said.namespaces, changed, said.machines)
        self.metrics.follow(depth=queue.__len__, ages=watches.ages, leads=lambda: lease.leads)
        return Shell(
            settings=said,
            cluster=reached,
            cache=cache,
            watches=watches,
            outside=outside,
            metrics=self.metrics,
            teller=Events(reached, self.metrics, said.member),
            fence=lease.fence,
            queue=queue,
        )

    def _fence(self) -> None:
        if self._lease is None:
            raise NotLeading
        self._lease.fence()


def concerned(changed: Manifest, cache: Cache) -> list[Key]:
    """Name the resources that a child, a pod or a machine belongs to; or the resource itself.

    With a bot those that ask for its application: another may have it once one is gone.
    """
    space = changed["metadata"].get("namespace", "")
    if changed["kind"] in RESOURCES:
        application = changed.get("spec", {}).get(APPLICATION, "")
        alike = cache.of_application(application) if application else []
        return list(dict.fromkeys(key_of(one) for one in (changed, *alike)))
    if changed["kind"] == MACHINE:
        groups = (one["metadata"] for one in cache.all(lavalinknode.KIND, ""))
        return [Key(lavalinknode.KIND, one["namespace"], one["name"]) for one in groups]
    labels = labels_of(changed)
    owners = ((musicbot.KIND, names.BOT), (lavalinknode.KIND, names.NODES))
    return [Key(kind, space, labels[label]) for kind, label in owners if label in labels]


def blind(watches: Watches, said: Settings) -> str:
    """Say which watches have heard nothing for too long; empty = none."""
    most = said.blind_after.total_seconds()
    silent = sorted(kind for kind, age in watches.ages().items() if age > most)
    lasting = settings.spell(said.blind_after)
    return f"nothing heard of {', '.join(silent)} for {lasting}" if silent else ""


def namespace(said: Settings) -> str:
    """Say where the Lease is: as told, else beside our pod."""
    if said.operator_namespace:
        return said.operator_namespace
    with contextlib.suppress(OSError):
        return OWN_NAMESPACE.read_text().strip()
    return "default"


def main(environ: Mapping[str, str]) -> int:
    """Operate until a signal; return the exit code, with a sentence for what a person can mend."""
    try:
        told = settings.load(Settings, environ)
    except settings.WrongSettings as error:
        sys.stderr.write(f"{error}\n")
        return 2
    telemetry.set_up(told)
    try:
        asyncio.run(lifecycle.run(Operator(told), stop_timeout=told.stop_timeout))
    except ExceptionGroup as group:
        if (lacking := group.subgroup((cluster.NoCluster, NoPages))) is None:
            raise
        sys.stderr.write("".join(f"{one}\n" for one in faults.leaves(lacking)))
        return 1
    return 0


@contextlib.asynccontextmanager
async def _outside(said: Settings, metrics: Metrics) -> AsyncIterator[Outside]:
    async with contextlib.AsyncExitStack() as stack:
        fleets = Fleets()
        stack.push_async_callback(fleets.close)
        prometheus = discord = None
        if said.prometheus_url:
            prometheus = Prometheus(
                said.prometheus_url,
                token=said.prometheus_token,
                ca_file=said.prometheus_ca_file,
                timeout=said.prometheus_timeout,
                fresh=said.prometheus_fresh,
                unanswered=lambda why: metrics.unanswered.labels(why).inc(),
            )
            stack.push_async_callback(prometheus.close)
        if said.check_tokens:
            discord = Discord(said.discord_rest_url, every=said.check_tokens_every)
            stack.push_async_callback(discord.close)
        yield Outside(fleets, prometheus, discord)


def _terms(said: Settings) -> Terms:
    return Terms(said.lease_duration, said.lease_renew_within, said.lease_retry)


async def _either(*waits: Coroutine[object, object, object]) -> None:
    tasks = [asyncio.create_task(one) for one in waits]
    try:
        await asyncio.wait(tasks, return_when=asyncio.FIRST_COMPLETED)
    finally:
        for task in tasks:
            task.cancel()
