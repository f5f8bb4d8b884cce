"""Discord's JSON for what is in the world: REST answers and the parts of gateway events. Pure."""

from legato_simulator import permissions
from legato_simulator.bots import Bot
from legato_simulator.json_values import Json
from legato_simulator.world import (
    CONNECTABLE,
    Channel,
    ChannelType,
    Guild,
    Member,
    Overwrite,
    Role,
    User,
    VoiceState,
    World,
)


def user(value: User) -> Json:
    """Write a user as others see it."""
    body: Json = {
        "id": str(value.id),
        "username": value.username,
        "avatar": None,
        "discriminator": "0",
        "public_flags": 0,
        "flags": 0,
        "banner": None,
        "accent_color": None,
        "global_name": value.global_name,
        "avatar_decoration_data": None,
        "collectibles": None,
        "primary_guild": None,
    }
    return body | {"bot": True} if value.bot else body


def own_user(value: User) -> Json:
    """Write the bot's user as the bot itself sees it."""
    private = {"mfa_enabled": False, "locale": value.locale, "email": None, "verified": True}
    return user(value) | {"bot": True, "premium_type": 0} | private


def member(world: World, value: Member) -> Json:
    """Write a member with its user."""
    return bare_member(value) | {"user": user(world.users[value.user_id])}


def bare_member(value: Member) -> Json:
    """Write a member without its user, as messages and resolved data carry it."""
    return {
        "avatar": None,
        "avatar_decoration_data": None,
        "banner": None,
        "collectibles": None,
        "communication_disabled_until": None,
        "flags": 0,
        "joined_at": value.joined_at,
        "nick": value.nick,
        "pending": False,
        "premium_since": None,
        "roles": [str(role) for role in value.roles],
        "mute": value.mute,
        "deaf": value.deaf,
    }


def role(value: Role) -> Json:
    """Write a role."""
    colors = {"primary_color": value.color, "secondary_color": None, "tertiary_color": None}
    body: Json = {
        "id": str(value.id),
        "name": value.name,
        "permissions": str(value.permissions),
        "position": value.position,
        "color": value.color,
        "colors": colors,
        "hoist": value.hoist,
        "managed": value.managed,
        "mentionable": value.mentionable,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }
    return body if value.bot_id is None else body | {"tags": {"bot_id": str(value.bot_id)}}


def overwrite(value: Overwrite) -> Json:
    """Write a permission overwrite."""
    allow, deny = str(value.allow), str(value.deny)
    return {"id": str(value.id), "type": value.type, "allow": allow, "deny": deny}


def channel(world: World, value: Channel) -> Json:
    """Write a channel, of a guild or a DM."""
    base: Json = {"id": str(value.id), "type": value.type, "flags": 0}
    if value.guild_id is None:
        people = [user(world.users[each]) for each in value.recipients]
        return base | {"last_message_id": _text(value.last_message_id), "recipients": people}
    body = base | {
        "guild_id": str(value.guild_id),
        "name": value.name,
        "parent_id": _text(value.parent_id),
        "position": value.position,
        "permission_overwrites": [overwrite(each) for each in value.overwrites.values()],
    }
    if value.type == ChannelType.CATEGORY:
        return body
    body |= {
        "last_message_id": _text(value.last_message_id),
        "nsfw": value.nsfw,
        "rate_limit_per_user": value.rate_limit_per_user,
    }
    if value.type not in CONNECTABLE:
        return body | {"topic": value.topic}
    sound = {"bitrate": value.bitrate, "user_limit": value.user_limit}
    return body | sound | {"rtc_region": value.rtc_region}


def _text(value: int | None) -> str | None:
    return None if value is None else str(value)


def guild(value: Guild) -> Json:
    """Write a guild as REST answers it."""
    return _plain_guild() | {
        "id": str(value.id),
        "name": value.name,
        "owner_id": str(value.owner_id),
        "roles": [role(each) for each in value.roles.values()],
        "preferred_locale": value.locale,
    }


