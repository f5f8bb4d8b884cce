"""Whether a person may do what they ask, by everything the gateway knows itself. Pure.

All of it comes before an answer is deferred, since a deferral fixes who sees the answer. The first
thing wrong is told, as one of text.REFUSALS' names; None says that nothing is.
"""

from collections.abc import Collection
from dataclasses import dataclass

from legato.contracts.settings import GuildSettings
from legato.gateway import permissions, urls
from legato.gateway.asked import Asked, fault
from legato.gateway.commands import Command
from legato.gateway.permissions import GuildFacts, Permission
from legato.gateway.voice_index import GuildVoice


@dataclass(frozen=True, slots=True)
class Asker:
    """Who asks."""

    user_id: int
    roles: Collection[int] = ()
    permissions: int = 0
    """In the text channel, from Discord."""

    @property
    def manages(self) -> bool:
        """Say whether Manage Server, or all there is, is theirs."""
        return bool(self.permissions & (Permission.MANAGE_GUILD | Permission.ADMINISTRATOR))


@dataclass(frozen=True, slots=True)
class Place:
    """The guild, as far as the shard knows it."""

    guild_id: int
    bot_id: int
    voice: GuildVoice
    facts: GuildFacts
    settings: GuildSettings


def check(asked: Asked, asker: Asker, place: Place, *, allowed: Collection[str] = ()) -> str | None:
    """Find the first reason to refuse; `allowed` holds exact `host:port` exceptions for links."""
    command = asked.command
    if command is None:
        return "forged" if asked.play_id else "invalid"
    return (
        fault(asked)
        or _check_query(asked, allowed)
        or _check_manager(command, asker)
        or _check_channel(command, asker, place)
        or _check_dj(command, asker, place)
        or _check_entering(command, asker, place)
    )


def _check_query(asked: Asked, allowed: Collection[str]) -> str | None:
    if asked.path != "play":
        return None
    query = urls.read(asked.text("query"), allowed=allowed)
    return query.reason if isinstance(query, urls.Wrong) else None


def _check_manager(command: Command, asker: Asker) -> str | None:
    return "not_manager" if command.rules.manages and not asker.manages else None


def _check_channel(command: Command, asker: Asker, place: Place) -> str | None:
    if not command.rules.in_voice:
        return None
    theirs, ours = place.voice.channel_of(asker.user_id), place.voice.own_channel
    if theirs is None:
        return "not_in_voice"
    if ours is None or theirs == ours:
        return None
    moves = command.rules.joins and place.voice.people_in(ours) == 0
    return None if moves else "other_channel"


def _check_dj(command: Command, asker: Asker, place: Place) -> str | None:
    """Ask for the DJ role; whoever is alone with the bot disturbs nobody."""
    role = place.settings.dj_role_id
    if not command.rules.steers or role is None or role in asker.roles or asker.manages:
        return None
    channel = place.voice.channel_of(asker.user_id)
    is_alone = channel == place.voice.own_channel and place.voice.people_in(channel) == 1
    return None if is_alone else "not_dj"


def _check_entering(command: Command, asker: Asker, place: Place) -> str | None:
    channel_id = place.voice.channel_of(asker.user_id)
    if not command.rules.joins or channel_id is None:
        return None
    channel = place.facts.channels.get(channel_id)
    if channel is None:
        return None  # not known (yet): Discord decides, and a silent op 4 becomes a kind refusal
    ours = _bits(place, channel, place.bot_id, place.facts.bot_roles)
    theirs = _bits(place, channel, asker.user_id, asker.roles)
    if not ours & Permission.VIEW_CHANNEL or not ours & Permission.CONNECT:
        return "no_connect"
    if not channel.is_stage and not ours & Permission.SPEAK:
        return "no_speak"
    if not theirs & Permission.CONNECT:
        return "may_not_connect"
    return _check_room(place, channel_id, channel.user_limit, ours)


def _check_room(place: Place, channel_id: int, user_limit: int, ours: int) -> str | None:
    """Count heads: a full channel opens only for those who may move members."""
    if place.voice.own_channel == channel_id or not user_limit or ours & Permission.MOVE_MEMBERS:
        return None
    return "channel_full" if place.voice.occupants(channel_id) >= user_limit else None


def _bits(
    place: Place, channel: permissions.VoiceChannel, user_id: int, roles: Collection[int]
) -> int:
    bits = permissions.in_guild(place.facts, place.guild_id, user_id, roles)
    return permissions.in_channel(
        bits, channel, guild_id=place.guild_id, user_id=user_id, roles=roles
    )
