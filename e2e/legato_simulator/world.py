"""What exists: users, guilds, channels, roles, messages, voice states. Pure state."""

from dataclasses import dataclass, field
from enum import IntEnum

from legato_simulator.json_values import Json


class ChannelType(IntEnum):
    """https://discord.com/developers/docs/resources/channel#channel-object-channel-types."""

    TEXT = 0
    DM = 1
    VOICE = 2
    CATEGORY = 4
    STAGE = 13


CONNECTABLE = frozenset({ChannelType.VOICE, ChannelType.STAGE})


@dataclass(slots=True)
class User:
    """One account, a person's or a bot's."""

    id: int
    username: str
    global_name: str | None = None
    bot: bool = False
    locale: str = "en-US"


@dataclass(slots=True)
class Role:
    """One role of one guild; the role whose id is the guild's is @everyone."""

    id: int
    name: str
    permissions: int
    position: int = 0
    color: int = 0
    hoist: bool = False
    managed: bool = False
    mentionable: bool = False
    bot_id: int | None = None


@dataclass(slots=True)
class Overwrite:
    """What one channel allows and denies one role (type 0) or member (type 1)."""

    id: int
    type: int
    allow: int = 0
    deny: int = 0


@dataclass(slots=True)
class Channel:
    """One channel; a DM has no guild but recipients."""

    id: int
    type: int
    name: str = ""
    guild_id: int | None = None
    position: int = 0
    parent_id: int | None = None
    topic: str | None = None
    nsfw: bool = False
    bitrate: int = 64_000
    user_limit: int = 0
    rtc_region: str | None = None
    rate_limit_per_user: int = 0
    status: str | None = None
    last_message_id: int | None = None
    overwrites: dict[int, Overwrite] = field(default_factory=dict)
    recipients: list[int] = field(default_factory=list)


@dataclass(slots=True)
class Member:
    """One user in one guild."""

    user_id: int
    joined_at: str
    roles: list[int] = field(default_factory=list)
    nick: str | None = None
    mute: bool = False
    deaf: bool = False


@dataclass(slots=True)
class VoiceState:
    """Where in a guild one user is connected, and how."""

    guild_id: int
    channel_id: int
    user_id: int
    session_id: str
    self_mute: bool = False
    self_deaf: bool = False
    suppress: bool = False
    request_to_speak: str | None = None


@dataclass(slots=True)
class Guild:
    """One server."""

    id: int
    name: str
    owner_id: int
    created_at: str
    region: str = "local"
    locale: str = "en-US"
    unavailable: bool = False
    roles: dict[int, Role] = field(default_factory=dict)
    channels: dict[int, Channel] = field(default_factory=dict)
    members: dict[int, Member] = field(default_factory=dict)
    voice_states: dict[int, VoiceState] = field(default_factory=dict)


@dataclass(slots=True)
class Message:
    """One message; an ephemeral one exists only for `visible_to`."""

    id: int
    channel_id: int
    author_id: int
    timestamp: str
    guild_id: int | None = None
    type: int = 0
    content: str = ""
    embeds: list[Json] = field(default_factory=list)
    components: list[Json] = field(default_factory=list)
    attachments: list[Json] = field(default_factory=list)
    flags: int = 0
    tts: bool = False
    nonce: int | str | None = None
    edited_timestamp: str | None = None
    edits: int = 0
    deleted: bool = False
    mentions: list[int] = field(default_factory=list)
    mention_roles: list[int] = field(default_factory=list)
    mention_everyone: bool = False
    application_id: int | None = None
    interaction: Json | None = None
    reference: Json | None = None
    visible_to: int | None = None


@dataclass(slots=True)
class World:
    """Everything that exists, by id."""

    users: dict[int, User] = field(default_factory=dict)
    guilds: dict[int, Guild] = field(default_factory=dict)
    messages: dict[int, dict[int, Message]] = field(default_factory=dict)
    dms: dict[int, Channel] = field(default_factory=dict)
    homes: dict[int, int] = field(default_factory=dict)
    """The guild of every guild channel."""

    def add_guild(self, guild: Guild) -> None:
        """Take in a guild and find its channels from now on."""
        self.guilds[guild.id] = guild
        self.homes.update(dict.fromkeys(guild.channels, guild.id))

    def remove_guild(self, guild_id: int) -> Guild | None:
        """Forget a guild, its channels and their messages."""
        guild = self.guilds.pop(guild_id, None)
        for channel_id in guild.channels if guild else ():
            self.homes.pop(channel_id, None)
            self.messages.pop(channel_id, None)
        return guild

    def add_channel(self, guild: Guild, channel: Channel) -> None:
        """Take a channel into its guild."""
        guild.channels[channel.id] = channel
        self.homes[channel.id] = guild.id

    def remove_channel(self, channel: Channel) -> None:
        """Forget a channel and its messages."""
        self.messages.pop(channel.id, None)
        self.homes.pop(channel.id, None)
        self.dms.pop(channel.id, None)
        if channel.guild_id in self.guilds:
            self.guilds[channel.guild_id].channels.pop(channel.id, None)

    def channel(self, channel_id: int) -> Channel | None:
        """Find a channel of a guild or of a DM."""
        home = self.homes.get(channel_id)
        if home is None:
            return self.dms.get(channel_id)
        return self.guilds[home].channels.get(channel_id)

    def guild_of(self, channel: Channel) -> Guild | None:
        """Find a channel's guild."""
        return self.guilds.get(channel.guild_id) if channel.guild_id is not None else None

    def message(self, channel_id: int, message_id: int) -> Message | None:
        """Find a message that is still there."""
        found = self.messages.get(channel_id, {}).get(message_id)
        return None if found is None or found.deleted else found

    def listeners(self, guild_id: int, channel_id: int) -> list[VoiceState]:
        """Say who is connected to one channel."""
        guild = self.guilds.get(guild_id)
        states = guild.voice_states.values() if guild else ()
        return [state for state in states if state.channel_id == channel_id]