def _plain_guild() -> Json:
    """Write what is the same in every guild of the simulator: nobody has chosen anything."""
    chosen_channels = ("afk", "system", "widget", "rules", "public_updates", "safety_alerts")
    pictures = ("icon", "banner", "splash", "discovery_splash", "home_header")
    return {
        **{f"{name}_channel_id": None for name in chosen_channels},
        **dict.fromkeys(pictures),
        "afk_timeout": 300,
        "application_id": None,
        "default_message_notifications": 0,
        "description": None,
        "emojis": [],
        "explicit_content_filter": 0,
        "features": [],
        "incidents_data": None,
        "max_members": 500_000,
        "max_presences": None,
        "max_stage_video_channel_users": 50,
        "max_video_channel_users": 25,
        "mfa_level": 0,
        "nsfw": False,
        "nsfw_level": 0,
        "premium_progress_bar_enabled": False,
        "premium_subscription_count": 0,
        "premium_tier": 0,
        "region": "deprecated",
        "stickers": [],
        "system_channel_flags": 0,
        "vanity_url_code": None,
        "verification_level": 0,
        "widget_enabled": False,
    }


def full_guild(world: World, value: Guild, seen: list[Member], *, voice: bool) -> Json:
    """Write a guild as GUILD_CREATE carries it, with the members its receiver may see."""
    states = value.voice_states.values() if voice else ()
    bot_joined = next((each.joined_at for each in seen), value.created_at)
    return guild(value) | {
        "joined_at": bot_joined,
        "large": len(value.members) > 250,
        "unavailable": False,
        "member_count": len(value.members),
        "voice_states": [bare_voice_state(each, value) for each in states],
        "members": [member(world, each) for each in seen],
        "channels": [guild_channel(world, each) for each in value.channels.values()],
        "threads": [],
        "presences": [],
        "stage_instances": [],
        "guild_scheduled_events": [],
        "soundboard_sounds": [],
    }


def guild_channel(world: World, value: Channel) -> Json:
    """Write a channel as gateway events carry it: with its voice status."""
    body = channel(world, value)
    return body | {"status": value.status} if value.type == ChannelType.VOICE else body


def bare_voice_state(value: VoiceState, home: Guild) -> Json:
    """Write a voice state as GUILD_CREATE carries it: without guild and member."""
    found = home.members.get(value.user_id)
    return {
        "channel_id": str(value.channel_id),
        "deaf": bool(found and found.deaf),
        "mute": bool(found and found.mute),
        "request_to_speak_timestamp": value.request_to_speak,
        "suppress": value.suppress,
        "self_stream": False,
        "self_deaf": value.self_deaf,
        "self_mute": value.self_mute,
        "self_video": False,
        "session_id": value.session_id,
        "user_id": str(value.user_id),
    }


def voice_state(world: World, value: VoiceState, *, connected: bool = True) -> Json:
    """Write a voice state with guild and member; `connected` is false for the last one."""
    home = world.guilds[value.guild_id]
    body = bare_voice_state(value, home) | {"guild_id": str(home.id)}
    if not connected:
        body["channel_id"] = None
    found = home.members.get(value.user_id)
    return body | {"member": member(world, found)} if found else body


def partial_guild(value: Guild, who: Member) -> Json:
    """Write a guild as the list of the bot's own guilds names it."""
    return {
        "id": str(value.id),
        "name": value.name,
        "icon": None,
        "banner": None,
        "owner": value.owner_id == who.user_id,
        "permissions": str(permissions.in_guild(value, who)),
        "features": [],
    }


def application(value: Bot, owner: User, bot_user: User, guilds: int) -> Json:
    """Write the application as its own bot sees it."""
    return {
        "id": str(value.id),
        "name": value.name,
        "icon": None,
        "description": "",
        "type": None,
        "bot": user(bot_user),
        "bot_public": True,
        "bot_require_code_grant": False,
        "verify_key": f"{value.id:064x}",
        "flags": 0,
        "flags_new": "0",
        "max_participants": None,
        "tags": [],
        "redirect_uris": [],
        "interactions_endpoint_url": None,
        "role_connections_verification_url": None,
        "owner": user(owner),
        "approximate_guild_count": guilds,
        "approximate_user_install_count": 0,
        "approximate_user_authorization_count": 0,
        "event_webhooks_status": 1,
        "explicit_content_filter": 0,
        "team": None,
        "integration_types_config": {"0": {}},
        "eligible_oauth2_scopes": [],
    }
