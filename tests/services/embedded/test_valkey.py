import pytest
import redis

import support_servers


@pytest.mark.parametrize("oldest", [False, True])
def test_a_valkey_answers_with_its_password_only(oldest: bool) -> None:
    with support_servers.running_valkey(oldest=oldest) as server:
        with redis.Redis.from_url(server.url) as known:
            version = known.info("server")["valkey_version"]
        with (
            redis.Redis(port=server.port) as stranger,
            pytest.raises(redis.exceptions.AuthenticationError),
        ):
            stranger.ping()

    assert version.startswith("8.1" if oldest else "9.1")


def test_what_was_acknowledged_is_there_after_a_kill() -> None:
    with support_servers.scratch_folder() as folder:
        server = support_servers.valkey_in(folder)
        with support_servers.running(server.prepare(), server.is_ready) as child:
            with redis.Redis.from_url(server.url) as client:
                client.set("kept", "yes")
            child.kill()
        with (
            support_servers.running(server.prepare(), server.is_ready),
            redis.Redis.from_url(server.url) as client,
        ):
            kept = client.get("kept")

    assert kept == b"yes"


def test_the_password_is_on_no_command_line_and_in_no_readable_file() -> None:
    with support_servers.scratch_folder() as folder:
        server = support_servers.valkey_in(folder)
        program = server.prepare()
        mode = (server.folder / "valkey.conf").stat().st_mode & 0o777

    assert server.password not in " ".join((*program.command, *program.environment.values()))
    assert mode == 0o600


@pytest.mark.parametrize("oldest", [False, True])
def test_it_appends_before_it_answers_and_the_disk_is_brought_up_to_date_from_outside(
    oldest: bool,
) -> None:
    with (
        support_servers.running_valkey(oldest=oldest) as server,
        redis.Redis.from_url(server.url) as client,
    ):
        policy = client.config_get("appendfsync")["appendfsync"]
        client.set("kept", "a word that is nowhere else")
        server.sync()
        kept = [file.read_bytes() for file in server.folder.glob("appendonlydir/*.aof")]

    assert policy == "no"
    assert any(b"a word that is nowhere else" in one for one in kept)
