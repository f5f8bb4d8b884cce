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


def test_one_that_is_starting_is_said_to_and_what_an_earlier_start_told_is_forgotten(
    tmp_path: pathlib.Path,
) -> None:
    environ = {"LEGATO_DATA": str(tmp_path / "data")}
    with folder.opened(tmp_path / "data") as data:
        data.part("run")
        running.tell(data, SETTINGS, {"audio": 3002, "audio-2": 50000})
        told = running.beside(environ)
        running.begin(data)
        starting, sentence = running.beside(environ), running.nowhere(environ)

    assert told is not None
    assert told.health == {"audio": 3002, "audio-2": 50000}
    assert starting is None
    assert "is starting; try again when it is ready." in sentence
    assert running.nowhere(environ).startswith("No Legato runs on the data folder")
