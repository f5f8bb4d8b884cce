"""How a resource that is deleted waits until we have let go of it. Pure."""

from collections.abc import Sequence

from legato_operator import names
from legato_operator.changes import Action, Patch
from legato_operator.desired.manifest import Owner, Ref


def back(owner: Owner, finalizers: Sequence[str]) -> list[Action]:
    """Have a deletion wait for us; nothing where it does."""
    if names.FINALIZER in finalizers:
        return []
    return [
        _patched(owner, [*finalizers, names.FINALIZER], "who plays is looked after before it goes")
    ]


def released(owner: Owner, finalizers: Sequence[str], reason: str) -> Action:
    """Let a resource go; what others hold it by stays."""
    return _patched(owner, [one for one in finalizers if one != names.FINALIZER], reason)


def _patched(owner: Owner, finalizers: list[str], reason: str) -> Action:
    body = {"metadata": {"finalizers": finalizers}}
    return Patch(Ref(owner.kind, owner.name), body, reason, owner.uid)
