"""What a member may do in a channel: Discord's bits, roles and overwrites. Pure."""

from collections.abc import Iterable
from enum import IntFlag

import msgspec


class Permission(IntFlag):
    """https://discord.com/developers/docs/topics/permissions#permissions-bitwise-permission-flags."""

    ADMINISTRATOR = 1 << 3
    MANAGE_GUILD = 1 << 5
    VIEW_CHANNEL = 1 << 10
    SEND_MESSAGES = 1 << 11
    EMBED_LINKS = 1 << 14
    CONNECT = 1 << 20
    SPEAK = 1 << 21
    MOVE_MEMBERS = 1 << 24


EVERYTHING = (1 << 63) - 1


class Overwrite(msgspec.Struct, frozen=True, array_like=True):
    """What a channel allows and denies one role or one member."""

    id: int
    allow: int
    deny: int


class VoiceChannel(msgspec.Struct, frozen=True, array_like=True):
    """What permission checks need to know of one voice or stage channel."""

    overwrites: tuple[Overwrite, ...] = ()
    user_limit: int = 0
    """0 = as many as like."""
    is_stage: bool = False


class GuildFacts(msgspec.Struct, frozen=True, array_like=True):
    """What permission checks and panels need to know of one guild."""

    owner_id: int = 0
    roles: dict[int, int] = {}
    """Role -> permission bits; @everyone has the guild's own id."""
    channels: dict[int, VoiceChannel] = {}
    bot_roles: tuple[int, ...] = ()
    locale: str = "en-US"
    """The guild's own language."""


def in_guild(facts: GuildFacts, guild_id: int, user_id: int, roles: Iterable[int]) -> int:
    """Combine a member's roles; the owner and administrators may do everything."""
    if user_id == facts.owner_id:
        return EVERYTHING
    bits = facts.roles.get(guild_id, 0)
    for role in roles:
        bits |= facts.roles.get(role, 0)
    return EVERYTHING if bits & Permission.ADMINISTRATOR else bits


def in_channel(
    bits: int, channel: VoiceChannel, *, guild_id: int, user_id: int, roles: Iterable[int]
) -> int:
    """Apply the overwrites: everyone's, then all the roles' at once, then the member's own.

    https://discord.com/developers/docs/topics/permissions#permission-overwrites
    """
    if bits == EVERYTHING:
        return EVERYTHING
    by_id = {overwrite.id: overwrite for overwrite in channel.overwrites}
    bits = _apply(bits, by_id, [guild_id])
    bits = _apply(bits, by_id, [role for role in roles if role != guild_id])
    bits = _apply(bits, by_id, [user_id])
    return bits if bits & Permission.VIEW_CHANNEL else 0


def _apply(bits: int, by_id: dict[int, Overwrite], ids: Iterable[int]) -> int:
    chosen = [by_id[name] for name in ids if name in by_id]
    allow = deny = 0
    for overwrite in chosen:
        allow |= overwrite.allow
        deny |= overwrite.deny
    return bits & ~deny | allow
