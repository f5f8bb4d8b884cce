"""Every process and port of one start, decided before anything runs. Starts nothing."""

import dataclasses

from legato.embedded import parts, ports
from legato.embedded.folder import Folder
from legato.embedded.options import Options

PAGE_PORT = 8123


@dataclasses.dataclass(frozen=True, slots=True)
class Plan:
    """What listens where."""

    page: int
    processes: tuple[parts.Process, ...]
    """Of services: the first has one of each, further ones are alone."""
    database: int
    redis: int
    nodes: tuple[int, ...]

    @property
    def health(self) -> dict[str, int]:
        """Service -> port of its first process's pages."""
        return dict(self.processes[0].health)

    @property
    def pages(self) -> dict[str, int]:
        """Process of a service -> port of its pages, of every one."""
        further = self.processes[1:]
        return self.health | {one.name: port for one in further for port in one.health.values()}


def check(options: Options) -> None:
    """Raise PortTaken for a port that was asked for twice, or is in use."""
    with ports.Claims() as claims:
        _asked(options, claims)


def make(options: Options, data: Folder, claims: ports.Claims) -> Plan:
    """Decide; PortTaken for a port that was asked for and is in use."""
    # First what was asked for: the usual ports give way to it.
    asked = _asked(options, claims)
    # The simulator stays where it was, if it can: queues hold links to its music.
    before = data.recall("page-port") or [str(PAGE_PORT)]
    page = asked.get("page") or claims.usual(int(before[0]))
    data.remember("page-port", [str(page)])
    health = {
        name: asked.get(name) or claims.usual(default)
        for name, default in parts.HEALTH_PORTS.items()
    }
    return Plan(
        page=page,
        processes=(parts.Process("services", health), *_further(options, claims)),
        database=asked.get("database") or claims.free(),
        redis=asked.get("redis") or claims.free(),
        nodes=tuple(asked.get(f"node-{index}") or claims.free() for index in range(options.nodes)),
    )


def _asked(options: Options, claims: ports.Claims) -> dict[str, int]:
    """Claim every port that was asked for, and say what each is of."""
    wished = {
        "page": (options.page_port, "the page", "--port"),
        "gateway": (options.gateway_port, "gateway", "--gateway-port"),
        "audio": (options.audio_port, "audio", "--audio-port"),
        "api": (options.api_port, "api", "--api-port"),
        "worker": (options.worker_port, "worker", "--worker-port"),
        "database": (options.database_port, "PostgreSQL", "--database-port"),
        "redis": (options.redis_port, "Valkey", "--redis-port"),
    }
    if first := options.node_port:
        for index in range(options.nodes):
            wished[f"node-{index}"] = (first + index, "a node", "--node-port")
    return {
        name: claims.asked(port, what=what, option=option)
        for name, (port, what, option) in wished.items()
        if port
    }


def _further(options: Options, claims: ports.Claims) -> list[parts.Process]:
    return [
        parts.Process(f"{component}-{number}", {component: claims.free()})
        for component, count in (("audio", options.audio), ("gateway", options.gateway))
        for number in range(2, count + 1)
    ]
