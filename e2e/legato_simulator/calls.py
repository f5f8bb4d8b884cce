"""The port to a voice server: what the gateway asks of it. No sound, no sockets."""

import secrets
from typing import Protocol

from msgspec import Struct


class VoiceCredentials(Struct, frozen=True, kw_only=True):
    """What VOICE_SERVER_UPDATE tells a bot."""

    token: str
    endpoint: str


class VoicePort(Protocol):
    """A voice server, as the gateway needs it."""

    async def open(
        self,
        guild_id: int,
        channel_id: int,
        user_id: int,
        session_id: str,
        *,
        stage: bool = False,
    ) -> VoiceCredentials:
        """Expect a user in a channel; the credentials end those handed out before."""

    async def close(self, guild_id: int, user_id: int, code: int) -> None:
        """End a user's voice connection in a guild, if there is one."""

    def place(self, guild_id: int, region: str) -> None:
        """Choose a guild's voice server from the next `open` on; KeyError for an unknown region."""

    async def announce(self, guild_id: int, user_id: int, channel_id: int | None) -> None:
        """Tell of a person who came into a channel's call, or, without a channel, left theirs."""


class NoVoice:
    """Stands in where no voice server runs: its endpoint answers nothing."""

    async def open(
        self,
        guild_id: int,
        channel_id: int,
        user_id: int,
        session_id: str,
        *,
        stage: bool = False,
    ) -> VoiceCredentials:
        """Hand out credentials that no server knows."""
        return VoiceCredentials(token=secrets.token_hex(8), endpoint="127.0.0.1:9")

    async def close(self, guild_id: int, user_id: int, code: int) -> None:
        """There is nothing to close."""

    def place(self, guild_id: int, region: str) -> None:
        """Every region is as silent as another."""

    async def announce(self, guild_id: int, user_id: int, channel_id: int | None) -> None:
        """There is nobody to tell."""
