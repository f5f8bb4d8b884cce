import pytest

from legato_operator.desired import application
from legato_operator.resources.lavalinknode import NodeSpec, Plugin
from legato_operator.resources.shared import EnvVar, PodOverrides

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


@pytest.mark.parametrize(
    "name",
    [
        "SERVER_UNDERTOW_OPTIONS_SOCKET_READTIMEOUT",
        "SERVER_UNDERTOW_OPTIONS_SOCKET_READ_TIMEOUT",
        "SERVER_UNDERTOW_THREADS_WORKER",
        "LAVALINK_SERVER_PLAYERUPDATEINTERVAL",
        "LAVALINK_SERVER_PLAYER_UPDATE_INTERVAL",
        "LAVALINK_PLUGINS_0_DEPENDENCY",
        "METRICS_PROMETHEUS_ENABLED",
        "SPRING_APPLICATION_JSON",
        "SPRING_CONFIG_LOCATION",
        "JAVA_TOOL_OPTIONS",
        "_JAVA_OPTIONS",
    ],
)
def test_an_environment_variable_breaks_no_music_either(name: str) -> None:
    plugins = (Plugin(dependency="a:b:1"),)
    for one in (EnvVar(name=name, value="7"), EnvVar(name=name, value_from={"secretKeyRef": {}})):
        bad = spec(pod_template=PodOverrides(env=(one,)), plugins=plugins)

        assert application.faults(bad, PORT) == (
            f"podTemplate.env must not set {name}: the music rests on it. Remove it there.",
        )


@pytest.mark.parametrize(
    ("name", "value"),
    [
        ("LOG_LEVEL", "DEBUG"),
        ("SPRING_PROFILES_ACTIVE", "music"),
        ("LAVALINK_SERVER_BUFFERDURATIONMS", "200"),
        ("METRICS_PROMETHEUS_ENABLED", "true"),
        ("SERVER_UNDERTOW_THREADS_WORKER", "64"),
        ("PLUGINS_YOUTUBE_ENABLED", "true"),
        ("LAVALINK_PLUGINS_DIR", "/tmp/plugins"),
    ],
)
def test_other_environment_variables_are_taken(name: str, value: str) -> None:
    fine = spec(pod_template=PodOverrides(env=(EnvVar(name=name, value=value),)))

    assert application.faults(fine, PORT) == ()


@pytest.mark.parametrize(
    "property_",
    [
        "server.undertow.threads.worker",
        "lavalink.server.player-update-interval",
        "lavalink.server.sources[local]",
        "lavalink.server.password",
        "spring.config.location",
        "spring.application.json",
    ],
)
def test_a_property_for_java_breaks_no_music_either(property_: str) -> None:
    bad = spec(java_options=f'-XX:+UseZGC "-D{property_}=7" -Dfile.encoding=UTF-8')

    assert application.faults(bad, PORT) == (
        f"javaOptions must not set -D{property_}: the music rests on it. Remove it there.",
    )


def test_other_options_for_java_are_taken() -> None:
    fine = spec(
        java_options="-XX:+UseZGC -Dfile.encoding=UTF-8 -Dserver.undertow.threads.worker=64"
    )

    assert application.faults(fine, PORT) == ()


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
