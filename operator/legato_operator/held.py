"""How a resource that is deleted waits until we have let go of it. Pure."""

from collections.abc import Sequence

from legato_operator import names
from legato_operator.changes import Action, Patch
from legato_operator.desired.manifest import Owner, Ref


def back(owner: Owner, finalizers: Sequence[str], version: str) -> list[Action]:
    """Have a deletion wait for us; nothing where it does. Version: of the one that was read."""
    if names.FINALIZER in finalizers:
        return []
    reason = "who plays is looked after before it goes"
    return [_patched(owner, [*finalizers, names.FINALIZER], version, reason)]


def released(owner: Owner, finalizers: Sequence[str], version: str, reason: str) -> Action:
    """Let a resource go; what others hold it by stays."""
    left = [one for one in finalizers if one != names.FINALIZER]
    return _patched(owner, left, version, reason)


def _patched(owner: Owner, finalizers: list[str], version: str, reason: str) -> Action:
    """Write the whole list, only into what was read: another's may have been added meanwhile."""
    body = {"metadata": {"finalizers": finalizers, "resourceVersion": version}}
    return Patch(Ref(owner.kind, owner.name), body, reason, owner.uid)
