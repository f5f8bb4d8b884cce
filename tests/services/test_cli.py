import re
import socket
import subprocess
import sys

import pytest
from click.testing import CliRunner

import support_servers
from legato.cli import main
from legato.embedded import ports
from support_waiting import PATIENCE


def test_help_names_every_command_in_a_moment() -> None:
    found = subprocess.run(
        [sys.executable, "-X", "importtime", "-m", "legato", "--help"],
        capture_output=True,
        text=True,
        check=True,
    )

    for command in ("up", "gateway", "audio", "api", "worker", "node", "migrate", "doctor"):
        assert f"  {command} " in found.stdout
    assert "together" not in found.stdout
    assert "..." not in found.stdout.partition("Commands:")[2]
    # What makes it slow are the services' imports; a clock would measure this machine's other work.
    for library in ("hikari", "sqlalchemy", "litestar", "redis", "aiohttp", "av"):
        assert f"| {library}\n" not in re.sub(r"\| +", "| ", found.stderr)


@pytest.mark.parametrize("command", ["gateway", "audio", "api", "worker", "node"])
def test_a_service_with_wrong_settings_lists_them_and_exits_with_2(command: str) -> None:
    found = CliRunner().invoke(main, [command], env={"LOG_LEVEL": "loud", "LISTEN": ""})

    assert found.exit_code == 2
    assert "LOG_LEVEL" in found.output


def test_migrate_brings_an_empty_database_up_to_date(empty_database_url: str) -> None:
    runner = CliRunner(env={"DATABASE_URL": empty_database_url})

    before = runner.invoke(main, ["migrate", "--check"])
    done = runner.invoke(main, ["migrate"])
    after = runner.invoke(main, ["migrate", "--check"])

    assert (before.exit_code, done.exit_code, after.exit_code) == (1, 0, 0)
    assert "The database is empty. Run: legato migrate" in before.output
    assert "The schema went from 0 to" in done.output
    assert "this release runs on it" in after.output


def test_a_key_is_made_and_printed_once() -> None:
    with support_servers.running_postgres() as server:
        runner = CliRunner(env={"DATABASE_URL": server.url})
        runner.invoke(main, ["migrate"])
        made = runner.invoke(main, ["apikey", "create", "mine", "--bot", "12", "--days", "3"])

    assert made.exit_code == 0
    assert made.stdout.startswith("legato_")
    assert len(made.stdout.split()) == 1
    assert "The key mine, shown this once" in made.stderr


def test_keys_are_listed_without_their_secret_and_revoked_once() -> None:
    with support_servers.running_postgres() as server:
        runner = CliRunner(env={"DATABASE_URL": server.url, "DISCORD_APPLICATION_ID": "12"})
        runner.invoke(main, ["migrate"])
        made = runner.invoke(main, ["apikey", "create", "wall", "--guild", "5", "--days", "3"])
        _, key_id, secret = made.stdout.strip().split("_", 2)
        listed = runner.invoke(main, ["apikey", "list"])
        revoked = runner.invoke(main, ["apikey", "revoke", key_id])
        again = runner.invoke(main, ["apikey", "revoke", key_id])
        left = runner.invoke(main, ["apikey", "list"])

    assert listed.output.startswith(f"{key_id}  wall: 1 server(s), until ")
    assert secret not in listed.output
    assert (revoked.exit_code, revoked.output) == (0, f"Key {key_id} is revoked.\n")
    assert (again.exit_code, left.exit_code, left.stdout) == (1, 0, "")
    assert left.stderr == "There are no keys. Make one with: legato apikey create NAME\n"
    assert "legato apikey list" in again.output


def test_a_key_without_a_bot_is_refused() -> None:
    environ = {"DATABASE_URL": "postgresql://127.0.0.1/x", "DISCORD_APPLICATION_ID": ""}
    found = CliRunner().invoke(main, ["apikey", "create", "mine"], env=environ)

    assert found.exit_code == 2
    assert "--bot" in found.output


def test_a_database_out_of_reach_is_told_in_a_sentence() -> None:
    url = f"postgresql://user:hidden@127.0.0.1:{ports.free()}/legato"
    found = CliRunner().invoke(main, ["migrate"], env={"DATABASE_URL": url})

    assert found.exit_code == 1
    assert "postgres is unavailable" in found.output
    assert "hidden" not in found.output


def test_a_job_runs_once_and_says_what_came_of_it(database_url: str, redis_url: str) -> None:
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DISCORD_APPLICATION_ID": "12"}

    found = CliRunner().invoke(main, ["worker", "run", "usage"], env=environ)

    assert found.exit_code == 0
    assert found.stdout.startswith("Counted ")


def test_an_unknown_job_is_told_with_those_there_are(database_url: str, redis_url: str) -> None:
    environ = {"DATABASE_URL": database_url, "REDIS_URL": redis_url, "DISCORD_APPLICATION_ID": "12"}

    found = CliRunner().invoke(main, ["worker", "run", "dishes"], env=environ)

    assert found.exit_code == 2
    assert "There is no job dishes. Jobs are: cleanup, " in found.output


def test_a_services_port_in_use_is_told_in_a_sentence(database_url: str, redis_url: str) -> None:
    with socket.socket() as other:
        other.bind((ports.LOOPBACK, 0))
        other.listen()
        environ = {
            "DATABASE_URL": database_url,
            "REDIS_URL": redis_url,
            "DISCORD_APPLICATION_ID": "12",
            "WORKER_PORT": str(other.getsockname()[1]),
        }
        found = subprocess.run(
            [sys.executable, "-m", "legato", "worker"],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )

    assert found.returncode == 3
    assert "is in use" in found.stderr
    assert "Traceback" not in found.stderr


def test_a_service_on_an_empty_database_says_what_to_run(
    empty_database_url: str, redis_url: str
) -> None:
    with support_servers.running_postgres() as empty:
        environ = {
            "DATABASE_URL": empty.url,
            "REDIS_URL": redis_url,
            "DISCORD_APPLICATION_ID": "12",
            "WORKER_PORT": "0",
        }
        found = subprocess.run(
            [sys.executable, "-m", "legato", "worker"],
            env=environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE,
            check=False,
        )

    assert found.returncode == 1
    assert "The database is empty. Run: legato migrate" in found.stderr
