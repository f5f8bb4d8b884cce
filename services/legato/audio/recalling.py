"""How a player takes on what PostgreSQL kept of it, read only after it began. Pure."""

from msgspec.structs import replace

from legato.audio import queue, seating
from legato.audio.events import Recalled, Restored
from legato.audio.rules import Rules
from legato.audio.state import Player, Step
from legato.contracts.tracks import QueueItem


def recalled(player: Player, event: Recalled, *, now: int, rules: Rules) -> Step:
    """Be what was kept; where people began anew meanwhile, what was kept waits behind that."""
    kept = event.kept
    if player.play is None and not player.queue and player.voice.wanted is None:
        before = Restored(guild_id=kept.guild_id, alive_at=event.alive_at, node_survived=False)
        return seating.restored(kept, before, now=now, rules=rules)
    known = {item.id for item in player.queue}
    waited = tuple(item for item in _waiting(kept) if item.id not in known)
    if not waited:
        return Step(player, (), "nothing was kept that is not here")
    return Step(
        replace(player, queue=queue.behind(player.queue, waited)), (), "its old queue waits"
    )


def _waiting(kept: Player) -> tuple[QueueItem, ...]:
    """Name the resolved tracks of a kept player, what played first."""
    playing = (replace(kept.play.item, track=kept.play.track),) if kept.play else ()
    return playing + tuple(item for item in kept.queue if item.track is not None)
