"""Who is in which voice channel of one guild. Pure: a value, and what events make of it.

Compact on purpose: a bot in 100,000 guilds keeps all of these in memory.
"""

from collections.abc import Iterable

import msgspec

from legato.gateway import events


class Place(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Where one user is."""

    channel_id: int
    is_bot: bool = False


class OwnVoice(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """The bot's own voice state."""

    channel_id: int
    session_id: str = ""
    muted: bool = False
    suppressed: bool = False


class GuildVoice(msgspec.Struct, frozen=True, array_like=True, omit_defaults=True):
    """Everybody's place in one guild, and the bot's own state."""

    places: dict[int, Place] = {}
    own: OwnVoice | None = None

    @property
    def own_channel(self) -> int | None:
        """Name the channel the bot is in."""
        return self.own.channel_id if self.own is not None else None

    def channel_of(self, user_id: int) -> int | None:
        """Name the channel a user is in."""
        place = self.places.get(user_id)
        return place.channel_id if place is not None else None

    def people_in(self, channel_id: int | None) -> int:
        """Count the people, not bots, in a channel."""
        return sum(
            place.channel_id == channel_id and not place.is_bot for place in self.places.values()
        )

    def occupants(self, channel_id: int) -> int:
        """Count everybody in a channel, for its user limit."""
        return sum(place.channel_id == channel_id for place in self.places.values())


EMPTY = GuildVoice()


def of_guild(guild: events.Guild, *, bot: int) -> GuildVoice:
    """Read a whole guild from GUILD_CREATE, whose members are at least those in voice."""
    present = [state for state in guild.voice_states if state.channel_id is not None]
    if not present:
        return EMPTY
    bots = {m.user.id for m in guild.members if m.user is not None and m.user.bot}
    places = {
        state.user_id: Place(state.channel_id, state.user_id in bots or _is_bot(state, bot))
        for state in present
        if state.channel_id is not None
    }
    own = next((state for state in present if state.user_id == bot), None)
    return GuildVoice(places, _own(own) if own is not None else None)


def moved(voice: GuildVoice, state: events.VoiceState, *, bot: int) -> GuildVoice:
    """Apply one voice state; applying it again changes nothing."""
    places = dict(voice.places)
    places.pop(state.user_id, None)
    if state.channel_id is not None:
        places[state.user_id] = Place(state.channel_id, _is_bot(state, bot))
    return GuildVoice(places, _own(state) if state.user_id == bot else voice.own)


def changed_channels(before: GuildVoice, after: GuildVoice, user_id: int) -> Iterable[int]:
    """Name the channels that a user's move touched: the one left and the one entered."""
    return {
        channel
        for channel in (before.channel_of(user_id), after.channel_of(user_id))
        if channel is not None
    }


def _is_bot(state: events.VoiceState, bot: int) -> bool:
    if state.user_id == bot:
        return True
    member = state.member
    return member is not None and member.user is not None and member.user.bot


def _own(state: events.VoiceState) -> OwnVoice | None:
    if state.channel_id is None:
        return None
    return OwnVoice(state.channel_id, state.session_id, state.mute, state.suppress)
