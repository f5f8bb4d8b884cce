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


def make(options: Options, data: Folder, claims: ports.Claims) -> Plan:
    """Decide; PortTaken for a port that was asked for and is in use."""
    asked: dict[str, int] = {
        "api": options.api_port,
        "gateway": options.gateway_port,
        "audio": options.audio_port,
        "worker": options.worker_port,
    }
    first = options.node_port
    # The simulator stays where it was, if it can: queues hold links to its music.
    before = data.recall("page-port") or [str(PAGE_PORT)]
    page = claims.usual(options.page_port, int(before[0]), what="the page", option="--port")
    data.remember("page-port", [str(page)])
    health = {
        name: claims.usual(asked[name], default, what=name, option=f"--{name}-port")
        for name, default in parts.HEALTH_PORTS.items()
    }
    return Plan(
        page=page,
        processes=(parts.Process("services", health), *_further(options, claims)),
        database=claims.asked(options.database_port, what="PostgreSQL", option="--database-port"),
        redis=claims.asked(options.redis_port, what="Valkey", option="--redis-port"),
        nodes=tuple(
            claims.asked(first and first + index, what="a node", option="--node-port")
            for index in range(options.nodes)
        ),
    )


def _further(options: Options, claims: ports.Claims) -> list[parts.Process]:
    return [
        parts.Process(f"{component}-{number}", {component: claims.free()})
        for component, count in (("audio", options.audio), ("gateway", options.gateway))
        for number in range(2, count + 1)
    ]
