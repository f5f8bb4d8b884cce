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
        "lavalink.server.playerUpdateInterval",
        "lavalink.server.password",
    )


def test_plugins_are_named_with_their_repository() -> None:
    one = Plugin(dependency="a:b:1", repository="https://maven.example.org")

    found = application.document(spec(plugins=(one, Plugin(dependency="c:d:2"))), PORT)

    assert found["lavalink"]["plugins"] == [
        {"dependency": "a:b:1", "repository": "https://maven.example.org"},
        {"dependency": "c:d:2"},
    ]
