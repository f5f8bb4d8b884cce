"""One guild on the stage: someone who types commands, and an ear in the voice channel."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Protocol

from legato import text
from legato_machine.conditions import until
from legato_simulator.client import SimulatorClient
from legato_simulator.ear import Heard, Moment, Moments
from legato_simulator.listener import Report
from legato_simulator.script import Interaction
from legato_simulator.views import ChannelView, GuildView, InteractionView, MessageView, UserView
from legato_simulator.voice_client import VoiceClient

if TYPE_CHECKING:
    from legato_machine.machine import Machine

Value = str | int | float | bool


class Place(Protocol):
    """Where a bot runs, with the Discord it serves."""

    discord: SimulatorClient
    voice: VoiceClient
    bot_id: int

    async def make(self, name: str) -> str:
        """Have a piece or tone made beforehand; return its link."""


class Hall:
    """A guild anywhere, with one person in its voice channel."""

    def __init__(self, place: Place, guild: GuildView, person: UserView) -> None:
        self.place = place
        self.guild = guild
        self.person = person
        self.guild_id = int(guild.id)

    @classmethod
    async def opened(cls, place: Place, name: str) -> "Hall":
        """Make the guild, and let a person join its voice channel."""
        hall = cls(place, *await _made(place, name))
        await place.discord.join_voice(hall.person.id, hall.voice.id)
        return hall

    @property
    def text(self) -> ChannelView:
        """The channel the person types in."""
        return next(channel for channel in self.guild.channels if channel.kind == "text")

    @property
    def voice(self) -> ChannelView:
        """The channel the person listens in."""
        return next(channel for channel in self.guild.channels if channel.kind == "voice")

    async def type(
        self, command: str, options: Mapping[str, Value] | None = None, *, timeout: float = 10.0
    ) -> InteractionView:
        """Run a command, and wait until its answer can be read."""
        return await (await self.begin(command, options)).response(timeout)

    async def begin(self, command: str, options: Mapping[str, Value] | None = None) -> Interaction:
        """Run a command, and wait for nothing."""
        who = str(self.place.bot_id)
        return await self.place.discord.run_command(
            self.person.id, self.text.id, command, options or {}, bot=who
        )

    async def play(self, name: str, *, timeout: float = 10.0, **options: Value) -> InteractionView:
        """Type /play with a piece or tone of the machine's library."""
        link = await self.place.make(name)
        return await self.type("play", {"query": link, **options}, timeout=timeout)

    @staticmethod
    def button(message: MessageView, action: str) -> str:
        """Find the custom id of a message's button by a word in it."""
        found = [str(each["custom_id"]) for row in message.components for each in row["components"]]
        return next(each for each in found if action in each)

    async def press(self, action: str) -> InteractionView:
        """Press the panel's button whose custom id holds this word."""
        panel = await self.panel()
        sent = await self.place.discord.press_button(
            self.person.id, panel.id, self.button(panel, action)
        )
        return await sent.response()

    async def panel(self, *, timeout: float = 10.0) -> MessageView:
        """Wait for the bot's panel, the newest message with buttons that all can see."""

        async def look() -> MessageView | None:
            found = await self.place.discord.messages(self.text.id, str(self.place.bot_id))
            panels = [each for each in found if each.components and not each.ephemeral]
            return panels[-1] if panels else None

        return await until(look, what="a panel in the channel", timeout=timeout)

    async def told(self, notice: str, *, timeout: float = 15.0) -> MessageView:
        """Wait until the panel says one of text.NOTICES."""

        async def look() -> MessageView | None:
            panel = await self.panel()
            return panel if text.NOTICES[notice] in panel.content else None

        return await until(look, what=f"the panel to say {notice}", timeout=timeout)

    # What is heard.

    async def report(self, *, since: float | None = None) -> Report | None:
        """Say what packets came, None before the first."""
        return await self.place.voice.voice_report(self.guild_id, self.place.bot_id, since=since)

    async def now(self) -> float:
        """Say the listener's clock: what `since` counts in."""
        report = await self.report()
        return report.now if report else 0.0

    async def moments(self, *, since: float | None = None) -> Moments:
        """Read the time code of what was heard."""
        return await self.place.voice.voice_moments(self.guild_id, self.place.bot_id, since=since)

    async def heard(self, *, since: float | None = None) -> Heard:
        """Say how loud it was, and which tone was strongest."""
        return await self.place.voice.voice_heard(self.guild_id, self.place.bot_id, since=since)

    async def hears(self, track: int, *, after: float = 0.0, timeout: float = 15.0) -> Moment:
        """Wait until a moment of a track past `after` ms is heard; return the newest."""

        async def look() -> Moment | None:
            report = await self.report()
            if report is None or report.sound < 10:
                return None
            found = (await self.moments(since=report.now - 2.0)).moments
            newest = found[-1] if found else None
            return newest if newest and newest.track == track and newest.ms >= after else None

        return await until(look, what=f"track {track} past {after:.0f} ms", timeout=timeout)

    async def sounds(self, *, since: float, timeout: float = 30.0) -> Report:
        """Wait until sound comes after a moment of the listener's clock."""

        async def look() -> Report | None:
            report = await self.report(since=since)
            return report if report and report.sound else None

        return await until(look, what="sound", timeout=timeout)

    async def quiet(self, *, timeout: float = 10.0) -> Report:
        """Wait until no packet has come for half a second."""

        async def look() -> Report | None:
            report = await self.report()
            still = report is not None and (report.quiet_ms or 0) > 500
            return report if still else None

        return await until(look, what="silence", timeout=timeout)


class Room(Hall):
    """A guild of a machine's Discord."""

    def __init__(self, machine: "Machine", guild: GuildView, person: UserView) -> None:
        super().__init__(machine, guild, person)
        self.machine = machine

    @classmethod
    async def made(cls, machine: "Machine", name: str) -> "Room":
        """Make the guild, and let a person join its voice channel."""
        room = cls(machine, *await _made(machine, name))
        await machine.discord.join_voice(room.person.id, room.voice.id)
        return room


async def _made(place: Place, name: str) -> tuple[GuildView, UserView]:
    person = await place.discord.make_user(f"listener of {name}")
    return await place.discord.make_guild(name, person.id), person
