"""A bot on lavalink.py."""

import asyncio
from typing import Any

import discord
import lavalink
from orders import run, say


class Voice(discord.VoiceProtocol):
    """Hands what Discord says of voice on to lavalink.py, as its examples do."""

    client: Any

    async def on_voice_server_update(self, data: Any) -> None:
        """Hand on."""
        await self.client.lavalink.voice_update_handler({"t": "VOICE_SERVER_UPDATE", "d": data})

    async def on_voice_state_update(self, data: Any) -> None:
        """Hand on."""
        await self.client.lavalink.voice_update_handler({"t": "VOICE_STATE_UPDATE", "d": data})

    async def connect(self, *, timeout: float, reconnect: bool, **_: Any) -> None:
        """Ask Discord."""
        await self.channel.guild.change_voice_state(channel=self.channel)

    async def disconnect(self, *, force: bool = False) -> None:
        """Leave."""
        self.cleanup()


class OnLavalink:
    """What lavalink.py does for each order."""

    def __init__(self, client: discord.Client) -> None:
        self._client = client
        self._lavalink = lavalink.Client(client.user.id)
        setattr(client, "lavalink", self._lavalink)  # noqa: B010
        self._lavalink.add_event_hooks(self)

    async def connect(self, nodes: list[dict[str, str]]) -> None:
        """Add the nodes, with the sessions of an earlier process where there are some."""
        self._nodes = {
            each["name"]: self._lavalink.add_node(
                each["host"],
                int(each["port"]),
                each["password"],
                "eu",
                each["name"],
                session_id=each.get("session"),
            )
            for each in nodes
        }

    async def load(self, link: str) -> dict[str, object]:
        """Get tracks by a link."""
        found = await self._nodes["one"].get_tracks(link)
        self._track = found.tracks[0]
        return {"title": self._track.title, "length": self._track.duration}

    async def join(self, guild: str, channel: str) -> None:
        """Make a player on the first node, and join."""
        self._player = self._lavalink.player_manager.create(int(guild), node=self._nodes["one"])
        await self._client.get_channel(int(channel)).connect(cls=Voice)
        async with asyncio.timeout(30):
            while not self._player.is_connected:
                await asyncio.sleep(0.01)

    async def play(self) -> None:
        """Play."""
        await self._player.play(self._track)

    async def pause(self, paused: bool) -> None:
        """Pause or resume."""
        await self._player.set_pause(paused)

    async def seek(self, ms: int) -> None:
        """Seek."""
        await self._player.seek(ms)

    async def move(self, node: str) -> None:
        """Change the node."""
        await self._player.change_node(self._nodes[node])

    async def keep(self) -> dict[str, object]:
        """Let every session wait for a later process, and name them."""
        for node in self._nodes.values():
            await node.update_session(resuming=True, timeout=60)
        return {"sessions": {name: node.session_id for name, node in self._nodes.items()}}

    async def find(self, guild: str, node: str) -> None:
        """Take over a player that an earlier process left."""
        self._player = self._lavalink.player_manager.create(int(guild), node=self._nodes[node])

    async def stop(self) -> None:
        """Stop."""
        await self._player.stop()

    @lavalink.listener(lavalink.NodeReadyEvent)
    async def ready(self, event: Any) -> None:
        """Say which node is ready."""
        say(event="ready", node=event.node.name, resumed=event.resumed)

    @lavalink.listener(lavalink.TrackStartEvent)
    async def started(self, event: Any) -> None:
        """Say that a track has begun."""
        say(event="start", title=event.track.title)

    @lavalink.listener(lavalink.TrackEndEvent)
    async def ended(self, event: Any) -> None:
        """Say that a track has ended."""
        say(event="end", reason=str(event.reason))


if __name__ == "__main__":
    run(OnLavalink)
