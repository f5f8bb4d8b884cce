"""Which of several MusicBots has an application: the one that was made first. Pure.

Two of them, each with a Redis of its own, would both begin sessions with Discord for the same
shards, and do every command twice.
"""

from legato_operator.desired.manifest import Owner
from legato_operator.seen import World
from legato_operator.verdicts import Verdict

IN_USE = "ApplicationInUse"
"""Why the later one is not ready."""


def free(owner: Owner, application: str, world: World) -> Verdict:
    """Say whether no bot that was made earlier has a bot's application."""
    place = (owner.namespace, owner.name)
    mine = [one for one in world.claims if (one.namespace, one.name) == place]
    others = [one for one in world.claims if (one.namespace, one.name) != place]
    first = min(others, default=None)
    if first is None or not mine or mine[0] < first:
        return Verdict("ApplicationFree", ok=True)
    why = (
        f"the application {application} is run by MusicBot {first.namespace}/{first.name} already:"
        " give this one its own application, or delete that one"
    )
    return Verdict("ApplicationFree", ok=False, why=why)
