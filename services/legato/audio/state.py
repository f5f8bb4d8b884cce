"""What a player is: the values of one guild's playback. Pure: knows no rules, no node, no clock."""

from dataclasses import dataclass

import msgspec
from msgspec.structs import replace

from legato.audio.effects import Effect
from legato.audio.position import Clock
from legato.contracts.actions import Answer
from legato.contracts.playback import Origin, Where
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import QueueItem, Track
from legato.contracts.voice import Mark


class Seat(msgspec.Struct, frozen=True, kw_only=True):
    """The node a player plays on, and our Lavalink session there."""

    node: str
    session_id: str


class VoiceState(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Where the bot should be and is, and what a node needs to speak there."""

    wanted: int | None = None
    """The channel the bot should be in: the intent that is reconciled."""
    actual: int | None = None
    """The channel Discord says it is in."""
    session_id: str = ""
    token: str = ""
    endpoint: str = ""
    server_muted: bool = False
    suppressed: bool = False
    listeners: int = 0
    closed: bool = False
    """The node lost the connection, and what it had is not to be used again."""
    asked_at: int | None = None
    """Since when we wait for the channel or its credentials."""
    retry_at: int | None = None
    """When to leave and join again, if nothing mends it before."""
    changed_at: int = 0
    """When Discord last moved us or named a voice server."""
    losses: int = 0
    """Connections lost since sound last came through."""
    left: int | None = None
    """The channel it had to leave unasked."""
    rejoined_at: int = 0
    """When it was last asked to leave and join again."""

    @property
    def credentials(self) -> tuple[object, ...]:
        """What a node would speak with."""
        return self.actual, self.session_id, self.token, self.endpoint

    @property
    def ready(self) -> bool:
        """Whether a node could speak now."""
        return bool(
            self.actual is not None
            and self.session_id
            and self.token
            and self.endpoint
            and not self.closed
        )


class Play(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """The track that is played now; one playing of one queue item."""

    play_id: str
    item: QueueItem
    track: Track
    started_at: int
    clock: Clock = Clock()
    sounding: bool = False
    """The node said that it plays; False again when the node is lost."""
    begun: bool = False
    """It was sounding once, or should have been by now: that it is silent is worth telling."""
    failed: str | None = None
    """The node's exception; an end that follows is a failure, whatever it says."""
    failed_at: int = 0
    restarts: int = 0
    entered: int = 0
    """Where its node began it last, ms: in the middle after a loss or a move; 0 once a person has
    sought in it, which needs no new beginning."""
    awaited_since: int | None = None
    """Since when the node could play it and has not said that it does."""
    unseated_since: int | None = None
    """Since when it could be heard and no node takes it, until that was told."""
    checked_at: int = 0
    """When we last looked after a track that is past its end."""
    surely: int | None = None
    """How far it was heard at least when its node lost touch with the voice server, ms; None once
    it has it again."""


class Ask(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A /play that is not answered yet."""

    slot: str
    command_id: int
    origin: Origin
    where: Where
    asked_at: int
    deadline: int
    answer: Answer | None = None
    """What to say once the bot is in the channel; None: the query is still being resolved."""


class PlayerHead(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """A player without its queue: small, so that it can be written with every step."""

    guild_id: int
    revision: int = 0
    """Grows with every change."""
    voice: VoiceState = VoiceState()
    seat: Seat | None = None
    play: Play | None = None
    plays: int = 0
    """How many plays there were; numbers them."""
    paused: bool = False
    """A person paused; all other reasons to be silent follow from the rest of the state."""
    halted: bool = False
    """Too many failures: nothing starts until somebody asks again."""
    failures: int = 0
    volume: int = 100
    text_channel_id: int = 0
    panel_channel_id: int = 0
    """Where the panel's message is; another channel than wanted while it is moved."""
    panel_message_id: int = 0
    settings: GuildSettings = GuildSettings()
    asks: tuple[Ask, ...] = ()
    marks: dict[str, Mark] = {}
    """Kind of voice event -> the newest of its kind."""
    empty_since: int | None = None
    idle_since: int | None = None
    keep_until: int | None = None
    """The bot is out of voice; track and queue wait until then for somebody to ask again."""
    wake_at: int | None = None
    """When to step Woken at the latest, server ms."""


class Player(PlayerHead, frozen=True, kw_only=True, omit_defaults=True):
    """One guild's playback. A value; one partition owns it."""

    queue: tuple[QueueItem, ...] = ()
    """What waits, by rank."""


@dataclass(frozen=True, slots=True)
class Step:
    """What one message led to."""

    player: Player
    effects: tuple[Effect, ...] = ()
    reason: str = ""

    def also(self, *effects: Effect) -> "Step":
        """Add effects."""
        return Step(self.player, self.effects + effects, self.reason)


def new(guild_id: int, settings: GuildSettings | None = None) -> Player:
    """Make the player of a guild that has none."""
    settings = settings or GuildSettings()
    return Player(guild_id=guild_id, settings=settings, volume=settings.default_volume)


def with_voice(player: Player, voice: VoiceState) -> Player:
    """Change only the voice state."""
    return replace(player, voice=voice)


def with_panel_in(player: Player, channel: int) -> Player:
    """Want the panel in a text channel; where it is now stays known until it was moved."""
    return replace(player, text_channel_id=channel)
