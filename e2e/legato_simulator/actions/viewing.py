"""What one person's Discord shows: the places they see, the messages, the commands offered."""

from dataclasses import dataclass

from legato_simulator import permissions
from legato_simulator.actions.subjects import Subjects, see_role, see_user
from legato_simulator.bots import Bot
from legato_simulator.client_views import (
    ClientView,
    OfferView,
    PersonView,
    PlaceView,
    PresenceView,
    ServerView,
)
from legato_simulator.json_values import Json
from legato_simulator.permissions import Permission
from legato_simulator.views import MessageView, ScriptError
from legato_simulator.world import CONNECTABLE, Channel, ChannelType, Guild, Member, Message, User

PEOPLE = 200


@dataclass(slots=True)
class Viewing:
    """Answers as one person's client would show it."""

    of: Subjects

    async def view(self, user: str | None = None, guilds: int = 50) -> ClientView:
        """Show a user's guilds, with the channels they see and who is in voice.

        With nobody named it is the first person's view.
        """
        who, sim = self._viewer(user), self.of.sim
        joined = [each for each in sim.world.guilds.values() if who.id in each.members]
        return ClientView(
            user=self._person(who),
            people=[self._person(each) for each in self._people(who)],
            guilds=[self._server(each, who) for each in joined[:guilds]],
            rest_url=f"{sim.base_url}/api/v10",
            last=sim.feed.last,
        )

    async def history(
        self, user: str, channel: str, before: str | None = None, limit: int = 50
    ) -> list[MessageView]:
        """List the newest messages a user sees in a channel, the oldest first."""
        who, place = self.of.user(user), self.of.channel(channel)
        if not self._sees(who, place):
            raise ScriptError(f"{who.username} does not see {place.name}.")
        kept = self.of.sim.world.messages.get(place.id, {}).values()
        seen = [each for each in kept if _visible(each, who, before)]
        return [self.of.see_message(each) for each in seen[-max(limit, 0) :]]

    async def offers(self, user: str, channel: str) -> list[OfferView]:
        """List the slash commands that Discord offers a user in a channel."""
        who, place = self.of.user(user), self.of.channel(channel)
        guild = self.of.home(place)
        member = guild.members.get(who.id)
        if member is None:
            raise ScriptError(f"{who.username} is no member of {guild.name}.")
        bits = permissions.in_channel(guild, member, place)
        if not bits & Permission.USE_APPLICATION_COMMANDS:
            return []
        return [
            OfferView(bot_id=str(bot.id), bot=bot.name, command=command)
            for bot in self.of.sim.bots.by_id.values()
            if bot.id in guild.members
            for command in _offered(bot, guild, bits)
        ]

    def _viewer(self, ref: str | None) -> User:
        if ref is not None:
            return self.of.user(ref)
        person = next((each for each in self.of.sim.world.users.values() if not each.bot), None)
        if person is None:
            raise ScriptError("There is nobody yet.")
        return person

    def _people(self, viewer: User) -> list[User]:
        """List bots and people, the viewer among them also where there are very many."""
        users = list(self.of.sim.world.users.values())
        bots = [each for each in users if each.bot]
        others = [each for each in users if not each.bot and each is not viewer]
        shown = sorted([viewer, *others[: PEOPLE - 1]], key=lambda each: each.id)
        return [*bots, *shown]

    def _person(self, user: User) -> PersonView:
        seen = see_user(user)
        online = not user.bot or self.of.sim.presence.is_online(user.id)
        return PersonView(
            id=seen.id, username=seen.username, name=seen.name, bot=seen.bot, online=online
        )

    def _sees(self, who: User, place: Channel) -> bool:
        guild = self.of.home(place)
        member = guild.members.get(who.id)
        wanted = Permission.VIEW_CHANNEL
        return member is not None and permissions.may(guild, member, place, wanted)

    def _server(self, guild: Guild, who: User) -> ServerView:
        member = guild.members[who.id]
        seen = [
            each
            for each in sorted(guild.channels.values(), key=lambda each: (each.position, each.id))
            if permissions.may(guild, member, each, Permission.VIEW_CHANNEL)
        ]
        return ServerView(
            id=str(guild.id),
            name=guild.name,
            owner_id=str(guild.owner_id),
            channels=[self._place(guild, each, member) for each in seen],
            roles=[see_role(each) for each in guild.roles.values()],
            members=[str(each) for each in list(guild.members)[:PEOPLE]],
            voice=[self._presence(guild, each) for each in guild.voice_states],
        )

    def _place(self, guild: Guild, channel: Channel, member: Member) -> PlaceView:
        joinable = channel.type in CONNECTABLE
        return PlaceView(
            id=str(channel.id),
            name=channel.name,
            kind=ChannelType(channel.type).name.lower(),
            position=channel.position,
            parent_id=str(channel.parent_id) if channel.parent_id is not None else None,
            topic=channel.topic,
            status=channel.status,
            user_limit=channel.user_limit,
            may_write=permissions.may(guild, member, channel, Permission.SEND_MESSAGES),
            may_join=joinable and self.of.attendance.may_join(guild, channel, member.user_id),
        )

    def _presence(self, guild: Guild, user_id: int) -> PresenceView:
        state, member = guild.voice_states[user_id], guild.members.get(user_id)
        return PresenceView(
            user_id=str(user_id),
            channel_id=str(state.channel_id),
            mute=state.self_mute or state.suppress or bool(member and member.mute),
            deaf=state.self_deaf or bool(member and member.deaf),
            speaking=self.of.sim.presence.is_speaking(guild.id, user_id),
        )


def _visible(message: Message, who: User, before: str | None) -> bool:
    older = before is None or message.id < int(before)
    return older and not message.deleted and message.visible_to in {None, who.id}


def _offered(bot: Bot, guild: Guild, bits: int) -> list[Json]:
    """Pick the chat commands; a guild's own hides the global one of the same name."""
    found: dict[str, Json] = {}
    for command in bot.commands.values():
        scope, needed = command.get("guild_id"), command.get("default_member_permissions")
        allowed = bits & int(needed or 0) == int(needed or 0)
        here = scope == str(guild.id) or (scope is None and command["name"] not in found)
        if command.get("type", 1) == 1 and allowed and here:
            found[command["name"]] = command
    return list(found.values())
