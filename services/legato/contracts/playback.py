"""What people ask of a player: the commands in a partition's inbox. Pure values."""

from typing import Literal

import msgspec

Where = Literal["now", "next", "last"]


class Origin(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """Who asked, and where the answer goes.

    It travels with the command, so any gateway can answer.
    """

    source: Literal["interaction", "component", "api"]
    user_id: int
    channel_id: int
    """The text channel the command was given in; the panel goes there."""
    interaction_id: int = 0
    token: str = ""
    """Discord's interaction token: a secret for 15 minutes, never logged."""
    received_at: int
    """When the gateway got it, server ms: Discord's 3 s and 15 min count from about here."""
    locale: str = "en-US"
    traceparent: str = ""
    """W3C trace context, so that one trace reaches from the interaction to the node."""


class Command(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every command carries."""

    id: int
    """The interaction's snowflake: the name under which the command is done once."""
    guild_id: int
    origin: Origin
    expires_at: int
    """Server ms; later than this it is answered "too late" and not run."""


class Play(Command, frozen=True, kw_only=True, tag="playback.play.v1"):
    """Put a link or a search into the queue, and join the asker's voice channel if need be."""

    query: str
    where: Where = "last"
    voice_channel_id: int


class Pause(Command, frozen=True, kw_only=True, tag="playback.pause.v1"):
    """Pause until somebody resumes."""


class Resume(Command, frozen=True, kw_only=True, tag="playback.resume.v1"):
    """Go on playing."""


class TogglePause(Command, frozen=True, kw_only=True, tag="playback.toggle_pause.v1"):
    """The panel's one button for both."""


class Skip(Command, frozen=True, kw_only=True, tag="playback.skip.v1"):
    """End the current track and start the next."""

    play_id: str | None = None
    """Set by the panel: skip only if this play is still the current one."""


class Stop(Command, frozen=True, kw_only=True, tag="playback.stop.v1"):
    """End the current track and empty the queue; stay in the channel."""


class Seek(Command, frozen=True, kw_only=True, tag="playback.seek.v1"):
    """Go to a moment of the current track."""

    to: int
    """Milliseconds from the start of the track."""


class SetVolume(Command, frozen=True, kw_only=True, tag="playback.set_volume.v1"):
    """Set the volume, in percent 0 to 200; or change it by `change`, from the panel."""

    volume: int | None = None
    change: int = 0


class Leave(Command, frozen=True, kw_only=True, tag="playback.leave.v1"):
    """Stop and leave the voice channel."""


class ShowQueue(Command, frozen=True, kw_only=True, tag="playback.show_queue.v1"):
    """Answer with one page of the queue, counted from 1."""

    page: int = 1


class ShowNowPlaying(Command, frozen=True, kw_only=True, tag="playback.show_now_playing.v1"):
    """Answer with what is playing, and bring the panel to the asker's channel."""


class ChangeSettings(Command, frozen=True, kw_only=True, tag="playback.change_settings.v1"):
    """Change the guild's settings; what is UNSET stays. The partition is their only writer."""

    dj_role_id: int | msgspec.UnsetType | None = msgspec.UNSET
    default_volume: int | msgspec.UnsetType = msgspec.UNSET


class ShowSettings(Command, frozen=True, kw_only=True, tag="playback.show_settings.v1"):
    """Answer with the guild's settings."""


Playback = (
    Play
    | Pause
    | Resume
    | TogglePause
    | Skip
    | Stop
    | Seek
    | SetVolume
    | Leave
    | ShowQueue
    | ShowNowPlaying
    | ChangeSettings
    | ShowSettings
)
