"""What one shard knows of its guilds, and what each gateway event changes. Pure: does no I/O.

Applying an event again changes nothing, so that a replay after RESUME is harmless. A guild is kept
as packed bytes, in memory and in Redis alike: a fifth of what the values would take, and most are
not looked at for hours.
"""

import functools
import hashlib
from dataclasses import dataclass, field

import msgspec

from legato.contracts import voice
from legato.contracts.voice import Mark, Voice
from legato.gateway import events, guild_facts, voice_index
from legato.gateway.permissions import GuildFacts
from legato.gateway.voice_index import GuildVoice

_pack = msgspec.msgpack.Encoder().encode
_voice = msgspec.msgpack.Decoder(GuildVoice)
_facts = msgspec.msgpack.Decoder(GuildFacts)


@dataclass(slots=True)
class Change:
    """What must be written before the event counts as taken."""

    voice: set[int] = field(default_factory=set)
    """Guilds whose voice index changed."""
    facts: set[int] = field(default_factory=set)
    messages: list[Voice] = field(default_factory=list)
    """To the guilds' partitions, in order."""


@dataclass(frozen=True, slots=True)
class Stamp:
    """Where and when an event came from."""

    mark: Mark
    now: int
    """Server ms."""


@functools.lru_cache(maxsize=64)
def session_name(session_id: str) -> str:
    """Name a gateway session without telling its id, which is a secret."""
    return hashlib.sha256(session_id.encode()).hexdigest()[:16]


