"""The connections of one partition: opened when a player needs a node, for the nodes there are."""

import asyncio
from collections.abc import Callable, Iterator, Mapping
from datetime import timedelta

from legato import telemetry
from legato.audio.lavalink import NodeClient
from legato.audio.nodes import NodeLink, Pace, Port
from legato.audio.placement import Candidate
from legato.contracts.fleet import Node
from legato.errors import Unavailable

UP_WITHIN = timedelta(seconds=6)
"""How long a player waits for a new connection before another node is thought of."""


class Links:
    """One partition's connections by node name."""

    def __init__(
        self,
        tasks: asyncio.TaskGroup,
        nodes: Callable[[], Mapping[str, Node]],
        client: Callable[[Node], NodeClient],
        port: Port,
        *,
        pace: Pace,
    ) -> None:
        """`nodes` are those of the directive now."""
        self._tasks = tasks
        self._nodes = nodes
        self._client = client
        self._port = port
        self._pace = pace
        self.is_shut = False
        """No socket may be opened: Redis has been out of reach for too long."""
        self._links: dict[str, NodeLink] = {}
        self._running: dict[str, asyncio.Task[None]] = {}

    def get(self, name: str) -> NodeLink | None:
        """Return a connection that is open, or being opened."""
        return self._links.get(name)

    def open(self, name: str, *, session_id: str = "") -> NodeLink:
        """Return the connection to a node, opening one if there is none."""
        if self.is_shut:
            raise Unavailable("node", "its socket may not be held for now")
        node = self._nodes().get(name)
        link = self._links.get(name)
        if node is None:
            raise Unavailable("node", f"{name} is not in the directive")
        if link is not None and _leads_to(link, node):
            return link
        if link is not None:
            session_id = link.session_id
            self._running.pop(name).cancel()
        link = NodeLink(self._client(node), self._port, session_id=session_id, pace=self._pace)
        self._links[name] = link
        self._running[name] = self._tasks.create_task(link.run(), context=telemetry.without_span())
        return link

    def renew(self) -> None:
        """Open anew what leads where its node was, or by its old password: it never comes back."""
        nodes = self._nodes()
        for name, link in tuple(self._links.items()):
            node = nodes.get(name)
            if node is not None and not _leads_to(link, node) and not self.is_shut:
                self.open(name)

    async def close(self, name: str) -> None:
        """Close one connection; its session waits, or ends with the node."""
        self._links.pop(name, None)
        if task := self._running.pop(name, None):
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)

    async def close_all(self) -> None:
        """Close every socket, so that the next owner can resume the sessions."""
        for name in tuple(self._links):
            await self.close(name)

    def __iter__(self) -> Iterator[NodeLink]:
        return iter(tuple(self._links.values()))

    def candidates(
        self, *, playing: Mapping[str, int], sessions: Mapping[str, int]
    ) -> list[Candidate]:
        """Say of every node what placement weighs; the figures are this process's own."""
        return [
            self._candidate(node, playing=playing.get(node.name, 0), others=sessions)
            for node in self._nodes().values()
        ]

    def _candidate(self, node: Node, *, playing: int, others: Mapping[str, int]) -> Candidate:
        link = self._links.get(node.name)
        stats = link.stats if link else None
        return Candidate(
            name=node.name,
            region=node.region,
            cordoned=node.cordoned,
            draining=node.drain_deadline > 0,
            connected=link is None or link.is_hopeful,
            has_session=link is not None and link.state == "up",
            sessions=others.get(node.name, 0),
            session_quota=node.session_quota,
            playing=playing,
            load=stats.cpu.system_load if stats else 0.0,
            deficit=max(0, stats.frame_stats.deficit) if stats and stats.frame_stats else 0,
        )


def _leads_to(link: NodeLink, node: Node) -> bool:
    return (link.node.url, link.node.password) == (node.url, node.password)
