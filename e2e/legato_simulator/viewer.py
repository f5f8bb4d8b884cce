"""Looks through one person's eyes, over any carrier of actions: a part of the script interface."""

from collections.abc import Mapping
from typing import Protocol, TypeVar

from legato_simulator.client_views import ClientView, OfferView
from legato_simulator.views import MessageView

T = TypeVar("T")


class Caller(Protocol):
    """Carries one action to a simulator, in this process or another."""

    async def call(self, name: str, arguments: Mapping[str, object], answer: type[T]) -> T:
        """Do something; ScriptError when it can't be done, TimeoutError when it took too long."""


class Viewer:
    """What a person's Discord shows them."""

    def __init__(self, caller: Caller) -> None:
        self._caller = caller

    async def view(self, user: str | None = None, guilds: int = 50) -> ClientView:
        """Show a user's guilds, with the channels they see and who is in voice."""
        return await self._caller.call("view", {"user": user, "guilds": guilds}, ClientView)

    async def history(
        self, user: str, channel: str, *, before: str | None = None, limit: int = 50
    ) -> list[MessageView]:
        """List the newest messages a user sees in a channel, the oldest first."""
        arguments = {"user": user, "channel": channel, "before": before, "limit": limit}
        return await self._caller.call("history", arguments, list[MessageView])

    async def offers(self, user: str, channel: str) -> list[OfferView]:
        """List the slash commands that Discord offers a user in a channel."""
        return await self._caller.call(
            "offers", {"user": user, "channel": channel}, list[OfferView]
        )