class ShardState:
    """The guilds of one shard."""

    def __init__(self, bot: int) -> None:
        self.bot = bot
        """The bot's user id; READY tells it anew."""
        self.voice: dict[int, bytes] = {}
        """Guild -> its packed voice index; guilds with nobody in voice have none."""
        self.facts: dict[int, bytes] = {}
        """Guild -> its packed facts."""

    def voice_of(self, guild_id: int) -> GuildVoice:
        """Tell who is where."""
        packed = self.voice.get(guild_id)
        return _voice.decode(packed) if packed is not None else voice_index.EMPTY

    def facts_of(self, guild_id: int) -> GuildFacts:
        """Tell what permission checks need."""
        packed = self.facts.get(guild_id)
        return _facts.decode(packed) if packed is not None else guild_facts.UNKNOWN

    def apply(self, name: str, event: object, stamp: Stamp) -> Change:
        """Take one event."""
        change = Change()
        match name, event:
            case "READY", events.Ready():
                self._ready(event, change, stamp)
            case "GUILD_CREATE", events.Guild(unavailable=False):
                self._guild(event, change, stamp)
            case "GUILD_UPDATE", events.Guild():
                self._set_facts(
                    event.id, guild_facts.updated(self.facts_of(event.id), event), change
                )
            case "GUILD_DELETE", events.Guild(unavailable=False):
                self._forget(event.id, change, stamp)
            case "VOICE_STATE_UPDATE", events.VoiceState():
                self._voice_state(event, change, stamp)
            case "VOICE_SERVER_UPDATE", events.VoiceServer():
                change.messages.append(_server(event, stamp))
            case _:
                self._facts(name, event, change, stamp)
        return change

    def everything(self) -> Change:
        """Name all guilds, to write them where Redis lost them."""
        return Change(voice={*self.voice}, facts={*self.facts})

    def own_states(self, stamp: Stamp) -> list[Voice]:
        """List the bot's voice state in each guild it is in voice in: the intent's other half."""
        return [
            self.own_state(guild, stamp)
            for guild in self.voice
            if self.voice_of(guild).own is not None
        ]

    def own_state(self, guild_id: int, stamp: Stamp) -> voice.VoiceStateChanged:
        """Tell the bot's voice state in one guild."""
        guild = self.voice_of(guild_id)
        own = guild.own
        if own is None:
            return voice.VoiceStateChanged(
                guild_id=guild_id, mark=stamp.mark, at=stamp.now, channel_id=None
            )
        return voice.VoiceStateChanged(
            guild_id=guild_id,
            mark=stamp.mark,
            at=stamp.now,
            channel_id=own.channel_id,
            session_id=own.session_id,
            server_muted=own.muted,
            suppressed=own.suppressed,
            listeners=guild.people_in(own.channel_id),
        )

    def _ready(self, ready: events.Ready, change: Change, stamp: Stamp) -> None:
        """Begin anew: a new session has left every voice channel; GUILD_CREATE fills the rest."""
        self.bot = ready.user.id
        stays = {guild.id for guild in ready.guilds}
        for guild_id in [*self.facts]:
            if guild_id not in stays:
                self._forget(guild_id, change, stamp)

    def _guild(self, guild: events.Guild, change: Change, stamp: Stamp) -> None:
        self._set_voice(guild.id, voice_index.of_guild(guild, bot=self.bot), change)
        self._set_facts(guild.id, guild_facts.of_guild(guild, bot=self.bot), change)
        change.facts.add(guild.id)
        change.messages.append(self.own_state(guild.id, stamp))

    def _forget(self, guild_id: int, change: Change, stamp: Stamp) -> None:
        self.voice.pop(guild_id, None)
        self.facts.pop(guild_id, None)
        change.voice.add(guild_id)
        change.facts.add(guild_id)
        change.messages.append(voice.GuildGone(guild_id=guild_id, mark=stamp.mark, at=stamp.now))

    def _voice_state(self, state: events.VoiceState, change: Change, stamp: Stamp) -> None:
        guild_id = state.guild_id
        before = self.voice_of(guild_id)
        after = voice_index.moved(before, state, bot=self.bot)
        self._set_voice(guild_id, after, change)
        if state.user_id == self.bot:
            change.messages.append(self.own_state(guild_id, stamp))
            return
        ours = after.own_channel
        if ours is not None and ours in voice_index.changed_channels(before, after, state.user_id):
            change.messages.append(_listeners(guild_id, ours, after, stamp))

    def _facts(self, name: str, event: object, change: Change, stamp: Stamp) -> None:
        """Take what only permission checks care for."""
        match name, event:
            case "CHANNEL_CREATE" | "CHANNEL_UPDATE", events.Channel(guild_id=guild):
                self._set_facts(
                    guild, guild_facts.with_channel(self.facts_of(guild), event), change
                )
            case "CHANNEL_DELETE", events.Channel(guild_id=guild):
                facts = guild_facts.without_channel(self.facts_of(guild), event.id)
                self._set_facts(guild, facts, change)
                gone = voice.ChannelGone(
                    guild_id=guild, mark=stamp.mark, at=stamp.now, channel_id=event.id
                )
                change.messages.append(gone)
            case _, events.RoleChanged(guild_id=guild, role=role):
                self._set_facts(guild, guild_facts.with_role(self.facts_of(guild), role), change)
            case _, events.RoleDeleted(guild_id=guild, role_id=role_id):
                facts = guild_facts.without_role(self.facts_of(guild), role_id)
                self._set_facts(guild, facts, change)
            case _, events.MemberUpdated(guild_id=guild, user=user) if user.id == self.bot:
                facts = guild_facts.with_bot_roles(self.facts_of(guild), event.roles)
                self._set_facts(guild, facts, change)
            case _:
                pass

    def _set_facts(self, guild_id: int, facts: GuildFacts, change: Change) -> None:
        packed = _pack(facts)
        if guild_id and packed != self.facts.get(guild_id):
            self.facts[guild_id] = packed
            change.facts.add(guild_id)

    def _set_voice(self, guild_id: int, guild: GuildVoice, change: Change) -> None:
        if guild == voice_index.EMPTY:
            self.voice.pop(guild_id, None)
        else:
            self.voice[guild_id] = _pack(guild)
        change.voice.add(guild_id)


def _server(event: events.VoiceServer, stamp: Stamp) -> voice.VoiceServerChanged:
    return voice.VoiceServerChanged(
        guild_id=event.guild_id,
        mark=stamp.mark,
        at=stamp.now,
        token=event.token,
        endpoint=event.endpoint,
    )


def _listeners(
    guild_id: int, channel_id: int, guild: GuildVoice, stamp: Stamp
) -> voice.ListenersChanged:
    return voice.ListenersChanged(
        guild_id=guild_id,
        mark=stamp.mark,
        at=stamp.now,
        channel_id=channel_id,
        listeners=guild.people_in(channel_id),
    )
