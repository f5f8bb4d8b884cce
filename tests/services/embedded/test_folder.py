import os
import pathlib
import shutil
import types

import pytest

from legato.embedded import folder
from legato.embedded.problems import DiskFull, FolderBroken


@pytest.fixture
def path(tmp_path: pathlib.Path) -> pathlib.Path:
    return tmp_path / "data"


def test_a_password_survives_restarts_and_is_ours_alone(path: pathlib.Path) -> None:
    with folder.opened(path) as data:
        first = data.secret("postgres")
    with folder.opened(path) as data:
        second = data.secret("postgres")

    assert first == second
    assert len(first) >= 32
    assert (path / "secrets" / "postgres").stat().st_mode & 0o777 == 0o600


def test_two_starts_never_share_a_folder(path: pathlib.Path) -> None:
    with (
        folder.opened(path),
        pytest.raises(FolderBroken, match=f"already runs .*process {os.getpid()}"),
        folder.opened(path),
    ):
        pass


def test_a_folder_knows_when_it_was_last_used_not_when_a_start_failed(path: pathlib.Path) -> None:
    with folder.opened(path) as data:
        assert data.last_used is None
    with folder.opened(path) as data:
        assert data.last_used is None
        data.use()
    os.utime(path / "used", (1764000000, 1764000000))
    with folder.opened(path) as data:
        assert data.last_used is not None
        assert data.last_used.timestamp() == 1764000000


def test_a_folder_can_be_opened_again_after_it_was_closed(path: pathlib.Path) -> None:
    for _ in range(2):
        with folder.opened(path) as data:
            assert data.path == path


def test_a_folder_of_other_things_is_left_alone(path: pathlib.Path) -> None:
    path.mkdir()
    (path / "holiday.jpg").touch()

    with (
        pytest.raises(FolderBroken, match=r"things \(holiday.jpg\)"),
        folder.opened(path),
    ):
        pass


def test_a_folder_of_a_newer_layout_is_refused(path: pathlib.Path) -> None:
    with folder.opened(path):
        (path / "layout").write_text("9")

    with pytest.raises(FolderBroken, match="layout '9'"), folder.opened(path):
        pass


def test_a_folder_that_others_may_write_is_refused(path: pathlib.Path) -> None:
    path.mkdir()
    path.chmod(0o777)

    with pytest.raises(FolderBroken, match="chmod go-w"), folder.opened(path):
        pass


@pytest.mark.skipif(os.getuid() != 0, reason="only root can give a folder away")
def test_a_folder_of_another_owner_is_refused(path: pathlib.Path) -> None:
    path.mkdir()
    os.chown(path, 65534, 65534)

    with pytest.raises(FolderBroken, match="belongs to nobody, you are root"), folder.opened(path):
        pass


def test_a_file_in_the_place_of_the_folder_is_refused(path: pathlib.Path) -> None:
    path.touch()

    with pytest.raises(FolderBroken, match="can't be used"), folder.opened(path):
        pass


def test_a_full_disk_is_told_in_a_sentence(
    path: pathlib.Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(shutil, "disk_usage", lambda _: types.SimpleNamespace(free=2**20))

    with pytest.raises(DiskFull, match="has 1 MB left"), folder.opened(path):
        pass


def test_a_long_log_is_put_aside(path: pathlib.Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(folder, "LONGEST_LOG", 10)
    with folder.opened(path) as data:
        data.log("node").write_text("more than ten")

        assert not data.log("node").exists()
        assert (path / "logs" / "node.log.old").exists()


def test_the_default_is_where_root_or_a_user_expects_it() -> None:
    found = folder.default({"HOME": "/home/ada", "XDG_DATA_HOME": "/home/ada/share"})

    expected = "/var/lib/legato" if os.getuid() == 0 else "/home/ada/share/legato"
    assert str(found) == expected
