import socket
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from legato.node.errors import MediaError
from legato.node.settings import MediaSettings
from legato.node.sources.http import HttpReader, Known

CONTENT = bytes(range(256)) * 4096
NAME = "files.invalid"
"""Known to no resolver but the stub."""


class Handler(BaseHTTPRequestHandler):
    """Serves one file with Range, and a way out to another name."""

    asked: list[tuple[str, str]]

    def do_GET(self) -> None:
        self.asked.append((self.path, self.headers["Host"]))
        if self.path == "/away":
            self.send_response(302)
            port = self.headers["Host"].rpartition(":")[2]
            self.send_header("Location", f"http://inside.invalid:{port}/file")
            self.end_headers()
            return
        start = int(self.headers["Range"][6:].partition("-")[0])
        self.send_response(206)
        self.send_header("Content-Range", f"bytes {start}-{len(CONTENT) - 1}/{len(CONTENT)}")
        self.send_header("Content-Length", str(len(CONTENT) - start))
        self.end_headers()
        self.wfile.write(CONTENT[start:])

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002 - the library's name
        return

    def handle(self) -> None:
        try:
            super().handle()
        except ConnectionError:
            return


@pytest.fixture
def server() -> Iterator[ThreadingHTTPServer]:
    Handler.asked = []
    running = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=running.serve_forever)
    thread.start()
    yield running
    running.shutdown()
    thread.join()
    running.server_close()


class Names:
    """A resolver whose answers change from question to question."""

    def __init__(self, *answers: list[str]) -> None:
        self.answers = list(answers)
        self.asked: list[str] = []

    def __call__(self, host: str, port: int) -> list[str]:
        self.asked.append(host)
        return self.answers.pop(0)


def a_reader(port: int, names: Names, path: str = "/file", *, allowed: bool = True) -> HttpReader:
    pairs = (f"{NAME}:{port}",) if allowed else ()
    settings = MediaSettings(allowed_private=pairs)
    return HttpReader(f"http://{NAME}:{port}{path}", settings, resolve=names)


def test_the_connection_goes_to_the_address_that_was_checked(server: ThreadingHTTPServer) -> None:
    names = Names(["127.0.0.1"])
    reader = a_reader(server.server_port, names)

    reader.open()

    assert reader.read(4) == CONTENT[:4]
    assert Handler.asked == [("/file", f"{NAME}:{server.server_port}")]
    assert names.asked == [NAME]
    reader.release()


@pytest.mark.parametrize("found", [["127.0.0.1"], ["8.8.8.8", "127.0.0.1"], ["8.8.8.8", "::1"]])
def test_a_name_with_a_private_address_among_others_is_refused(
    server: ThreadingHTTPServer, found: list[str]
) -> None:
    reader = a_reader(server.server_port, Names(found), allowed=False)

    with pytest.raises(MediaError) as refused:
        reader.open()

    assert refused.value.cause == "private addresses are not read"
    assert Handler.asked == []


def test_a_name_that_turns_private_between_two_requests_is_refused(
    server: ThreadingHTTPServer,
) -> None:
    names = Names(["127.0.0.1"], ["10.0.0.1"])
    reader = a_reader(server.server_port, names)
    reader.open()
    # What was allowed for one request is not for the next: the name is looked up and checked anew.
    reader._settings = MediaSettings()
    reader.seek(len(CONTENT) - 4)

    with pytest.raises(MediaError) as refused:
        reader.read(4)

    assert refused.value.cause == "private addresses are not read"
    assert len(Handler.asked) == 1
    reader.release()


def test_a_redirect_to_a_name_that_is_private_is_refused(server: ThreadingHTTPServer) -> None:
    names = Names(["127.0.0.1"], ["127.0.0.1"])
    reader = a_reader(server.server_port, names, "/away")

    with pytest.raises(MediaError) as refused:
        reader.open()

    assert refused.value.cause == "private addresses are not read"
    assert names.asked == [NAME, "inside.invalid"]
    assert [path for path, _ in Handler.asked] == ["/away"]


def test_an_error_is_raised_once_and_then_nothing_comes(server: ThreadingHTTPServer) -> None:
    reader = a_reader(server.server_port, Names(["127.0.0.1"]))
    reader.open()
    reader.close()

    with pytest.raises(MediaError):
        reader.read(4)
    assert reader.read(4) == b""
    reader.release()


def test_small_steps_back_from_a_files_end_are_no_requests(server: ThreadingHTTPServer) -> None:
    reader = a_reader(server.server_port, Names(["127.0.0.1"], ["127.0.0.1"]))
    reader.open()
    places = [len(CONTENT) - back for back in (60_000, 1000, 3000, 9000, 27_000, 80_000)]

    for place in places:
        reader.seek(place)
        data = b""
        while more := reader.read(1 << 16):
            data += more
        assert data == CONTENT[place:]

    assert len(Handler.asked) == 2
    reader.release()


def test_what_is_known_is_read_while_the_rest_is_asked_for(server: ThreadingHTTPServer) -> None:
    pair = f"{NAME}:{server.server_port}"
    reader = HttpReader(
        f"http://{pair}/file",
        MediaSettings(allowed_private=(pair,)),
        resolve=Names(["127.0.0.1"]),
        known=Known(CONTENT[:5000], len(CONTENT), "audio/ogg"),
    )
    reader.open()

    data = b""
    while more := reader.read(1 << 16):
        data += more

    assert data == CONTENT
    assert (reader.length, reader.seekable_by_range) == (len(CONTENT), True)
    assert len(Handler.asked) == 1
    reader.release()


def test_a_file_of_another_length_than_is_known_is_not_read(server: ThreadingHTTPServer) -> None:
    pair = f"{NAME}:{server.server_port}"
    reader = HttpReader(
        f"http://{pair}/file",
        MediaSettings(allowed_private=(pair,)),
        resolve=Names(["127.0.0.1"]),
        known=Known(CONTENT[:5000], len(CONTENT) + 1, "audio/ogg"),
    )
    reader.open()
    reader.seek(5000)

    with pytest.raises(MediaError) as changed:
        reader.read(1)

    assert changed.value.message == "The file has changed."
    reader.release()


def test_an_answer_that_is_late_is_told_from_a_connection_that_failed() -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
        settings = MediaSettings(allowed_private=(f"{NAME}:{port}",), read_timeout=0.05)
        link = f"http://{NAME}:{port}/file"
        with pytest.raises(MediaError) as late:
            HttpReader(link, settings, resolve=Names(["127.0.0.1"])).open()
    with pytest.raises(MediaError) as failed:
        HttpReader(link, settings, resolve=Names(["127.0.0.1"])).open()

    assert late.value.message == "The server did not answer in time."
    assert failed.value.message == "Connecting to the URL failed."
