"""A bot on wavelink."""

import discord
import wavelink
from orders import run, say


class OnWavelink:
    """What wavelink does for each order."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        setattr(client, "on_wavelink_node_ready", self._ready)  # noqa: B010
        setattr(client, "on_wavelink_track_start", self._started)  # noqa: B010
        setattr(client, "on_wavelink_track_end", self._ended)  # noqa: B010

    async def connect(self, nodes: list[dict[str, str]]) -> None:
        """Connect by the pool."""
        self._nodes = {
            each["name"]: wavelink.Node(
                identifier=each["name"], uri=each["url"], password=each["password"]
            )
            for each in nodes
        }
        await wavelink.Pool.connect(nodes=list(self._nodes.values()), client=self._client)

    async def load(self, link: str) -> dict[str, object]:
        """Search by a link."""
        found = await wavelink.Playable.search(link, node=self._nodes["one"])
        self._track = found[0]
        return {"title": self._track.title, "length": self._track.length}

    async def join(self, guild: str, channel: str) -> None:
        """Join with a player of the first node."""
        place = self._client.get_channel(int(channel))
        self._player = await place.connect(cls=wavelink.Player(nodes=[self._nodes["one"]]))

    async def play(self) -> None:
        """Play."""
        await self._player.play(self._track)

    async def pause(self, paused: bool) -> None:
        """Pause or resume."""
        await self._player.pause(paused)

    async def seek(self, ms: int) -> None:
        """Seek."""
        await self._player.seek(ms)

    async def move(self, node: str) -> None:
        """Switch the node."""
        await self._player.switch_node(self._nodes[node])

    async def stop(self) -> None:
        """Stop."""
        await self._player.stop()

    async def _ready(self, payload: wavelink.NodeReadyEventPayload) -> None:
        say(event="ready", node=payload.node.identifier, resumed=payload.resumed)

    async def _started(self, payload: wavelink.TrackStartEventPayload) -> None:
        say(event="start", title=payload.track.title)

    async def _ended(self, payload: wavelink.TrackEndEventPayload) -> None:
        say(event="end", reason=payload.reason)


if __name__ == "__main__":
    run(OnWavelink)
