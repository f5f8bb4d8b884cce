"""A feature flag, as PostgreSQL keeps it and Redis caches it. Pure values."""

import msgspec

AUTOCOMPLETE_OFF = "autocomplete_off"
"""Offer nothing while somebody types: a way out when searching costs the nodes too much."""


class Flag(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A switch: on for some guilds by name, and for a share of the rest."""

    name: str
    percent: int = 0
    guild_ids: tuple[int, ...] = ()
