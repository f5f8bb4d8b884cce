"""What a script makes and takes away: users, guilds, channels, roles, permissions."""

from dataclasses import dataclass

from legato_simulator import payloads, population
from legato_simulator.actions.subjects import (
    Subjects,
    see_channel,
    see_guild,
    see_role,
    see_user,
)
from legato_simulator.permissions import Permission
from legato_simulator.views import (
    BotView,
    ChannelView,
    GuildView,
    RoleView,
    ScriptError,
    UserView,
)
from legato_simulator.world import ChannelType, Overwrite

KINDS = {
    "text": ChannelType.TEXT,
    "voice": ChannelType.VOICE,
    "category": ChannelType.CATEGORY,
    "stage": ChannelType.STAGE,
}


@dataclass(slots=True)
class Making:
    """Changes the world from outside."""

    of: Subjects

    async def make_bot(self, name: str, token: str | None = None) -> BotView:
        """Make one more application that may log in; invite it where it is wanted."""
        bot = population.add_bot(self.of.sim, name, token)
        return BotView(id=str(bot.id), name=bot.name, token=bot.token)

    async def reset_token(self, bot: str | None = None) -> BotView:
        """Make a bot's token worthless and return its new one."""
        found = self.of.bot(bot)
        self.of.sim.bots.reset_token(found)
        return BotView(id=str(found.id), name=found.name, token=found.token)

    async def make_user(
        self, name: str, guild: str | None = None, locale: str = "en-US"
    ) -> UserView:
        """Make a person, and let them join a guild."""
        user = population.add_user(self.of.sim, name, locale)
        if guild is not None:
            population.add_member(self.of.sim, self.of.guild(guild), user)
        return see_user(user)

    async def join_guild(self, user: str, guild: str) -> None:
        """Let a user join a guild."""
        population.add_member(self.of.sim, self.of.guild(guild), self.of.user(user))

    async def make_guild(self, name: str, owner: str) -> GuildView:
        """Make a guild with a text and a voice channel and every bot in it."""
        guild = population.add_guild(self.of.sim, name, self.of.user(owner))
        population.announce_guild(self.of.sim, guild)
        return see_guild(guild)

    async def make_guilds(self, count: int, owner: str) -> list[str]:
        """Make many guilds at once and return their ids."""
        made = population.add_guilds(self.of.sim, count, self.of.user(owner))
        return [str(guild.id) for guild in made]

    async def delete_guild(self, guild: str) -> None:
        """Delete a guild."""
        found = self.of.guild(guild)
        for user_id in list(found.voice_states):
            await self.of.attendance.leave(found, user_id)
        population.remove_guild(self.of.sim, found)

    async def kick_bot(self, guild: str, bot: str | None = None) -> None:
        """Take a bot out of a guild."""
        found, who = self.of.guild(guild), self.of.bot(bot)
        await self.of.attendance.leave(found, who.id)
        population.remove_bot(self.of.sim, found, who)

    async def invite_bot(self, guild: str, bot: str | None = None) -> None:
        """Bring a bot into a guild."""
        population.invite_bot(self.of.sim, self.of.guild(guild), self.of.bot(bot))

    async def set_guild_available(self, guild: str, available: bool) -> None:
        """Begin or end an outage of one guild."""
        population.set_outage(self.of.sim, self.of.guild(guild), unavailable=not available)

    async def make_channel(
        self, guild: str, name: str, kind: str = "text", user_limit: int = 0
    ) -> ChannelView:
        """Make a channel: text, voice, stage or category."""
        if kind not in KINDS:
            raise ScriptError(f"A channel is one of {sorted(KINDS)}.")
        home = self.of.guild(guild)
        channel = population.add_channel(self.of.sim, home, name, KINDS[kind], tell=False)
        channel.user_limit = user_limit
        population.channel_event(self.of.sim, home, "CHANNEL_CREATE", channel)
        return see_channel(channel)

    async def delete_channel(self, channel: str) -> None:
        """Delete a channel, with everyone in it."""
        found = self.of.channel(channel)
        home = self.of.home(found)
        await self.of.attendance.empty(home, found)
        self.of.sim.world.remove_channel(found)
        population.channel_event(self.of.sim, home, "CHANNEL_DELETE", found)

    async def limit_channel(self, channel: str, user_limit: int) -> None:
        """Set how many people a voice channel holds; 0 is any number."""
        found = self.of.channel(channel)
        found.user_limit = user_limit
        population.channel_event(self.of.sim, self.of.home(found), "CHANNEL_UPDATE", found)

    async def set_permissions(
        self,
        channel: str,
        target: str,
        allow: list[str] | None = None,
        deny: list[str] | None = None,
    ) -> None:
        """Allow or deny a role ("@everyone" too) or user something in a channel, by bit names."""
        found = self.of.channel(channel)
        home = self.of.home(found)
        is_role = any(target in {str(each.id), each.name} for each in home.roles.values())
        who = self.of.role(home, target).id if is_role else self.of.user(target).id
        overwrite = Overwrite(who, 0 if is_role else 1, bits(allow or []), bits(deny or []))
        population.set_overwrite(self.of.sim, found, overwrite)

    async def make_role(
        self, guild: str, name: str, permissions: list[str] | None = None
    ) -> RoleView:
        """Make a role with permissions given by name."""
        home = self.of.guild(guild)
        return see_role(population.add_role(self.of.sim, home, name, bits(permissions or [])))

    async def set_role(self, guild: str, role: str, permissions: list[str]) -> None:
        """Set what a role may do."""
        home = self.of.guild(guild)
        found = self.of.role(home, role)
        found.permissions = bits(permissions)
        population.role_changed(self.of.sim, home, found)

    async def give_role(self, guild: str, user: str, role: str, has: bool = True) -> None:
        """Give a member a role, or take it."""
        home = self.of.guild(guild)
        found, member = self.of.role(home, role), home.members[self.of.user(user).id]
        rest = [each for each in member.roles if each != found.id]
        member.roles = [*rest, found.id] if has else rest
        population.member_changed(self.of.sim, home, member)

    async def guild(self, guild: str) -> GuildView:
        """Show a guild."""
        return see_guild(self.of.guild(guild))

    async def voice_states(self, guild: str) -> list[dict[str, object]]:
        """List who is connected to voice, in Discord's JSON."""
        home = self.of.guild(guild)
        states = home.voice_states.values()
        return [payloads.voice_state(self.of.sim.world, each) for each in states]


def bits(names: list[str]) -> int:
    """Combine permissions given by their names in Discord's documentation."""
    known = Permission.__members__
    if unknown := [name for name in names if name not in known]:
        raise ScriptError(f"{unknown[0]!r} is none of {sorted(known)}.")
    return sum(known[name] for name in set(names))
