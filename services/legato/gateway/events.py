"""Discord's gateway events that matter to us, as typed values. Pure: reads what it is given.

Only the fields used are named; the rest of each event is never looked at.
https://discord.com/developers/docs/events/gateway-events
"""

import msgspec


class User(msgspec.Struct, frozen=True, kw_only=True):
    """https://discord.com/developers/docs/resources/user#user-object."""

    id: int
    bot: bool = False


class Member(msgspec.Struct, frozen=True, kw_only=True):
    """A member of a guild; `permissions` only in interactions, for the text channel."""

    user: User | None = None
    roles: tuple[int, ...] = ()
    permissions: int = 0


class VoiceState(msgspec.Struct, frozen=True, kw_only=True):
    """Where a user is; in GUILD_CREATE without the guild id."""

    user_id: int
    channel_id: int | None = None
    guild_id: int = 0
    session_id: str = ""
    member: Member | None = None
    mute: bool = False
    suppress: bool = False


class VoiceServer(msgspec.Struct, frozen=True, kw_only=True):
    """VOICE_SERVER_UPDATE."""

    guild_id: int
    token: str
    endpoint: str | None = None


class Overwrite(msgspec.Struct, frozen=True, kw_only=True):
    """A permission overwrite of a channel."""

    id: int
    allow: int = 0
    deny: int = 0


class Channel(msgspec.Struct, frozen=True, kw_only=True):
    """A channel of any kind."""

    id: int
    type: int = 0
    guild_id: int = 0
    permission_overwrites: tuple[Overwrite, ...] = ()
    user_limit: int = 0


class Role(msgspec.Struct, frozen=True, kw_only=True):
    """A role and its permission bits."""

    id: int
    permissions: int = 0


class Guild(msgspec.Struct, frozen=True, kw_only=True):
    """GUILD_CREATE, GUILD_UPDATE (without channels, members, voice states) and GUILD_DELETE."""

    id: int
    owner_id: int = 0
    unavailable: bool = False
    roles: tuple[Role, ...] = ()
    channels: tuple[Channel, ...] = ()
    members: tuple[Member, ...] = ()
    voice_states: tuple[VoiceState, ...] = ()
    preferred_locale: str = ""


class RoleChanged(msgspec.Struct, frozen=True, kw_only=True):
    """GUILD_ROLE_CREATE and GUILD_ROLE_UPDATE."""

    guild_id: int
    role: Role


class RoleDeleted(msgspec.Struct, frozen=True, kw_only=True):
    """GUILD_ROLE_DELETE."""

    guild_id: int
    role_id: int


class MemberUpdated(msgspec.Struct, frozen=True, kw_only=True):
    """GUILD_MEMBER_UPDATE; without the members intent it comes for the bot itself."""

    guild_id: int
    user: User
    roles: tuple[int, ...] = ()


class Ready(msgspec.Struct, frozen=True, kw_only=True):
    """READY: a new session; its guilds follow as GUILD_CREATE."""

    session_id: str
    resume_gateway_url: str
    user: User
    guilds: tuple[Guild, ...] = ()


class Option(msgspec.Struct, frozen=True, kw_only=True):
    """One option a user filled in, or a subcommand with options of its own."""

    name: str
    type: int
    value: str | int | float | bool | None = None
    options: tuple["Option", ...] = ()
    focused: bool = False


class InteractionData(msgspec.Struct, frozen=True, kw_only=True):
    """What was invoked: a command's name and options, or a button's custom id."""

    id: int = 0
    name: str = ""
    type: int = 1
    options: tuple[Option, ...] = ()
    custom_id: str = ""
    component_type: int = 0


class Message(msgspec.Struct, frozen=True, kw_only=True):
    """The message a pressed button stands on."""

    id: int
    flags: int = 0


class Interaction(msgspec.Struct, frozen=True, kw_only=True):
    """INTERACTION_CREATE.

    https://discord.com/developers/docs/interactions/receiving-and-responding#interaction-object
    """

    id: int
    application_id: int
    type: int
    token: str
    guild_id: int | None = None
    channel_id: int = 0
    member: Member | None = None
    user: User | None = None
    locale: str = "en-US"
    app_permissions: int = 0
    data: InteractionData = InteractionData()
    message: Message | None = None

    @property
    def user_id(self) -> int:
        """Name who asks, in a guild or in a direct message."""
        if self.member is not None and self.member.user is not None:
            return self.member.user.id
        return self.user.id if self.user is not None else 0


COMMAND, COMPONENT, AUTOCOMPLETE = 2, 3, 4
"""Interaction types."""

Known = (
    Ready
    | Guild
    | Channel
    | RoleChanged
    | RoleDeleted
    | MemberUpdated
    | VoiceState
    | VoiceServer
    | Interaction
)

TYPES: dict[str, type[msgspec.Struct]] = {
    "READY": Ready,
    "GUILD_CREATE": Guild,
    "GUILD_UPDATE": Guild,
    "GUILD_DELETE": Guild,
    "CHANNEL_CREATE": Channel,
    "CHANNEL_UPDATE": Channel,
    "CHANNEL_DELETE": Channel,
    "GUILD_ROLE_CREATE": RoleChanged,
    "GUILD_ROLE_UPDATE": RoleChanged,
    "GUILD_ROLE_DELETE": RoleDeleted,
    "GUILD_MEMBER_UPDATE": MemberUpdated,
    "VOICE_STATE_UPDATE": VoiceState,
    "VOICE_SERVER_UPDATE": VoiceServer,
    "INTERACTION_CREATE": Interaction,
}
