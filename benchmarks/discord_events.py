"""What Discord would send: guilds of a usual size, and people who change voice channels.

The same bytes every time, so that several libraries can be measured on them.
"""

import random
from collections.abc import Iterator

import msgspec

BOT = 1
ROLES, CHANNELS, VOICE_CHANNELS, MEMBERS, IN_VOICE = 25, 40, 8, 50, 3
"""Of each guild: about 35 kB of GUILD_CREATE, as in a server of some hundred members."""
LISTENING = 10
"""Percent of the guilds whose voice the bot is in; their players are told of who comes and goes."""
JOINED = "2024-01-01T00:00:00.000000+00:00"
Json = dict[str, object]


def creates(guilds: int) -> Iterator[bytes]:
    """Yield a GUILD_CREATE of each guild."""
    for number in range(guilds):
        yield _payload("GUILD_CREATE", number + 1, guild(number))


def moves(guilds: int, events: int) -> Iterator[bytes]:
    """Yield voice states that change."""
    chance = random.Random(1)  # the same every time
    for number in range(events):
        where = chance.randrange(guilds)
        place, to = chance.randrange(1, MEMBERS), chance.randrange(VOICE_CHANNELS)
        state = voice(where, place, to) | {
            "guild_id": snowflake(0, where),
            "member": member(where, place),
        }
        yield _payload("VOICE_STATE_UPDATE", guilds + number + 1, state)


def _payload(name: str, seq: int, data: Json) -> bytes:
    return msgspec.json.encode({"op": 0, "t": name, "s": seq, "d": data})


def snowflake(kind: int, guild: int, number: int = 0) -> str:
    """Make an id like Discord's: 18 digits and more."""
    return str(((guild * 1000 + number) << 22) + (kind << 50) + (1 << 59))


def guild(number: int) -> Json:
    """Make what Discord tells of a guild."""
    return {
        "id": snowflake(0, number),
        "name": f"Guild {number}",
        "owner_id": snowflake(2, number),
        "preferred_locale": "en-US",
        "roles": [_role(number, place) for place in range(ROLES)],
        "channels": [_channel(number, place) for place in range(CHANNELS)],
        "members": [member(number, place) for place in range(MEMBERS)],
        "voice_states": [voice(number, place, 0) for place in range(IN_VOICE)],
        "member_count": 500,
        "joined_at": JOINED,
        "large": True,
        "unavailable": False,
        "features": [],
        "verification_level": 1,
        "default_message_notifications": 1,
        "explicit_content_filter": 2,
        "mfa_level": 0,
        "nsfw_level": 0,
        "premium_tier": 0,
        "premium_progress_bar_enabled": False,
        "afk_timeout": 300,
        "system_channel_flags": 0,
        **dict.fromkeys(("emojis", "stickers", "threads", "presences"), ()),
        **dict.fromkeys(("stage_instances", "guild_scheduled_events"), ()),
        **dict.fromkeys(("icon", "splash", "discovery_splash", "banner", "description")),
        **dict.fromkeys(("afk_channel_id", "application_id", "vanity_url_code")),
        **dict.fromkeys(("system_channel_id", "rules_channel_id", "public_updates_channel_id")),
        **dict.fromkeys(("max_members", "max_presences", "safety_alerts_channel_id")),
    }


def _role(number: int, place: int) -> Json:
    return {
        "id": snowflake(1, number, place) if place else snowflake(0, number),
        "name": f"Role {place}",
        "permissions": "2251800887427649",
        "color": 0,
        "colors": {"primary_color": 0, "secondary_color": None, "tertiary_color": None},
        "hoist": False,
        "position": place,
        "managed": False,
        "mentionable": False,
        "icon": None,
        "unicode_emoji": None,
        "flags": 0,
    }


def _channel(number: int, place: int) -> Json:
    is_voice = place < VOICE_CHANNELS
    common: Json = {
        "id": snowflake(3, number, place),
        "type": 2 if is_voice else 0,
        "name": f"channel {place}",
        "position": place,
        "parent_id": None,
        "nsfw": False,
        "rate_limit_per_user": 0,
        "last_message_id": None,
        "flags": 0,
        "permission_overwrites": [
            {"id": snowflake(1, number, role), "type": 0, "allow": "1049600", "deny": "2048"}
            for role in range(3)
        ],
    }
    if is_voice:
        return common | {"bitrate": 64_000, "user_limit": 0, "rtc_region": None}
    return common | {"topic": "what is talked about here " * 4}


def user(guild: int, place: int) -> str:
    """Name a member; in some guilds the first is the bot."""
    is_bot = place == 0 and guild % 100 < LISTENING
    return str(BOT) if is_bot else snowflake(2, guild, place)


def member(guild: int, place: int) -> Json:
    """Make a member."""
    return {
        "user": {
            "id": user(guild, place),
            "username": f"user {place}",
            "global_name": f"User {place}",
            "discriminator": "0",
            "avatar": None,
            "bot": user(guild, place) == str(BOT),
            "public_flags": 0,
        },
        "roles": [snowflake(1, guild, 1)],
        "nick": None,
        "avatar": None,
        "joined_at": JOINED,
        "premium_since": None,
        "deaf": False,
        "mute": False,
        "pending": False,
        "flags": 0,
        "communication_disabled_until": None,
    }


def voice(guild: int, place: int, to: int) -> Json:
    """Make a voice state."""
    return {
        "user_id": user(guild, place),
        "channel_id": snowflake(3, guild, to),
        "session_id": "0123456789abcdef0123456789abcdef",
        "deaf": False,
        "mute": False,
        "self_deaf": False,
        "self_mute": False,
        "self_video": False,
        "suppress": False,
        "request_to_speak_timestamp": None,
    }
