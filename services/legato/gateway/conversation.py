"""One interaction from its arrival to its answer: directly, or deferred first and edited.

Knows Discord's rules for it and nothing of music.
https://discord.com/developers/docs/interactions/receiving-and-responding
"""

import asyncio
from dataclasses import dataclass
from typing import Literal, Protocol

from legato.gateway import discord
from legato.gateway.answers import EPHEMERAL, Json

MESSAGE, DEFER, DEFER_UPDATE, UPDATE = 4, 5, 6, 7
"""Callback types."""

State = Literal["open", "deferred", "answered"]


@dataclass(frozen=True, slots=True)
class Ticket:
    """What is needed to answer, from any process."""

    id: int
    application_id: int
    token: str
    is_button: bool = False
    hidden: bool = False
    """A deferred answer is for the asker alone."""


class Courier(Protocol):
    """What brings answers to Discord."""

    async def answer(self, route: discord.Route, body: object = None, **path: int | str) -> object:
        """Make a request by the interaction's token. Raises Refused, Unavailable."""


class Conversation:
    """Says each thing once, in the form that is right at that moment."""

    def __init__(self, ticket: Ticket, courier: Courier, *, state: State = "open") -> None:
        self.ticket = ticket
        self.state: State = state
        self.was_too_late = False
        self._courier = courier
        self._speaking = asyncio.Lock()

    async def defer(self) -> bool:
        """Ask Discord for patience; False if something was said already."""
        if not self._is_open():
            return False  # nor is waited for what is being said now
        async with self._speaking:
            if not self._is_open():
                return False
            if self.ticket.is_button:
                body: Json = {"type": DEFER_UPDATE}
            else:
                data = {"flags": EPHEMERAL} if self.ticket.hidden else {}
                body = {"type": DEFER, "data": data}
            await self._call_back(body, "deferred")
            return self._is_deferred()

    async def say(self, message: Json) -> None:
        """Answer with a message of its own."""
        async with self._speaking:
            if self.state == "open":
                await self._call_back({"type": MESSAGE, "data": message}, "answered")
            if self._is_deferred():
                await self._say_later(message)
                self.state = "answered"

    async def say_first(self, message: Json) -> None:
        """Answer with a message where nobody has answered."""
        async with self._speaking:
            await self._call_back({"type": MESSAGE, "data": message}, "answered")

    async def turn(self, message: Json) -> None:
        """Answer a button by changing the message it stands on."""
        async with self._speaking:
            if self.state == "open":
                await self._call_back({"type": UPDATE, "data": message}, "answered")
            if self._is_deferred():
                await self._send(discord.EDIT_ORIGINAL, message)
                self.state = "answered"

    async def acknowledge(self) -> None:
        """Answer a button without words; what it did shows on the panel."""
        async with self._speaking:
            if self.state == "open":
                await self._call_back({"type": DEFER_UPDATE}, "answered")
            self.state = "answered"

    async def offer(self, choices: list[Json]) -> None:
        """Answer an autocompletion."""
        async with self._speaking:
            await self._call_back({"type": 8, "data": {"choices": choices}}, "answered")

    def _is_open(self) -> bool:
        return self.state == "open"

    def _is_deferred(self) -> bool:
        return self.state == "deferred"

    async def _say_later(self, message: Json) -> None:
        """Edit the deferred answer; what is for the asker alone can't replace a public one."""
        is_hidden = message.get("flags") == EPHEMERAL
        if self.ticket.is_button:
            await self._send(discord.FOLLOW_UP, message)
        elif is_hidden and not self.ticket.hidden:
            await self._send(discord.DELETE_ORIGINAL)
            await self._send(discord.FOLLOW_UP, message)
        else:
            await self._send(discord.EDIT_ORIGINAL, _without_flags(message))

    async def _call_back(self, body: Json, then: State) -> None:
        ticket = self.ticket
        try:
            await self._courier.answer(
                discord.CALLBACK, body, interaction=ticket.id, token=ticket.token
            )
            self.state = then
        except discord.Refused as refused:
            if refused.code == discord.ALREADY_ACKNOWLEDGED:
                self.state = "deferred"  # by another process: go on with the edit
            elif refused.code == discord.UNKNOWN_INTERACTION:
                self.state, self.was_too_late = "answered", True
            else:
                raise

    async def _send(self, route: discord.Route, body: object = None) -> None:
        ticket = self.ticket
        try:
            await self._courier.answer(
                route, body, webhook=ticket.application_id, token=ticket.token
            )
        except discord.Refused as refused:
            if refused.code == discord.UNKNOWN_WEBHOOK:
                self.was_too_late = True
            elif refused.code != discord.UNKNOWN_MESSAGE:
                raise


def _without_flags(message: Json) -> Json:
    return {name: value for name, value in message.items() if name != "flags"}
