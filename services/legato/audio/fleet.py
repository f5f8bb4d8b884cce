"""The nodes there are, by the directive or by hand."""

from collections.abc import Mapping

from legato.contracts.fleet import Node
from legato.direction import Direction
from legato.redis import Client


class Fleet(Direction):
    """One bot's directive, as audio reads it."""

    def __init__(self, redis: Client, bot: int, *, alone: Node | None = None) -> None:
        """`alone` is a node to use while the directive names none."""
        super().__init__(redis, bot)
        self._alone = {alone.name: alone} if alone else {}
        self._of = self.directive
        self._nodes: Mapping[str, Node] = self._alone

    @property
    def nodes(self) -> Mapping[str, Node]:
        """The nodes there are, by name."""
        if self._of is not self.directive:
            self._of = self.directive
            self._nodes = {node.name: node for node in self._of.nodes} or self._alone
        return self._nodes
