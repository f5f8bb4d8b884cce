"""What `commit.lua` makes of a commit: whether it counts, and what is then kept. Pure.

All values are as they lie in Redis; knows no rules of playing.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from typing import Literal

from legato.protocol.records import Record, is_current

Outcome = Literal["ok", "already", "fenced", "conflict"]


@dataclass(frozen=True, slots=True)
class Books:
    """A partition's books, as far as a commit's acceptance rests on them."""

    position: str = ""
    seen: Mapping[str, int] = field(default_factory=dict)
    """Message id -> its time, ms."""
    attempts: Mapping[str, int] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, kw_only=True)
class Commit:
    """The part of a commit that all of it hangs on."""

    owner: str
    epoch: int
    expected: str
    """The position that its writer left the books at."""
    to: str
    entry: str = ""
    """The last inbox entry it answers; "" = none."""
    seen: Mapping[str, int] = field(default_factory=dict)
    """Messages done: id -> its time, ms."""
    forget_before: int = 0
    """Ids seen up to then are forgotten."""


def accept(lease: Record | None, books: Books, commit: Commit) -> tuple[Books, Outcome]:
    """Judge one commit; anything but ok changes nothing."""
    if not is_current(lease, owner=commit.owner, epoch=commit.epoch):
        return books, "fenced"
    if books.position == commit.to:
        return books, "already"
    if books.position != commit.expected:
        return books, "conflict"
    seen = {**books.seen, **commit.seen}
    if commit.seen:
        seen = {one: at for one, at in seen.items() if at > commit.forget_before}
    attempts = dict(books.attempts)
    if commit.entry:
        attempts.pop(commit.entry, None)
    return replace(books, position=commit.to, seen=seen, attempts=attempts), "ok"


def attempt(lease: Record | None, books: Books, *, owner: str, epoch: int, entry: str) -> int:
    """Return which attempt at an entry this is; 0 = the lease is gone. `attempt.lua`."""
    if not is_current(lease, owner=owner, epoch=epoch):
        return 0
    return books.attempts.get(entry, 0) + 1


def attempted(books: Books, entry: str) -> Books:
    """Keep that one more attempt at an entry was begun."""
    return replace(books, attempts={**books.attempts, entry: books.attempts.get(entry, 0) + 1})
