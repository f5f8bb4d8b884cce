"""A bot on sonolink."""

import discord
import sonolink
from orders import run, say


class OnSonolink:
    """What sonolink does for each order."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._sonolink = sonolink.Client(client)
        setattr(client, "on_sonolink_node_ready", self._ready)  # noqa: B010
        setattr(client, "on_sonolink_track_start", self._started)  # noqa: B010
        setattr(client, "on_sonolink_track_end", self._ended)  # noqa: B010

    async def connect(self, nodes: list[dict[str, str]]) -> None:
        """Connect every node."""
        self._nodes = {
            each["name"]: self._sonolink.create_node(
                uri=each["url"], password=each["password"], id=each["name"]
            )
            for each in nodes
        }
        await self._sonolink.start()

    async def load(self, link: str) -> dict[str, object]:
        """Search by a link."""
        found = await self._nodes["one"].search_track(link)
        self._track = found.result
        return {"title": self._track.title, "length": self._track.length}

    async def join(self, guild: str, channel: str) -> None:
        """Join with a player of the first node."""
        place = self._client.get_channel(int(channel))
        self._player = await place.connect(cls=self._nodes["one"].create_player())

    async def play(self) -> None:
        """Play."""
        await self._player.play(self._track)

    async def pause(self, paused: bool) -> None:
        """Pause or resume."""
        await (self._player.pause() if paused else self._player.resume())

    async def seek(self, ms: int) -> None:
        """Seek."""
        await self._player.seek(ms)

    async def move(self, node: str) -> None:
        """Move the player."""
        await self._player.move_to(self._nodes[node])

    async def stop(self) -> None:
        """Stop."""
        await self._player.stop()

    async def _ready(self, event: object) -> None:
        say(event="ready", node=event.node.id, resumed=event.resumed)

    async def _started(self, *event: object) -> None:
        say(event="start")

    async def _ended(self, *event: object) -> None:
        say(event="end")


if __name__ == "__main__":
    run(OnSonolink)
