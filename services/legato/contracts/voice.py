"""What the gateway tells a player about voice, in the partition's inbox. Pure values."""

import msgspec


class Mark(msgspec.Struct, frozen=True, kw_only=True):
    """Which gateway event a message came from; a mark not above the guild's last is a repeat."""

    session: str
    """A short hash of Discord's gateway session id, never the id itself; `own-...` is ours."""
    seq: int

    @property
    def is_own(self) -> bool:
        """Whether the gateway says this of itself, not for an event of Discord's."""
        return self.session.startswith("own-")


class VoiceEvent(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """What every voice event carries."""

    guild_id: int
    mark: Mark
    at: int
    """When the gateway got it, server ms."""
    traceparent: str = ""
    """W3C trace context of the join that this is the answer to."""


class VoiceStateChanged(VoiceEvent, frozen=True, kw_only=True, tag="voice.state_changed.v1"):
    """The bot's own voice state; also sent for each guild after READY, as found in GUILD_CREATE."""

    channel_id: int | None
    session_id: str = ""
    server_muted: bool = False
    suppressed: bool = False
    """In a stage channel's audience."""
    listeners: int = 0
    """People, not bots, in that channel now."""


class VoiceServerChanged(VoiceEvent, frozen=True, kw_only=True, tag="voice.server_changed.v1"):
    """Discord named the voice server, or took it away (endpoint None: wait for the next)."""

    token: str
    endpoint: str | None


class ListenersChanged(VoiceEvent, frozen=True, kw_only=True, tag="voice.listeners_changed.v1"):
    """People came to or left the bot's channel."""

    channel_id: int
    listeners: int


class VoiceRefused(VoiceEvent, frozen=True, kw_only=True, tag="voice.refused.v1"):
    """Op 4 can't or did not lead into the channel: no permission, full, or no answer in 2 s."""

    channel_id: int
    reason: str
    """One of text.REFUSALS' names."""


class GuildGone(VoiceEvent, frozen=True, kw_only=True, tag="voice.guild_gone.v1"):
    """The bot was removed from the guild."""


class ChannelGone(VoiceEvent, frozen=True, kw_only=True, tag="voice.channel_gone.v1"):
    """A channel was deleted; it may be the panel's."""

    channel_id: int


class PanelShown(VoiceEvent, frozen=True, kw_only=True, tag="voice.panel_shown.v1"):
    """The gateway created the guild's panel message, so that later ones edit it."""

    channel_id: int
    message_id: int
    """0: it is gone or may not be written; forget it."""


Voice = (
    VoiceStateChanged
    | VoiceServerChanged
    | ListenersChanged
    | VoiceRefused
    | GuildGone
    | ChannelGone
    | PanelShown
)
