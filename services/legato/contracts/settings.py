"""A guild's settings, as PostgreSQL keeps them and Redis copies them. Pure values."""

import msgspec


class GuildSettings(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What a guild's managers chose; absent = all defaults."""

    dj_role_id: int | None = None
    """Only members with this role, or managers, may steer the player; None = everybody."""
    default_volume: int = 100
    """Percent that a player begins with: after each time the bot had left voice."""
    version: int = 0
    """Grows with each change; an older copy never replaces a newer one."""
