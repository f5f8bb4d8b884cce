"""What is known of a guild besides its voice, and what events make of it. Pure."""

from msgspec.structs import replace

from legato.gateway import events
from legato.gateway.permissions import GuildFacts, Overwrite, VoiceChannel

VOICE, STAGE = 2, 13
"""Channel types: https://discord.com/developers/docs/resources/channel#channel-object-channel-types"""

UNKNOWN = GuildFacts()


def of_guild(guild: events.Guild, *, bot: int) -> GuildFacts:
    """Read GUILD_CREATE, which lists the bot among its members."""
    own = [m.roles for m in guild.members if m.user is not None and m.user.id == bot]
    return GuildFacts(
        guild.owner_id,
        {role.id: role.permissions for role in guild.roles},
        {c.id: _channel(c) for c in guild.channels if c.type in {VOICE, STAGE}},
        own[0] if own else (),
        guild.preferred_locale or UNKNOWN.locale,
    )


def updated(facts: GuildFacts, guild: events.Guild) -> GuildFacts:
    """Apply GUILD_UPDATE: a new owner or language, and all roles as they are now."""
    return replace(
        facts,
        owner_id=guild.owner_id or facts.owner_id,
        roles={role.id: role.permissions for role in guild.roles} or facts.roles,
        locale=guild.preferred_locale or facts.locale,
    )


def with_channel(facts: GuildFacts, channel: events.Channel) -> GuildFacts:
    """Apply CHANNEL_CREATE or CHANNEL_UPDATE; other than voice channels do not matter."""
    if channel.type not in {VOICE, STAGE}:
        return without_channel(facts, channel.id)
    channels = facts.channels | {channel.id: _channel(channel)}
    return replace(facts, channels=channels)


def without_channel(facts: GuildFacts, channel_id: int) -> GuildFacts:
    """Apply CHANNEL_DELETE."""
    if channel_id not in facts.channels:
        return facts
    channels = {name: one for name, one in facts.channels.items() if name != channel_id}
    return replace(facts, channels=channels)


def with_role(facts: GuildFacts, role: events.Role) -> GuildFacts:
    """Apply GUILD_ROLE_CREATE or GUILD_ROLE_UPDATE."""
    roles = facts.roles | {role.id: role.permissions}
    return replace(facts, roles=roles)


def without_role(facts: GuildFacts, role_id: int) -> GuildFacts:
    """Apply GUILD_ROLE_DELETE."""
    roles = {name: bits for name, bits in facts.roles.items() if name != role_id}
    bot_roles = tuple(role for role in facts.bot_roles if role != role_id)
    return replace(facts, roles=roles, bot_roles=bot_roles)


def with_bot_roles(facts: GuildFacts, roles: tuple[int, ...]) -> GuildFacts:
    """Apply GUILD_MEMBER_UPDATE of the bot itself."""
    return replace(facts, bot_roles=roles)


def _channel(channel: events.Channel) -> VoiceChannel:
    overwrites = tuple(Overwrite(o.id, o.allow, o.deny) for o in channel.permission_overwrites)
    return VoiceChannel(overwrites, channel.user_limit, channel.type == STAGE)
