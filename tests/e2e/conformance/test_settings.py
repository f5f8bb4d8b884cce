from pathlib import Path

import pytest

from conformance.settings import Target, load
from legato_simulator.dave.policy import Policy


def test_without_a_url_a_node_is_started_on_loopback() -> None:
    settings = load({})
    assert settings.target is None
    assert (settings.bind, settings.host, settings.patience) == ("127.0.0.1", "localhost", 1)


def test_a_server_is_named_by_url_and_password(tmp_path: Path) -> None:
    (tmp_path / "password").write_text("from a file\n")
    named = {"LAVALINK_URL": "http://there:2333/", "LAVALINK_PASSWORD": "a word"}
    assert load(named).target == Target("http://there:2333", "a word")
    file = {**named, "LAVALINK_PASSWORD_FILE": str(tmp_path / "password")}
    assert load(file).target == Target("http://there:2333", "from a file")


def test_a_password_is_never_shown() -> None:
    assert "secret" not in repr(load({"LAVALINK_URL": "http://a", "LAVALINK_PASSWORD": "secret"}))


def test_voice_demands_encryption_but_for_an_older_server() -> None:
    assert load({}).encryption is Policy.REQUIRED
    assert load({"CONFORMANCE_ENCRYPTION": "off"}).encryption is Policy.OFF


def test_a_url_without_a_scheme_is_refused() -> None:
    with pytest.raises(ValueError, match="LAVALINK_URL"):
        load({"LAVALINK_URL": "there:2333"})
