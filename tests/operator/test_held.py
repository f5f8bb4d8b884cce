from legato_operator import held, names
from legato_operator.changes import Patch
from legato_operator.desired.manifest import Owner, Ref

OWNER = Owner("MusicBot", "melody", "music", "uid")


def test_a_resource_waits_for_us_once() -> None:
    (patch,) = held.back(OWNER, ["example.org/other"], "7")

    assert isinstance(patch, Patch)
    assert patch.ref == Ref("MusicBot", "melody")
    assert patch.body["metadata"]["finalizers"] == ["example.org/other", names.FINALIZER]
    assert held.back(OWNER, patch.body["metadata"]["finalizers"], "7") == []


def test_what_others_hold_it_by_stays() -> None:
    released = held.released(OWNER, [names.FINALIZER, "example.org/other"], "7", "it is empty")

    assert isinstance(released, Patch)
    assert released.body["metadata"]["finalizers"] == ["example.org/other"]


def test_the_list_is_written_only_into_what_was_read() -> None:
    (back,) = held.back(OWNER, [], "7")
    released = held.released(OWNER, [names.FINALIZER], "7", "it is empty")

    for one in (back, released):
        assert isinstance(one, Patch)
        assert one.body["metadata"]["resourceVersion"] == "7"
