import subprocess
import sys
from pathlib import Path

from legato_cluster import waiting
from legato_cluster.sweeper import Sweeper

KILLED = """
import os, signal, sys
from pathlib import Path
from legato_cluster.sweeper import Sweeper
held = Sweeper(Path(sys.argv[1]))
os.kill(os.getpid(), signal.SIGKILL)
"""


def filled(place: Path) -> Path:
    (place / "inner").mkdir(parents=True)
    (place / "inner" / "file").write_text("x")
    return place


def test_folders_are_gone_once_they_are_given_up(tmp_path: Path) -> None:
    one, other = filled(tmp_path / "one"), filled(tmp_path / "other")

    with Sweeper(one, other, tmp_path / "never-made"):
        assert one.exists()

    assert list(tmp_path.iterdir()) == []


def test_a_folder_is_gone_once_its_holder_was_killed(tmp_path: Path) -> None:
    place = filled(tmp_path / "one")

    subprocess.run([sys.executable, "-c", KILLED, str(place)], check=False)

    waiting.until(lambda: not place.exists(), "its end")
