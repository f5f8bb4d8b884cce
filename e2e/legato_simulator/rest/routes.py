"""What a REST route is: method, template, limits, and the call that its handler gets."""

from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field

from legato_simulator.attendance import Attendance
from legato_simulator.bots import Bot
from legato_simulator.json_values import Json
from legato_simulator.message_forms import Upload
from legato_simulator.permissions import Permission, in_channel, in_guild
from legato_simulator.problems import Form, Problem
from legato_simulator.ratelimits import Bucket
from legato_simulator.simulation import Simulation
from legato_simulator.world import Channel, Guild, Member, User

DEFAULT = Bucket(50, 1.0)


@dataclass(frozen=True, slots=True)
class Answer:
    """What a handler answers; no body is 204."""

    body: Json | list[Json] | None = None
    status: int = 200


@dataclass(slots=True)
class Call:
    """One request, as a handler sees it."""

    sim: Simulation
    attendance: Attendance
    params: dict[str, str]
    query: dict[str, str]
    body: Json | list[Json] | None
    uploads: list[Upload]
    caller: Bot | None

    @property
    def bot(self) -> Bot:
        """The bot that asks."""
        if self.caller is None:
            raise Problem(0)
        return self.caller

    @property
    def form(self) -> Json:
        """The body, which has to be an object."""
        if isinstance(self.body, dict):
            return self.body
        form = Form()
        form.add((), "MODEL_TYPE_CONVERT", "Only dictionaries may be used in a ModelType")
        form.raise_if_wrong()
        return {}

    def asks(self, name: str) -> bool:
        """Read a boolean of the query; clients write it in several ways."""
        return self.query.get(name, "").lower() in {"true", "1"}

    def id(self, name: str) -> int:
        """Read a snowflake of the path."""
        value = self.params[name]
        if value == "@me":
            return self.bot.id
        if not value.isdigit():
            form = Form()
            form.add((name,), "NUMBER_TYPE_COERCE", f'Value "{value}" is not snowflake.')
            form.raise_if_wrong()
        return int(value)

    def guild(self) -> Guild:
        """Find the path's guild, which the bot has to be in."""
        guild = self.sim.world.guilds.get(self.id("guild_id"))
        if guild is None:
            raise Problem(10004)
        if self.bot.id not in guild.members or guild.unavailable:
            raise Problem(50001)
        return guild

    def me(self, guild: Guild) -> Member:
        """Find the bot's member."""
        return guild.members[self.bot.id]

    def member(self, guild: Guild) -> Member:
        """Find the path's member."""
        member = guild.members.get(self.id("user_id"))
        if member is None:
            raise Problem(10007)
        return member

    def user(self) -> User:
        """Find the path's user."""
        user = self.sim.world.users.get(self.id("user_id"))
        if user is None:
            raise Problem(10013)
        return user

    def channel(self, *wanted: Permission) -> Channel:
        """Find the path's channel: the bot has to see it (50001) and have the rights (50013)."""
        channel = self.sim.world.channel(self.id("channel_id"))
        if channel is None:
            raise Problem(10003)
        guild = self.sim.world.guild_of(channel)
        if guild is None:
            if self.bot.id not in channel.recipients:
                raise Problem(50001)
            return channel
        if self.bot.id not in guild.members:
            raise Problem(50001)
        bits = in_channel(guild, self.me(guild), channel)
        if not bits & Permission.VIEW_CHANNEL:
            raise Problem(50001)
        if any(not bits & permission for permission in wanted):
            raise Problem(50013)
        return channel

    def need(self, guild: Guild, *wanted: Permission) -> None:
        """Refuse when the bot lacks a permission in a guild."""
        bits = in_guild(guild, self.me(guild))
        if any(not bits & permission for permission in wanted):
            raise Problem(50013)


Handler = Callable[[Call], Awaitable[Answer]]


@dataclass(frozen=True, slots=True)
class Route:
    """One method of one path."""

    method: str
    template: str
    handler: Handler
    bucket: Bucket | None = DEFAULT
    """None where Discord's answers carry no bucket."""
    open: bool = False
    """Whether it needs no bot token: the interaction token in the path is enough."""
    unlimited: bool = False
    """Whether the global limit leaves it out, as it does for interactions."""

    @property
    def major(self) -> str:
        """The path parameter whose values have limits of their own."""
        for name in ("channel_id", "guild_id", "webhook_token", "interaction_token"):
            if f"{{{name}}}" in self.template:
                return name
        return ""


@dataclass(slots=True)
class Routes:
    """Collects the routes of one module."""

    found: list[Route] = field(default_factory=list)

    def add(
        self,
        method: str,
        template: str,
        bucket: Bucket | None = DEFAULT,
        *,
        open_to_all: bool = False,
        unlimited: bool = False,
    ) -> Callable[[Handler], Handler]:
        """Serve a path with the function below."""

        def register(handler: Handler) -> Handler:
            route = Route(method, template, handler, bucket, open_to_all, unlimited)
            self.found.append(route)
            return handler

        return register
