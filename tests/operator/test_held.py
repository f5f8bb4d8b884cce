from legato_operator import held, names
from legato_operator.changes import Patch
from legato_operator.desired.manifest import Owner, Ref

OWNER = Owner("MusicBot", "melody", "music", "uid")


def test_a_resource_waits_for_us_once() -> None:
    (patch,) = held.back(OWNER, ["example.org/other"])

    assert isinstance(patch, Patch)
    assert patch.ref == Ref("MusicBot", "melody")
    assert patch.body["metadata"]["finalizers"] == ["example.org/other", names.FINALIZER]
    assert held.back(OWNER, patch.body["metadata"]["finalizers"]) == []


def test_what_others_hold_it_by_stays() -> None:
    released = held.released(OWNER, [names.FINALIZER, "example.org/other"], "it is empty")

    assert isinstance(released, Patch)
    assert released.body == {"metadata": {"finalizers": ["example.org/other"]}}
