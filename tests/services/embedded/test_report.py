import io
import pathlib
from datetime import timedelta

from legato.embedded.report import Follower, Terminal


def test_lines_stand_in_columns() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)

    terminal.ready("Valkey", timedelta(seconds=0.12), "127.0.0.1:1")
    terminal.ready("gateway, audio, api, worker", timedelta(seconds=12.34), "")

    assert stream.getvalue().splitlines() == [
        "  Valkey                             ready in  0.1 s   127.0.0.1:1",
        "  gateway, audio, api, worker        ready in 12.3 s",
    ]


def test_a_crash_says_how_and_when_it_goes_on() -> None:
    stream = io.StringIO()
    terminal = Terminal(stream)

    terminal.crashed("Valkey", -9, timedelta(seconds=0.5))
    terminal.crashed("Valkey", 3, timedelta(seconds=1))
    terminal.failing("Valkey", "It can't.\nIts log: x", timedelta(seconds=2))

    assert stream.getvalue().splitlines() == [
        "  Valkey was ended by signal 9; starting it again in 0.5 s",
        "  Valkey ended with code 3; starting it again in 1.0 s",
        "  Valkey did not come back; next try in 2 s",
        "      It can't.",
        "      Its log: x",
    ]


def test_only_whole_new_lines_of_logs_are_shown(tmp_path: pathlib.Path) -> None:
    stream = io.StringIO()
    log = tmp_path / "valkey.log"
    log.write_text("history\n")
    follower = Follower(Terminal(stream), tmp_path)

    with log.open("a") as more:
        more.write("first\nsec")
        more.flush()
        follower.show()
        more.write("ond\n")
    (tmp_path / "node-1.log").write_text("new file\n")
    follower.show()

    assert stream.getvalue().splitlines() == [
        "    valkey | first",
        "    node-1 | new file",
        "    valkey | second",
    ]
