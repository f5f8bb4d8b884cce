"""One guild of a client: its player, its voice server and what is heard there."""

import time
from collections.abc import Mapping
from dataclasses import dataclass

from conformance import shapes
from conformance.client import Client
from conformance.server import Answer
from conformance.surroundings import Surroundings, fresh_id
from legato_simulator import ear
from legato_simulator.continuity import Arrival
from legato_simulator.timecode import Analysis, loudness_db
from legato_simulator.voice_session import Connection

CHANNEL, PERSON = 71, 72
"""Where a person listens, so that the bot is not alone: what nobody hears is not encrypted."""
QUIET = 0.2
"""Seconds without a packet after which nothing comes any more."""


@dataclass
class Guild:
    """A player's guild."""

    client: Client
    around: Surroundings
    id: int
    voice_session: str

    @classmethod
    def made(cls, client: Client, around: Surroundings) -> "Guild":
        """Make one that no other case uses."""
        id_ = fresh_id()
        return cls(client, around, id_, f"voice-{id_:x}")

    @property
    def path(self) -> str:
        """Name the player's path."""
        return f"{self.client.path}/players/{self.id}"

    # The player.

    async def ask(self, body: object, params: Mapping[str, str] | None = None) -> Answer:
        """PATCH the player."""
        return await self.client.server.ask("PATCH", self.path, body, params=params)

    async def patch(self, **body: object) -> shapes.Player:
        """PATCH the player, which must succeed."""
        return (await self.ask(body)).be(shapes.Player)

    async def player(self) -> shapes.Player:
        """GET the player."""
        return (await self.client.server.get(self.path)).be(shapes.Player)

    async def delete(self) -> Answer:
        """DELETE the player."""
        return await self.client.server.ask("DELETE", self.path)

    async def encoded(self, name: str) -> str:
        """Load a piece of music."""
        return (await self.client.server.track(self.around.music(name))).encoded

    async def start(self, name: str, **body: object) -> shapes.Player:
        """Play a piece without joining voice."""
        return await self.patch(track={"encoded": await self.encoded(name)}, **body)

    async def play(self, name: str, **body: object) -> shapes.Player:
        """Join voice and play a piece."""
        return await self.start(name, voice=await self.voice(), **body)

    async def voice(self, region: str | None = None) -> dict[str, str]:
        """Let the bot join, and give what a PATCH needs for it."""
        if region is not None:
            self.around.voice.place(self.id, region)
        await self.around.voice.announce(self.id, PERSON, CHANNEL)
        given = await self.around.voice.open(self.id, CHANNEL, self.client.user, self.voice_session)
        return {
            "token": given.token,
            "endpoint": given.endpoint,
            "sessionId": self.voice_session,
            "channelId": str(CHANNEL),
        }

    async def event(self, name: str, number: int = 1, seconds: float = 8) -> None:
        """Wait for the guild's events by name."""

        def there() -> bool:
            return self.client.events(self.id).count(name) >= number

        await self.client.server.patience.until(there, f"event {name}", seconds)

    # What the voice server sees and hears.

    def connection(self) -> Connection | None:
        """Find the bot's voice connection."""
        mine = (self.id, self.client.user)
        found = (one for one in self.around.voice.connections() if one.connected)
        return next((one for one in found if (one.guild_id, one.user_id) == mine), None)

    def heard(self, since: float = 0.0) -> list[Arrival]:
        """List the packets with sound in them."""
        listener = self.around.voice.listener(self.id, self.client.user)
        found = [] if listener is None else listener.since(since)
        return [arrival for arrival in found if not arrival.silent]

    async def frames(self, count: int, since: float | None = None, seconds: float = 8) -> None:
        """Wait until so many frames of sound have come from now on."""
        start = time.monotonic() if since is None else since
        await self.client.server.patience.until(
            lambda: len(self.heard(start)) >= count, f"{count} frames of sound", seconds
        )

    async def quiet(self) -> None:
        """Wait until nothing comes any more."""

        def quiet() -> bool:
            listener = self.around.voice.listener(self.id, self.client.user)
            newest = listener.kept[-1].at_ns / 1e9 if listener and listener.kept else 0.0
            return time.monotonic() - newest > QUIET

        await self.client.server.patience.until(quiet, "silence")

    def moments(self, since: float = 0.0) -> Analysis:
        """Say which moments of which track were heard."""
        return ear.moments(_request(self.heard(since))).analysis

    def loudness(self, since: float = 0.0) -> float:
        """Say how loud it was, in dB below full scale."""
        return loudness_db(ear.samples(_request(self.heard(since))))

    async def first_moment(self, since: float, frames: int = 25) -> tuple[int, float]:
        """Say which track is heard from a moment on, and from which of its milliseconds."""
        await self.frames(frames, since)
        segments = self.moments(since).segments
        assert segments, "no time code in what was heard"
        return segments[0].track, segments[0].start_ms


def _request(arrivals: list[Arrival]) -> ear.Request:
    return ear.Request(
        want="moments",
        at=[arrival.at_ns / 1e9 for arrival in arrivals],
        epoch=[arrival.epoch for arrival in arrivals],
        payload=[arrival.payload for arrival in arrivals],
    )
