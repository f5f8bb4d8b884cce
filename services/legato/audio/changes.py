"""What a partition writes into its books: how far it is, and what steps changed. Pure values."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field

from legato.audio.effects import Effect
from legato.audio.state import PlayerHead
from legato.bus import BEGINNING
from legato.contracts.tracks import QueueItem


@dataclass(frozen=True, slots=True)
class Position:
    """How far a partition has come: the inbox entry last done, and how many commits there were."""

    entry: str = BEGINNING
    commits: int = 0
    mark: str = ""
    """Whose the last commit was: a late one of a tenure before takes no other's for its own."""

    def __str__(self) -> str:
        return f"{self.entry} {self.commits} {self.mark}".rstrip() if self.commits else ""

    def then(self, entry: str | None, *, mark: str = "") -> "Position":
        """Go on by one commit; None: it was no inbox entry."""
        return Position(entry or self.entry, self.commits + 1, mark)

    @classmethod
    def parse(cls, text: str) -> "Position":
        """Read what `str` wrote."""
        match text.split(" "):
            case [entry, commits, *mark]:
                return cls(entry, int(commits), "".join(mark))
            case _:
                return cls()


@dataclass(frozen=True, slots=True, kw_only=True)
class Change:
    """What changes of one guild's books."""

    guild_id: int
    head: PlayerHead | None = None
    """None: it stays as it is."""
    gone: bool = False
    """The player is forgotten; its outbox stays until it is settled."""
    put: Sequence[QueueItem] = ()
    remove: Sequence[str] = ()
    settled: Sequence[str] = ()
    effects: Mapping[str, Effect] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class DeadLetter:
    """A message put aside."""

    message: bytes
    why: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """What is written together or not at all: each guild's change, at most one of a guild."""

    changes: Sequence[Change] = ()
    entry: str | None = None
    """The last inbox entry it answers; None: all of it came from elsewhere."""
    seen: Mapping[int, int] = field(default_factory=dict)
    """Commands done: id -> when it was made, ms."""
    dead: Sequence[DeadLetter] = ()
