"""What all actions share: the parts of the simulator, and finding things by id or name."""

from dataclasses import dataclass

from legato_simulator import message_payloads
from legato_simulator.attendance import Attendance
from legato_simulator.bots import Bot
from legato_simulator.interactions import Interaction, Kind
from legato_simulator.logins import Logins
from legato_simulator.message_forms import Flag
from legato_simulator.simulation import Simulation
from legato_simulator.views import (
    ChannelView,
    GuildView,
    InteractionView,
    MessageView,
    RoleView,
    ScriptError,
    UserView,
)
from legato_simulator.world import Channel, ChannelType, Guild, Message, Role, User


@dataclass(slots=True)
class Subjects:
    """Finds what a script names."""

    sim: Simulation
    attendance: Attendance
    logins: Logins

    def user(self, ref: str) -> User:
        """Find a user by id, user name or display name."""
        users = self.sim.world.users
        if ref.isdigit() and int(ref) in users:
            return users[int(ref)]
        for user in users.values():
            if ref in {user.username, user.global_name}:
                return user
        raise ScriptError(f"There is no user {ref!r}.")

    def guild(self, ref: str) -> Guild:
        """Find a guild by id or name."""
        guilds = self.sim.world.guilds
        if ref.isdigit() and int(ref) in guilds:
            return guilds[int(ref)]
        for guild in guilds.values():
            if guild.name == ref:
                return guild
        raise ScriptError(f"There is no guild {ref!r}.")

    def channel(self, ref: str) -> Channel:
        """Find a channel by id, or by the name that the first guild with it gives it."""
        found = self.sim.world.channel(int(ref)) if ref.isdigit() else None
        if found is not None:
            return found
        for guild in self.sim.world.guilds.values():
            for channel in guild.channels.values():
                if channel.name == ref.removeprefix("#"):
                    return channel
        raise ScriptError(f"There is no channel {ref!r}.")

    def home(self, channel: Channel) -> Guild:
        """Find a channel's guild."""
        guild = self.sim.world.guild_of(channel)
        if guild is None:
            raise ScriptError("This channel belongs to no guild.")
        return guild

    def role(self, guild: Guild, ref: str) -> Role:
        """Find a role by id or name."""
        for role in guild.roles.values():
            if ref in {str(role.id), role.name}:
                return role
        raise ScriptError(f"There is no role {ref!r}.")

    def bot(self, ref: str | None) -> Bot:
        """Find a bot by id or name; the first one when nothing is named."""
        for bot in self.sim.bots.by_id.values():
            if ref is None or ref in {str(bot.id), bot.name}:
                return bot
        raise ScriptError(f"There is no bot {ref!r}.")

    def message(self, message_id: str) -> Message:
        """Find a message, deleted ones too."""
        for messages in self.sim.world.messages.values():
            found = messages.get(int(message_id))
            if found is not None:
                return found
        raise ScriptError(f"There is no message {message_id}.")

    def interaction(self, interaction_id: str) -> Interaction:
        """Find an interaction."""
        found = self.sim.interactions.by_id.get(int(interaction_id))
        if found is None:
            raise ScriptError(f"There is no interaction {interaction_id}.")
        return found

    # Views.

    def see_message(self, message: Message) -> MessageView:
        """Show a message to the script."""
        return MessageView(
            id=str(message.id),
            channel_id=str(message.channel_id),
            author_id=str(message.author_id),
            content=message.content,
            embeds=message.embeds,
            components=message.components,
            ephemeral=message.visible_to is not None,
            visible_to=str(message.visible_to) if message.visible_to is not None else None,
            loading=bool(message.flags & Flag.LOADING),
            edits=message.edits,
            deleted=message.deleted,
            nonce=str(message.nonce) if message.nonce is not None else None,
            raw=message_payloads.message(self.sim.world, message),
            command=self._command_of(message),
        )

    def _command_of(self, message: Message) -> str | None:
        asked = int(message.interaction["id"]) if message.interaction else 0
        found = self.sim.interactions.by_id.get(asked)
        return found.name if found is not None and found.kind is Kind.COMMAND else None

    def see_interaction(self, found: Interaction) -> InteractionView:
        """Show an interaction to the script."""
        original = self._message_of(found, found.original)
        followups = [self._message_of(found, each) for each in found.followups]
        return InteractionView(
            id=str(found.id),
            kind=found.kind.name.lower(),
            name=found.name,
            application_id=str(found.application_id),
            command_id=str(found.command_id) if found.command_id is not None else None,
            state=self.state_of(found),
            callback=int(found.callback) if found.callback is not None else None,
            ephemeral=found.ephemeral,
            message=self.see_message(original) if original is not None else None,
            followups=[self.see_message(each) for each in followups if each is not None],
            choices=found.choices,
            modal=found.modal,
            created_at=found.created,
            acknowledged_at=found.acknowledged,
            answered_at=found.answered,
            edited_at=found.edited,
            deliveries=found.deliveries,
        )

    def _message_of(self, found: Interaction, message_id: int | None) -> Message | None:
        return self.sim.world.messages.get(found.channel_id, {}).get(message_id or 0)

    def state_of(self, found: Interaction) -> str:
        """Name what the user sees of an interaction."""
        if found.callback is None:
            failed = self.sim.interactions.failed(found, self.sim.clock.monotonic())
            return "failed" if failed else "waiting"
        return "deferred" if found.answered is None else "answered"


def see_user(user: User) -> UserView:
    """Show a user to the script."""
    name = user.global_name or user.username
    return UserView(id=str(user.id), username=user.username, name=name, bot=user.bot)


def see_channel(channel: Channel) -> ChannelView:
    """Show a channel to the script."""
    return ChannelView(
        id=str(channel.id),
        name=channel.name,
        kind=ChannelType(channel.type).name.lower(),
        guild_id=str(channel.guild_id) if channel.guild_id is not None else None,
        user_limit=channel.user_limit,
        status=channel.status,
    )


def see_role(role: Role) -> RoleView:
    """Show a role to the script."""
    return RoleView(id=str(role.id), name=role.name, permissions=role.permissions)


def see_guild(guild: Guild) -> GuildView:
    """Show a guild to the script."""
    return GuildView(
        id=str(guild.id),
        name=guild.name,
        owner_id=str(guild.owner_id),
        channels=[see_channel(each) for each in guild.channels.values()],
        roles=[see_role(each) for each in guild.roles.values()],
        members=[str(each) for each in guild.members],
    )
