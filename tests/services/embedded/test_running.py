import pathlib

from legato.embedded import folder, running

SETTINGS = {"DATABASE_URL": "postgresql://a", "REDIS_URL": "redis://b", "PATH": "/bin"}


def test_a_running_legato_is_found_by_its_folder(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "data"
    with folder.opened(path) as data:
        data.part("run")
        running.tell(data, SETTINGS)
        found = running.completed({"LEGATO_DATA": str(path), "REDIS_URL": "redis://mine"})
    after = running.completed({"LEGATO_DATA": str(path)})

    assert found == {
        "LEGATO_DATA": str(path),
        "DATABASE_URL": "postgresql://a",
        "REDIS_URL": "redis://mine",
    }
    assert after == {"LEGATO_DATA": str(path)}
    assert (path / "run" / "settings.json").stat().st_mode & 0o777 == 0o600


def test_a_database_of_ones_own_is_not_mixed_with_a_running_legatos(tmp_path: pathlib.Path) -> None:
    path = tmp_path / "data"
    with folder.opened(path) as data:
        data.part("run")
        running.tell(data, SETTINGS)
        environ = {"LEGATO_DATA": str(path), "DATABASE_URL": "postgresql://mine"}
        found = running.completed(environ)

    assert found == environ
