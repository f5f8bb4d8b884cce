"""The order of what waits: ranks with gaps, so that an insertion writes one item. Pure.

A queue is a tuple of items by rank; every function returns a new one that shares its items.
"""

from msgspec.structs import replace

from legato.contracts.tracks import QueueItem

Queue = tuple[QueueItem, ...]

GAP = 1 << 20
"""Room between neighbours: a playlist of a thousand fits, and int64 holds 8 * 10^12 of them."""


def last_rank(queue: Queue) -> int:
    """Say the rank of a new last item."""
    return queue[-1].rank + GAP if queue else 0


def first_rank(queue: Queue) -> int:
    """Say the rank of a new first item."""
    return queue[0].rank - GAP if queue else 0


def find(queue: Queue, item_id: str) -> int | None:
    """Find the place of an item."""
    return next((place for place, item in enumerate(queue) if item.id == item_id), None)


def without(queue: Queue, place: int) -> Queue:
    """Take one item out."""
    return queue[:place] + queue[place + 1 :]


def replaced(queue: Queue, place: int, items: Queue) -> Queue:
    """Put several items into the place of one, ranked between its neighbours.

    Where they don't fit, all that follows is ranked anew.
    """
    after = queue[place + 1 :]
    start = queue[place].rank
    gap = (after[0].rank - start) // len(items) if after else GAP
    if gap < 1:
        return queue[:place] + _ranked(items + after, start, GAP)
    return queue[:place] + _ranked(items, start, gap) + after


def in_front(queue: Queue, items: Queue) -> Queue:
    """Put items before all others."""
    start = first_rank(queue) - GAP * (len(items) - 1)
    return _ranked(items, start, GAP) + queue


def behind(queue: Queue, items: Queue) -> Queue:
    """Put items behind all others."""
    return queue + _ranked(items, last_rank(queue), GAP)


def next_place(queue: Queue, *, now: int, patience: int) -> int | None:
    """Say which item may start: the first, or the first resolved behind slots that take long."""
    for place, item in enumerate(queue):
        if item.track is not None:
            return place
        if now < item.added_at + patience:
            return None
    return None


def changed(old: Queue, new: Queue) -> tuple[Queue, Queue]:
    """Cut off what both begin and end with; what is left of either is what changed."""
    start = _agreement(old, new, min(len(old), len(new)))
    old, new = old[start:], new[start:]
    end = _agreement(old[::-1], new[::-1], min(len(old), len(new)))
    return old[: len(old) - end], new[: len(new) - end]


def _agreement(old: Queue, new: Queue, longest: int) -> int:
    """Count the items both begin with; by halving, since slices compare quickly."""
    shortest = 0
    while shortest < longest:
        middle = (shortest + longest + 1) // 2
        if old[shortest:middle] == new[shortest:middle]:
            shortest = middle
        else:
            longest = middle - 1
    return shortest


def _ranked(items: Queue, start: int, gap: int) -> Queue:
    return tuple(replace(item, rank=start + n * gap) for n, item in enumerate(items))
