from datetime import timedelta

import pytest

from legato_operator import app
from legato_operator.cache import Cache
from legato_operator.cluster import Cluster
from legato_operator.queue import Key
from legato_operator.settings import Settings
from legato_operator.watches import State, Watches


def test_wrong_settings_are_told_in_a_sentence(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main({"LOOK_AGAIN": "sometimes"}) == 2

    assert "LOOK_AGAIN" in capsys.readouterr().err


def test_every_wrong_setting_is_listed(capsys: pytest.CaptureFixture[str]) -> None:
    wrong = {"LOOK_AGAIN": "1ms", "PROMETHEUS_URL": "prometheus", "OPERATOR_PORT": "x"}

    assert app.main(wrong | {"LOOKS_AT_ONCE": "0", "RELEASE": "newest"}) == 2

    said = capsys.readouterr().err
    assert said.startswith("5 settings are wrong:")
    assert all(name in said for name in wrong)


def test_a_lease_that_nobody_could_hold_is_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert app.main({"LEASE_RENEW_WITHIN": "20s"}) == 2

    assert "LEASE_RENEW_WITHIN" in capsys.readouterr().err


def test_a_child_concerns_whom_it_belongs_to() -> None:
    labels = {"legato.dev/bot": "melody", "legato.dev/nodes": "berlin"}
    child = {"kind": "Pod", "metadata": {"name": "x", "namespace": "music", "labels": labels}}

    assert app.concerned(child, Cache()) == [
        Key("MusicBot", "music", "melody"),
        Key("LavalinkNode", "music", "berlin"),
    ]


def test_a_bot_concerns_every_other_of_its_application() -> None:
    cache = Cache()
    bots = [
        {
            "kind": "MusicBot",
            "metadata": {"name": name, "namespace": space, "resourceVersion": "1"},
            "spec": {"applicationId": application},
        }
        for space, name, application in (("a", "x", "1"), ("b", "y", "1"), ("b", "z", "2"))
    ]
    for one in bots:
        cache.put(one)

    assert app.concerned(bots[0], cache) == [Key("MusicBot", "a", "x"), Key("MusicBot", "b", "y")]
    cache.remove(bots[0])
    assert app.concerned(bots[0], cache) == [Key("MusicBot", "a", "x"), Key("MusicBot", "b", "y")]
    assert app.concerned(bots[2], cache) == [Key("MusicBot", "b", "z")]


def test_a_machine_concerns_every_group() -> None:
    cache = Cache()
    for name in ("berlin", "paris"):
        said = {"name": name, "namespace": "music", "resourceVersion": "1"}
        cache.put({"kind": "LavalinkNode", "metadata": said})

    found = app.concerned({"kind": "Node", "metadata": {"name": "m"}}, cache)

    assert [key.name for key in found] == ["berlin", "paris"]


def test_a_watch_that_hears_nothing_is_named() -> None:
    watches = Watches(Cluster.__new__(Cluster), Cache(), (), lambda _: None)
    watches._states["Pod", ""] = State(synced=True, there=True)
    watches._states["PodMonitor", ""] = State(synced=True, there=False, heard=0.0)
    said = Settings(blind_after=timedelta(minutes=5))
    assert app.blind(watches, said) == ""

    watches._states["Pod", ""].heard -= 301
    assert app.blind(watches, said) == "nothing heard of Pod for 5m"
