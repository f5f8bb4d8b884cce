import http.server
import pathlib
import threading

import pytest

from legato.embedded import folder, parts, ports
from legato.embedded.problems import DiskFull, FolderBroken

DATA = pathlib.Path("/data/postgres")


@pytest.mark.parametrize(
    ("words", "kind", "sentence"),
    [
        (
            "PANIC:  could not write to file: No space left on device",
            DiskFull,
            "PostgreSQL found no space left on the disk of /data/postgres.",
        ),
        (
            '2026 UTC [7] FATAL:  lock file "postmaster.pid" already exists',
            FolderBroken,
            "Another PostgreSQL uses the data in /data/postgres.",
        ),
        (
            "noise\n2026 UTC [7] PANIC:  could not locate a valid checkpoint record\nnoise",
            FolderBroken,
            "PostgreSQL can't use its data in /data/postgres: PANIC:  could not locate a valid",
        ),
    ],
)
def test_a_servers_last_words_become_a_sentence(
    words: str, kind: type[Exception], sentence: str
) -> None:
    problem = parts.explain("PostgreSQL", DATA, words)

    assert isinstance(problem, kind)
    assert str(problem).startswith(sentence)


def test_other_words_are_left_as_they_are() -> None:
    assert parts.explain("PostgreSQL", DATA, "LOG:  starting") is None


def test_a_simulator_that_said_nothing_yet_is_not_there(tmp_path: pathlib.Path) -> None:
    with folder.opened(tmp_path / "data") as data:
        assert parts.simulated(data) is None
        (data.part("run") / "simulator.out").write_text('{"page_url": "http')
        assert parts.simulated(data) is None


class Ready(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "secret" and self.path == "/version"
        self.send_response(200 if known else 503)
        self.end_headers()

    def log_message(self, *args: object) -> None:
        pass


def test_only_200_is_an_answer() -> None:
    with http.server.HTTPServer((ports.LOOPBACK, 0), Ready) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        base = f"http://{ports.LOOPBACK}:{server.server_port}"
        found = [
            parts.answers(f"{base}/version", "secret"),
            parts.answers(f"{base}/version"),
            parts.answers(f"{base}/ready", "secret"),
        ]
        server.shutdown()
        thread.join()

    assert found == [True, False, False]
    assert not parts.answers(f"{base}/version")


def test_no_secret_of_ours_goes_into_a_plain_environment(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DISCORD_TOKEN", "secret")

    assert "DISCORD_TOKEN" not in parts.plain_environment()
