"""Who may do what where: Discord's permission bits and how roles and overwrites combine. Pure."""

from enum import IntFlag

from legato_simulator.world import Channel, ChannelType, Guild, Member, Overwrite


class Permission(IntFlag):
    """https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags."""

    KICK_MEMBERS = 1 << 1
    ADMINISTRATOR = 1 << 3
    MANAGE_CHANNELS = 1 << 4
    MANAGE_GUILD = 1 << 5
    ADD_REACTIONS = 1 << 6
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    MANAGE_MESSAGES = 1 << 13
    EMBED_LINKS = 1 << 14
    ATTACH_FILES = 1 << 15
    READ_MESSAGE_HISTORY = 1 << 16
    MENTION_EVERYONE = 1 << 17
    USE_EXTERNAL_EMOJIS = 1 << 18
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MUTE_MEMBERS = 1 << 22
    DEAFEN_MEMBERS = 1 << 23
    MOVE_MEMBERS = 1 << 24
    USE_VAD = 1 << 25
    CHANGE_NICKNAME = 1 << 26
    MANAGE_NICKNAMES = 1 << 27
    MANAGE_ROLES = 1 << 28
    USE_APPLICATION_COMMANDS = 1 << 31
    REQUEST_TO_SPEAK = 1 << 32
    SET_VOICE_CHANNEL_STATUS = 1 << 48


ALL = (1 << 50) - 1
EVERYONE = int(
    Permission.VIEW_CHANNEL
    | Permission.SEND_MESSAGES
    | Permission.ADD_REACTIONS
    | Permission.EMBED_LINKS
    | Permission.ATTACH_FILES
    | Permission.READ_MESSAGE_HISTORY
    | Permission.USE_EXTERNAL_EMOJIS
    | Permission.CONNECT
    | Permission.SPEAK
    | Permission.USE_VAD
    | Permission.CHANGE_NICKNAME
    | Permission.USE_APPLICATION_COMMANDS
    | Permission.REQUEST_TO_SPEAK
)
"""What @everyone of a new guild may do."""

BOT = EVERYONE | int(
    Permission.MANAGE_MESSAGES | Permission.SET_VOICE_CHANNEL_STATUS | Permission.MUTE_MEMBERS
)
"""What the role of a freshly invited music bot may do."""


def in_guild(guild: Guild, member: Member) -> int:
    """Combine a member's roles; owners and administrators may do everything."""
    if member.user_id == guild.owner_id:
        return ALL
    bits = guild.roles[guild.id].permissions
    for role_id in member.roles:
        if role_id in guild.roles:
            bits |= guild.roles[role_id].permissions
    return ALL if bits & Permission.ADMINISTRATOR else bits


def in_channel(guild: Guild, member: Member, channel: Channel) -> int:
    """Apply a channel's overwrites: everyone's, then the roles' together, then the member's own.

    Source: https://discord.com/developers/docs/topics/permissions#permission-overwrites
    """
    bits = in_guild(guild, member)
    if bits == ALL:
        return ALL
    overwrites = channel.overwrites
    if everyone := overwrites.get(guild.id):
        bits = bits & ~everyone.deny | everyone.allow
    of_roles = [overwrites[role] for role in member.roles if role in overwrites]
    bits = _apply(bits, of_roles)
    if own := overwrites.get(member.user_id):
        bits = bits & ~own.deny | own.allow
    return _implied(bits, channel)


def may(guild: Guild, member: Member, channel: Channel, *wanted: Permission) -> bool:
    """Say whether a member has every wanted permission in a channel."""
    bits = in_channel(guild, member, channel)
    return all(bits & permission for permission in wanted)


def _apply(bits: int, overwrites: list[Overwrite]) -> int:
    allow = deny = 0
    for overwrite in overwrites:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return bits & ~deny | allow


def _implied(bits: int, channel: Channel) -> int:
    """Take away what a missing permission takes with it."""
    if not bits & Permission.VIEW_CHANNEL:
        return 0
    connectable = channel.type in {ChannelType.VOICE, ChannelType.STAGE}
    if connectable and not bits & Permission.CONNECT:
        return int(bits & ~(Permission.SPEAK | Permission.SEND_MESSAGES))
    return bits
