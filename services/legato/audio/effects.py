"""What a step asks the world to do. Pure values; `outbox` keeps them, `acting` does them.

A *converge* effect says "bring this in line with the player as it is when you run"; the latest of a
kind replaces an older one in the outbox. A *one-shot* effect has a key of its own and is done once,
or at least harmlessly again, before its deadline.
"""

import msgspec
from msgspec.structs import replace

from legato.contracts.actions import Answer
from legato.contracts.playback import Origin
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import Track


class SyncNode(msgspec.Struct, frozen=True, kw_only=True, tag="sync_node"):
    """Converge: compare the player with what its node plays, and PATCH the difference."""

    seq: int = 0


class SyncVoice(msgspec.Struct, frozen=True, kw_only=True, tag="sync_voice", omit_defaults=True):
    """Converge: ask the shard to bring the bot into the channel the player wants."""

    seq: int = 0
    rejoin: bool = False
    """Leave first: Discord refused the voice credentials we had."""


class SyncPanel(msgspec.Struct, frozen=True, kw_only=True, tag="sync_panel", omit_defaults=True):
    """Converge: publish NowPlaying, and bring the guild's panel message to it."""

    seq: int = 0
    notice: str = ""
    """One of text.NOTICES' names."""
    notice_detail: str = ""
    anew: bool = False
    """Post it as a new message, below all that was said since, and take the old one away."""


class SaveQueue(msgspec.Struct, frozen=True, kw_only=True, tag="save_queue"):
    """Converge: write the player behind to PostgreSQL."""

    seq: int = 0


class Resolve(msgspec.Struct, frozen=True, kw_only=True, tag="resolve"):
    """One-shot: ask a node what this slot's query is; comes back as Resolved or ResolveFailed."""

    seq: int = 0
    slot: str
    query: str
    deadline: int
    """Server ms."""


class Tell(msgspec.Struct, frozen=True, kw_only=True, tag="tell"):
    """One-shot: send an answer to the asker."""

    seq: int = 0
    key: str
    origin: Origin
    answer: Answer


class Record(msgspec.Struct, frozen=True, kw_only=True, tag="record", omit_defaults=True):
    """One-shot: one row of playback history."""

    seq: int = 0
    play_id: str
    track: Track
    requester_id: int
    started_at: int
    ended_at: int
    reason: str
    heard: int
    """Milliseconds of the track that were played."""


class SaveSettings(msgspec.Struct, frozen=True, kw_only=True, tag="save_settings"):
    """Converge: write the guild's settings to PostgreSQL, and the copy to Redis."""

    seq: int = 0
    settings: GuildSettings


class Note(msgspec.Struct, frozen=True, kw_only=True, tag="note"):
    """One-shot: a person asked for a play, in this language."""

    seq: int = 0
    key: str
    user_id: int
    locale: str


class Audit(msgspec.Struct, frozen=True, kw_only=True, tag="audit", omit_defaults=True):
    """One-shot: one row of who did what."""

    seq: int = 0
    key: str
    """The command's id."""
    action: str
    """player.stopped, player.left, player.skipped or settings.changed."""
    user_id: int
    at: int
    """Server ms."""
    detail: dict[str, object] = {}


Effect = (
    SyncNode
    | SyncVoice
    | SyncPanel
    | SaveQueue
    | Resolve
    | Tell
    | Record
    | SaveSettings
    | Note
    | Audit
)


def outbox_key(effect: Effect) -> str:
    """Name the effect's place in the outbox: a kind for converge effects, unique for one-shots."""
    match effect:
        case Resolve(slot=slot):
            return f"resolve:{slot}"
        case Tell(key=key):
            return f"tell:{key}"
        case Record(play_id=play_id):
            return f"record:{play_id}"
        case Note(key=key):
            return f"note:{key}"
        case Audit(key=key):
            return f"audit:{key}"
        case _:
            return str(effect.__struct_config__.tag)


def carried(old: Effect | None, new: Effect) -> Effect:
    """Let what replaces an effect that isn't done say what that one still had to say."""
    if not isinstance(old, SyncPanel) or not isinstance(new, SyncPanel):
        return new
    new = replace(new, anew=old.anew or new.anew)
    if new.notice:
        return new
    return replace(new, notice=old.notice, notice_detail=old.notice_detail)
