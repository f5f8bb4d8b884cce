import pytest

from legato_operator.desired import application
from legato_operator.resources.lavalinknode import NodeSpec, Plugin

PORT = 2333


def spec(**said: object) -> NodeSpec:
    return NodeSpec(region="europe", replicas=1, **said)  # type: ignore[arg-type]


def test_what_the_music_rests_on_is_always_said() -> None:
    found = application.document(spec(), PORT)

    assert found["server"]["undertow"] == {
        "options": {"socket": {"READ_TIMEOUT": 15_000, "KEEP_ALIVE": True}},
        "threads": {"worker": 64},
    }
    assert found["lavalink"]["server"]["playerUpdateInterval"] == 1
    assert found["metrics"]["prometheus"]["enabled"] is True


def test_a_users_own_is_merged() -> None:
    more = {"plugins": {"x": {"on": True}}, "lavalink": {"server": {"bufferDurationMs": 200}}}

    found = application.document(spec(application_yml=more), PORT)

    assert found["plugins"] == {"x": {"on": True}}
    assert found["lavalink"]["server"]["bufferDurationMs"] == 200
    assert found["lavalink"]["server"]["playerUpdateInterval"] == 1
    assert application.refused(spec(application_yml=more), PORT) == ()


def test_what_would_break_the_music_is_refused_by_name() -> None:
    bad = {
        "server": {"port": 1, "undertow": {"threads": {"worker": 1}}},
        "lavalink": {"server": {"password": "x", "playerUpdateInterval": 5}},
    }

    assert application.refused(spec(application_yml=bad), PORT) == (
        "server.port",
        "server.undertow.threads.worker",
        "lavalink.server.password",
        "lavalink.server.playerUpdateInterval",
    )


@pytest.mark.parametrize(
    ("bad", "named"),
    [
        ({"lavalink.server.password": "x"}, "lavalink.server.password"),
        (
            {"lavalink": {"server.player-update-interval": 5}},
            "lavalink.server.player-update-interval",
        ),
        ({"server.undertow": {"threads.worker": 16}}, "server.undertow.threads.worker"),
        ({"server": {"undertow": {"THREADS": {"worker": 16}}}}, "server.undertow.THREADS.worker"),
        (
            {"lavalink": {"server": {"sources": {"youtube": True}}}},
            "lavalink.server.sources.youtube",
        ),
        ({"server": None}, "server"),
        ({"metrics": {"prometheus": {"enabled": False}}}, "metrics.prometheus.enabled"),
    ],
)
def test_another_spelling_of_the_same_is_refused_too(bad: dict[str, object], named: str) -> None:
    assert application.refused(spec(application_yml=bad), PORT) == (named,)


def test_what_says_the_same_as_we_do_is_fine() -> None:
    same = {"metrics": {"prometheus": {"enabled": True}}, "server.port": PORT}

    assert application.refused(spec(application_yml=same), PORT) == ()


def test_plugins_are_named_with_their_repository() -> None:
    one = Plugin(dependency="a:b:1", repository="https://maven.example.org")

    found = application.document(spec(plugins=(one, Plugin(dependency="c:d:2"))), PORT)

    assert found["lavalink"]["plugins"] == [
        {"dependency": "a:b:1", "repository": "https://maven.example.org"},
        {"dependency": "c:d:2"},
    ]
