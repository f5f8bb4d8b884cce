"""What players ask of Discord: the actions in a shard's inbox. Pure values."""

import msgspec

from legato.contracts.playback import Origin
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import NowPlaying, QueueItem, Track

# Answers: what became of a command. The gateway puts them into words, in the asker's language.


class Refused(msgspec.Struct, frozen=True, kw_only=True, tag="refused.v1", omit_defaults=True):
    """The command was not done; ephemeral, and says what to do."""

    reason: str
    """One of text.REFUSALS' names."""
    detail: str = ""
    """Text from outside (a node's message), made harmless before it is shown."""


class Queued(msgspec.Struct, frozen=True, kw_only=True, tag="queued.v1", omit_defaults=True):
    """Tracks were put into the queue."""

    track: Track
    place: int
    """0 = it plays now, else its place in the queue from 1."""
    count: int = 1
    """How many tracks came with it (a playlist)."""
    playlist: str = ""
    wait: int = 0
    """Milliseconds until its turn, 0 when unknown."""


class Done(msgspec.Struct, frozen=True, kw_only=True, tag="done.v1", omit_defaults=True):
    """Something simple was done, or already so."""

    what: str
    """paused, resumed, skipped, stopped, sought, volume, left or settings."""
    track: Track | None = None
    """What was skipped, or plays now."""
    value: int = 0
    """The position in ms, or the volume in percent."""
    already: bool = False


class QueuePage(msgspec.Struct, frozen=True, kw_only=True, tag="queue_page.v1", omit_defaults=True):
    """One page of the queue."""

    now: NowPlaying
    items: tuple[QueueItem, ...]
    page: int
    pages: int
    total: int
    length: int = 0
    """Milliseconds of all that waits, streams not counted."""
    asked: int = 0
    """The page that was asked for and is not there; 0: this one was."""


class NowShown(msgspec.Struct, frozen=True, kw_only=True, tag="now_shown.v1", omit_defaults=True):
    """What is playing."""

    now: NowPlaying


class SettingsShown(msgspec.Struct, frozen=True, kw_only=True, tag="settings_shown.v1"):
    """The guild's settings."""

    settings: GuildSettings


Answer = Refused | Queued | Done | QueuePage | NowShown | SettingsShown


class Action(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every action carries."""

    key: str
    """Unique for ever; the shard's owner does each key once, or at least harmlessly again."""
    guild_id: int
    traceparent: str = ""
    """W3C trace context of the effect that asks for it."""


class Reply(Action, frozen=True, kw_only=True, tag="action.reply.v1"):
    """Answer an interaction: the callback if still open, else an edit of the deferred answer."""

    origin: Origin
    answer: Answer


class JoinVoice(Action, frozen=True, kw_only=True, tag="action.join_voice.v1"):
    """Send op 4: be in this voice channel, or in none (None). Idempotent; the latest wins."""

    channel_id: int | None
    rejoin: bool = False
    """Leave first: Discord refused the old credentials."""


class ShowPanel(Action, frozen=True, kw_only=True, tag="action.show_panel.v1"):
    """Bring the guild's one panel message to this state; the newest wins."""

    channel_id: int
    message_id: int = 0
    """0 = there is none yet."""
    old_channel_id: int = 0
    old_message_id: int = 0
    """The message that the panel was until now, which goes; 0 = there is none."""
    now: NowPlaying
    notice: str = ""
    """One of text.NOTICES' names: something the channel should know (a track failed)."""
    notice_detail: str = ""


Actions = Reply | JoinVoice | ShowPanel
