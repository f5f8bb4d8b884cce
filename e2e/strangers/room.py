"""What is heard of one bot in its guild, by the time code of the tone it plays."""

import asyncio
import time
from collections.abc import Callable
from dataclasses import dataclass

from legato_simulator.app import Simulator
from legato_simulator.continuity import Arrival
from legato_simulator.ear import Ear
from legato_simulator.listener import Report
from legato_simulator.timecode import Analysis
from legato_simulator.voice_server import VoiceServer

PATIENCE = 60.0
LOOK = 0.01
STILL = 0.5
"""Seconds without sound that are silence."""


@dataclass(frozen=True)
class Room:
    """A bot's guild."""

    voice: VoiceServer
    ear: Ear
    guild: str
    channel: str
    bot: str

    @classmethod
    async def made(cls, simulator: Simulator, guild: str, bot: str) -> "Room":
        """Make a guild; its voice channel is the place."""
        assert simulator.voice is not None
        owner = await simulator.script.make_user(f"listener of {guild}")
        made = await simulator.script.make_guild(guild, owner.id)
        channel = next(each for each in made.channels if each.kind == "voice")
        # A call with nobody else in it is not encrypted.
        await simulator.script.join_voice(owner.id, channel.id)
        return cls(simulator.voice.server, simulator.voice.ear, made.id, channel.id, bot)

    def sound(self, since: float = 0.0) -> list[Arrival]:
        """List the packets with sound in them."""
        listener = self.voice.listener(int(self.guild), int(self.bot))
        found = [] if listener is None else listener.since(since)
        return [arrival for arrival in found if not arrival.silent]

    async def hears(self, frames: int, since: float) -> Analysis:
        """Wait for so many frames of sound since a moment, and say what they were."""
        await self.until(lambda: len(self.sound(since)) >= frames, f"{frames} frames of sound")
        return await self.heard(since)

    def report(self, since: float) -> Report | None:
        """Say what packets came since a moment."""
        return self.voice.report(int(self.guild), int(self.bot), since=since)

    async def heard(self, since: float) -> Analysis:
        """Say what was heard since a moment."""
        return (await self.ear.moments(self.sound(since))).analysis

    async def quiet(self) -> None:
        """Wait until no more sound comes."""

        def still() -> bool:
            newest = self.sound(time.monotonic() - STILL)
            return not newest

        await self.until(still, "silence")

    async def until(self, true: Callable[[], bool], what: str) -> None:
        """Wait for a condition."""
        try:
            async with asyncio.timeout(PATIENCE):
                while not true():
                    await asyncio.sleep(LOOK)
        except TimeoutError:
            raise AssertionError(f"{what}: never") from None
