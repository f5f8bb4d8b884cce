"""What several messages make of a partition's players, until one commit makes it true. Pure.

A guild's later messages step from its draft, and its books get one difference for all of them.
"""

from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from legato.audio.changes import Change, Commit, DeadLetter
from legato.audio.effects import Effect, outbox_key
from legato.audio.events import Internal
from legato.audio.player import Player, diff, head

FULL = 50
"""Messages, or items they add to queues: a commit keeps Redis from everybody for 2 ms at most."""


@dataclass(frozen=True, slots=True)
class Doing:
    """An effect to do once its step is committed."""

    effect: Effect
    trace: str = ""
    """W3C trace context of the step."""


@dataclass(slots=True)
class Draft:
    """One guild's player, stepped and not committed."""

    before: Player
    """As the books have it."""
    player: Player
    effects: dict[str, Doing] = field(default_factory=dict)

    @property
    def is_changed(self) -> bool:
        """Say whether the player is another one now."""
        return self.player is not self.before

    def change(self, settled: Collection[str], *, gone: bool) -> Change:
        """Say what the books are told."""
        if gone:
            return Change(guild_id=self.player.guild_id, settled=tuple(settled), gone=True)
        queue = diff(self.before, self.player)
        return Change(
            guild_id=self.player.guild_id,
            head=head(self.player) if self.is_changed else None,
            put=queue.put,
            remove=queue.remove,
            settled=tuple(settled),
            effects={key: doing.effect for key, doing in self.effects.items()},
        )


@dataclass(slots=True)
class Batch:
    """Steps that are committed together."""

    drafts: dict[int, Draft] = field(default_factory=dict)
    entry: str | None = None
    """The inbox entry that was taken last."""
    seen: dict[int, int] = field(default_factory=dict)
    """Commands: id -> when it was made, ms."""
    dead: list[DeadLetter] = field(default_factory=list)
    heard: list[Internal] = field(default_factory=list)
    """What nodes told of the guilds; also where it changed no player."""
    began: list[tuple[str, float]] = field(default_factory=list)
    """Each step's message, and when it began by the performance counter."""
    weight: int = 0

    @property
    def is_empty(self) -> bool:
        """Say whether there is nothing to commit."""
        return self.entry is None and not self.drafts

    @property
    def is_full(self) -> bool:
        """Say whether it should be committed before more is taken."""
        return self.weight >= FULL

    def player(self, guild_id: int) -> Player | None:
        """Return a guild's player as its steps leave it; None: there were none."""
        draft = self.drafts.get(guild_id)
        return draft.player if draft else None

    def effects_of(self, guild_id: int) -> Mapping[str, Doing]:
        """Return what a guild's steps ask for."""
        draft = self.drafts.get(guild_id)
        return draft.effects if draft else {}

    def answer(self, entry: str) -> None:
        """Note that an inbox entry is done."""
        self.entry = entry
        self.weight += 1

    def put_aside(self, message: bytes, why: str) -> None:
        """Keep a message that can't be done."""
        self.dead.append(DeadLetter(message, why))

    def step(
        self, before: Player, after: Player, effects: Iterable[Effect] = (), *, trace: str = ""
    ) -> None:
        """Take one step of a guild's player."""
        draft = self.drafts.setdefault(before.guild_id, Draft(before, before))
        self.weight += max(0, len(after.queue) - len(draft.player.queue))
        draft.player = after
        for effect in effects:
            key = outbox_key(effect)
            draft.effects.pop(key, None)
            draft.effects[key] = Doing(effect, trace)

    def commit(self, settled: Mapping[int, Collection[str]], gone: Collection[int]) -> Commit:
        """Say what is written; `settled` and `gone` are of guilds that may have no steps."""
        stepped = (
            draft.change(settled.get(guild_id, ()), gone=guild_id in gone)
            for guild_id, draft in self.drafts.items()
        )
        others = (
            Change(guild_id=guild_id, settled=tuple(keys), gone=guild_id in gone)
            for guild_id, keys in settled.items()
            if guild_id not in self.drafts
        )
        return Commit(
            changes=(*stepped, *others),
            entry=self.entry,
            seen=self.seen,
            dead=tuple(self.dead),
        )
