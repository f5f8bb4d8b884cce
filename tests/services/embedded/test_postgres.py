import os
import pathlib

import asyncpg
import pytest

import support_servers
from legato.embedded import postgres
from legato.embedded.problems import FolderBroken


async def test_a_postgres_answers_with_its_password_only() -> None:
    with support_servers.running_postgres() as server:
        connection = await asyncpg.connect(server.url)
        database = await connection.fetchval("select current_database()")
        encoding = await connection.fetchval("show server_encoding")
        await connection.close()
        with pytest.raises(asyncpg.InvalidPasswordError):
            await asyncpg.connect(server.url.replace(server.password, "wrong"))

    assert (database, encoding) == ("legato", "UTF8")


async def test_what_was_committed_is_there_after_a_kill_and_a_second_start() -> None:
    with support_servers.scratch_folder() as folder:
        server = support_servers.postgres_in(folder)
        with support_servers.running(server.prepare(), server.is_ready) as child:
            connection = await asyncpg.connect(server.url)
            await connection.execute("create table kept as select 7 as number")
            connection.terminate()
            child.kill()
        with support_servers.running(server.prepare(), server.is_ready):
            connection = await asyncpg.connect(server.url)
            number = await connection.fetchval("select number from kept")
            await connection.close()

    assert number == 7


def test_an_initialisation_cut_short_is_made_anew() -> None:
    with support_servers.scratch_folder() as folder:
        server = support_servers.postgres_in(folder)
        server.prepare()
        (server.folder / "initializing").touch()
        (server.data / "PG_VERSION").unlink()
        program = server.prepare()

        with support_servers.running(program, server.is_ready):
            assert not (server.folder / "initializing").exists()


def test_a_strangers_folder_is_left_alone() -> None:
    with support_servers.scratch_folder() as folder:
        server = support_servers.postgres_in(folder)
        server.data.mkdir(parents=True)
        server.folder.chmod(0o711)
        user = postgres.unprivileged()
        if user:
            os.chown(server.data, user.uid, user.gid)
        (server.data / "holiday.jpg").touch()

        with pytest.raises(FolderBroken, match="is not empty"):
            server.prepare()


def test_data_of_another_version_is_refused_with_a_sentence() -> None:
    with support_servers.scratch_folder() as folder:
        server = support_servers.postgres_in(folder)
        server.prepare()
        (server.data / "PG_VERSION").write_text("15\n")

        with pytest.raises(FolderBroken, match="of PostgreSQL 15, this Legato brings 18"):
            server.prepare()


def test_root_is_told_of_a_folder_that_the_server_cannot_enter() -> None:
    if postgres.unprivileged() is None:
        return
    with support_servers.scratch_folder() as folder:
        closed = folder / "closed"
        closed.mkdir(mode=0o700)
        server = support_servers.postgres_in(closed)

        with pytest.raises(FolderBroken, match=r"can't enter .*/closed"):
            server.prepare()
        assert closed.stat().st_mode & 0o777 == 0o700


@pytest.mark.skipif(os.getuid() != 0, reason="only root has an unprivileged user")
def test_a_folder_that_is_not_made_yet_is_judged_by_those_on_the_way(
    tmp_path: pathlib.Path,
) -> None:
    closed = tmp_path / "closed"
    closed.mkdir(mode=0o700)

    with pytest.raises(FolderBroken, match="can't enter"):
        postgres.check(closed / "data")
    assert not (closed / "data").exists()
