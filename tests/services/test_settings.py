from datetime import timedelta
from typing import Annotated

import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato import settings
from legato.settings import Common, Secret, WrongSettings


class Example(Common, frozen=True, kw_only=True):
    """What an example is told."""

    redis_url: settings.RedisUrl
    api_port: settings.Port = 3000
    names: tuple[str, ...] = ()
    patience: Annotated[
        timedelta, settings.between(timedelta(seconds=1), timedelta(seconds=30))
    ] = timedelta(seconds=2)


GOOD = {"REDIS_URL": "redis://127.0.0.1:6379/0"}


def test_every_value_gets_its_type():
    loaded = settings.load(
        Example, GOOD | {"API_PORT": "81", "NAMES": "a, b,", "PATIENCE": "1500ms"}
    )

    assert loaded.redis_url.reveal() == "redis://127.0.0.1:6379/0"
    assert loaded.api_port == 81
    assert loaded.names == ("a", "b")
    assert loaded.patience == timedelta(seconds=1.5)


def test_every_fault_is_told_at_once_and_no_value_is_shown():
    environ = {
        "REDIS_URL": "hunter2://x",
        "API_PORT": "hunter2",
        "PATIENCE": "50s",
        "LOG_LEVEL": "hunter2",
        "OTEL_EXPORTER_OTLP_ENDPOINT": "ftp://hunter2",
    }
    with pytest.raises(WrongSettings) as raised:
        settings.load(Example, environ)

    text = str(raised.value)
    assert text.startswith("5 settings are wrong:")
    assert all(name in text for name in environ)
    assert "hunter2" not in text
    assert "Set PATIENCE to a duration such as 500ms, 10s or 5m from 1s to 30s." in text


def test_a_missing_setting_says_what_to_write():
    with pytest.raises(WrongSettings, match=r"REDIS_URL is missing\. Set REDIS_URL to an address"):
        settings.load(Example, {})


def test_a_secret_comes_from_a_file(tmp_path):
    file = tmp_path / "redis"
    file.write_text("redis://127.0.0.1/1\n")

    loaded = settings.load(Example, {"REDIS_URL_FILE": str(file)})

    assert loaded.redis_url == Secret("redis://127.0.0.1/1")


def test_a_secret_given_twice_or_from_no_file_is_a_fault(tmp_path):
    for environ in (GOOD | {"REDIS_URL_FILE": "x"}, {"REDIS_URL_FILE": str(tmp_path / "none")}):
        with pytest.raises(WrongSettings):
            settings.load(Example, environ)


def test_a_secret_never_shows_itself():
    secret = Secret("hunter2")

    assert "hunter2" not in f"{secret} {secret!r} {[secret]}"


def test_faults_of_several_components_are_told_once_each():
    errors = []
    for _ in range(2):
        with pytest.raises(WrongSettings) as raised:
            settings.load(Example, {})
        errors.append(raised.value)

    assert len(WrongSettings.merged(errors).faults) == 1


@given(st.integers(min_value=0, max_value=10**9))
def test_a_duration_reads_back_as_it_is_spelled(ms):
    length = timedelta(milliseconds=ms)

    assert settings.duration(settings.spell(length)) == length


def test_a_setting_that_several_components_read_is_told_once():
    faults = [settings.Fault("X", "is malformed", f"Set X to {words}") for words in ("a", "b")]

    merged = settings.WrongSettings.merged([settings.WrongSettings([fault]) for fault in faults])

    assert merged.faults == (faults[0],)
