from typing import Any

from legato_operator.cache import Cache
from legato_operator.seen import Machine


def child(name: str, version: int, *, kind: str = "Service", **more: Any) -> dict[str, Any]:
    labels = {"legato.dev/bot": "melody"}
    said = {"name": name, "namespace": "music", "labels": labels, "resourceVersion": str(version)}
    return {"kind": kind, "metadata": said | {"managedFields": [{"x": "y"}]}, **more}


async def names(cache: Cache) -> list[str]:
    found = await cache.children("music", {"legato.dev/bot": "melody"}, frozenset())
    return [one["metadata"]["name"] for one in found]


async def test_children_are_found_by_their_owner_and_pods_apart() -> None:
    cache = Cache()
    cache.put(child("a", 1))
    cache.put(child("a-0", 2, kind="Pod"))

    assert await names(cache) == ["a"]
    pods = await cache.pods("music", {"legato.dev/bot": "melody"})
    assert [one["metadata"]["name"] for one in pods] == ["a-0"]
    assert await cache.children("music", {"legato.dev/bot": "other"}, frozenset()) == ()
    assert await cache.children("other", {"legato.dev/bot": "melody"}, frozenset()) == ()


def test_an_older_form_does_not_replace_a_newer_one() -> None:
    cache = Cache()
    cache.put(child("a", 5, spec=5))
    cache.put(child("a", 4, spec=4))

    assert [one["spec"] for one in cache.all("Service", "music")] == [5]


def test_what_only_the_server_needs_is_not_kept() -> None:
    cache = Cache()
    cache.put(child("a", 5))

    assert "managedFields" not in cache.all("Service", "")[0]["metadata"]


async def test_what_was_removed_does_not_come_back_by_a_late_answer() -> None:
    cache = Cache()
    cache.put(child("a", 5))
    cache.remove(child("a", 7))
    cache.put(child("a", 6))
    assert await names(cache) == []

    cache.put(child("a", 8))
    assert await names(cache) == ["a"]
    cache.remove(child("a", 7))
    assert await names(cache) == ["a"]


async def test_a_list_replaces_what_is_known_and_gives_what_is_there_then_what_is_gone() -> None:
    cache = Cache()
    for name in ("a", "b"):
        cache.put(child(name, 1))
    cache.put(child("c", 1, kind="Secret"))

    told = cache.replace("Service", "music", [child("b", 2), child("d", 3)], "5")

    assert [one["metadata"]["name"] for one in told] == ["b", "d", "a"]
    assert await names(cache) == ["c", "b", "d"]


async def test_what_a_list_does_not_have_does_not_come_back_by_a_late_answer() -> None:
    cache = Cache()
    cache.put(child("a", 5))
    assert [one["metadata"]["name"] for one in cache.replace("Service", "", [], "8")] == ["a"]

    cache.put(child("a", 6))
    assert await names(cache) == []

    cache.put(child("a", 9))
    assert await names(cache) == ["a"]


def test_only_what_was_not_known_is_news() -> None:
    cache = Cache()

    assert cache.put(child("a", 5))
    assert not cache.put(child("a", 5))
    assert not cache.put(child("a", 4))
    assert cache.put(child("a", 6))
    cache.remove(child("a", 7))
    assert not cache.put(child("a", 6))


def test_bots_are_found_by_their_application_over_all_namespaces() -> None:
    cache = Cache()
    for name, space, application in (("a", "x", "1"), ("b", "y", "1"), ("c", "x", "2")):
        one = child(name, 1, kind="MusicBot", spec={"applicationId": application})
        one["metadata"]["namespace"] = space
        cache.put(one)

    assert [one["metadata"]["name"] for one in cache.of_application("1")] == ["a", "b"]
    assert cache.of_application("3") == []


def test_a_machine_is_news_only_where_it_changed() -> None:
    cache = Cache()

    assert cache.see("m", Machine())
    assert not cache.see("m", Machine())
    assert cache.see("m", Machine(cordoned=True))
    assert cache.see("m", None)
    assert cache.names_of_machines() == []
