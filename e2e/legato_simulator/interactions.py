"""Interactions: their deadlines, first answers and follow-ups. Time is an argument; no wire.

Source: https://discord.com/developers/docs/interactions/receiving-and-responding
"""

import asyncio
import secrets
from dataclasses import dataclass, field
from enum import IntEnum

from legato_simulator.json_values import Json
from legato_simulator.problems import Problem


class Kind(IntEnum):
    """What a user did."""

    COMMAND = 2
    COMPONENT = 3
    AUTOCOMPLETE = 4
    MODAL = 5


class Callback(IntEnum):
    """How a bot may answer first."""

    PONG = 1
    MESSAGE = 4
    DEFERRED_MESSAGE = 5
    DEFERRED_UPDATE = 6
    UPDATE = 7
    CHOICES = 8
    MODAL = 9


ALLOWED: dict[Kind, frozenset[Callback]] = {
    Kind.COMMAND: frozenset({Callback.MESSAGE, Callback.DEFERRED_MESSAGE, Callback.MODAL}),
    Kind.COMPONENT: frozenset(
        {
            Callback.MESSAGE,
            Callback.DEFERRED_MESSAGE,
            Callback.DEFERRED_UPDATE,
            Callback.UPDATE,
            Callback.MODAL,
        }
    ),
    Kind.AUTOCOMPLETE: frozenset({Callback.CHOICES}),
    Kind.MODAL: frozenset(
        {
            Callback.MESSAGE,
            Callback.DEFERRED_MESSAGE,
            Callback.DEFERRED_UPDATE,
            Callback.UPDATE,
        }
    ),
}


@dataclass(slots=True)
class Interaction:
    """One thing a user did, and what the bot answered."""

    id: int
    application_id: int
    kind: Kind
    user_id: int
    channel_id: int
    guild_id: int | None
    created: float
    name: str
    """The command's full name, or the component's or modal's custom id."""
    command_id: int | None = None
    source_message: int | None = None
    """The message whose component was used."""
    parent: Json | None = None
    """For a modal: the metadata of what opened it."""
    token: str = field(default_factory=lambda: secrets.token_urlsafe(48))
    callback: Callback | None = None
    acknowledged: float | None = None
    answered: float | None = None
    late: float | None = None
    """When a first answer came too late."""
    edited: float | None = None
    told: int = 0
    """How often the user was told something: first answers, edits and follow-ups, no deferral."""
    ephemeral: bool = False
    loading: bool = False
    original: int | None = None
    followups: list[int] = field(default_factory=list)
    choices: list[Json] | None = None
    modal: Json | None = None
    deliveries: int = 0
    changed: asyncio.Event = field(default_factory=asyncio.Event)
    """Set and replaced at each change, for those who wait for one."""

    def touch(self) -> None:
        """Wake those who wait for a change."""
        self.changed.set()
        self.changed = asyncio.Event()

    def answer(self, callback: Callback, now: float) -> None:
        """Take the first answer."""
        self.callback = callback
        self.acknowledged = now
        if callback is not Callback.DEFERRED_MESSAGE:
            self.answered = now
            self.told += 1

    def show(self, now: float, *, is_news: bool = True) -> None:
        """Note that what the user sees is there, or has changed."""
        self.told += is_news
        self.loading = False
        if self.answered is None:
            self.answered = now
        else:
            self.edited = now


class Interactions:
    """All interactions whose tokens may still work, and the older ones that are kept."""

    def __init__(self, answer_within: float, token_life: float, keep: int = 20_000) -> None:
        self._within = answer_within
        self._life = token_life
        self._keep = keep
        self.by_id: dict[int, Interaction] = {}
        self.by_token: dict[str, Interaction] = {}

    def add(self, interaction: Interaction) -> None:
        """Keep an interaction, and forget the oldest beyond what is kept."""
        self.by_id[interaction.id] = interaction
        self.by_token[interaction.token] = interaction
        if len(self.by_id) > self._keep:
            oldest = self.by_id.pop(next(iter(self.by_id)))
            self.by_token.pop(oldest.token, None)

    def to_answer(
        self, interaction_id: int, token: str, now: float, *, lateness: float = 0.0
    ) -> Interaction:
        """Find the interaction a first answer is for, or refuse it: 10062, 40060.

        By its `lateness` the simulator may have seen the answer after it came.
        """
        found = self.by_id.get(interaction_id)
        if found is None or not secrets.compare_digest(found.token.encode(), token.encode()):
            raise Problem(10062)
        if found.callback is not None:
            raise Problem(40060)
        if now - found.created > self._within + lateness:
            found.late = found.late or now
            raise Problem(10062)
        return found

    def to_follow(self, application_id: int, token: str, now: float) -> Interaction:
        """Find the interaction a webhook token belongs to, or refuse it: 10015, 50027."""
        found = self.by_token.get(token)
        if found is None or found.application_id != application_id:
            raise Problem(10015)
        if now - found.created > self._life:
            raise Problem(50027)
        if found.callback is None or found.kind is Kind.AUTOCOMPLETE:
            raise Problem(10015)
        return found

    def live(self, now: float) -> list[Interaction]:
        """List those whose tokens work, the oldest first."""
        return [each for each in self.by_id.values() if now - each.created <= self._life]

    def failed(self, interaction: Interaction, now: float) -> bool:
        """Say whether the user has been told that the application did not respond."""
        return interaction.callback is None and now - interaction.created > self._within
