import contextlib
import http.server
import threading
from collections.abc import Iterator

import pytest

from legato import asked_health


@contextlib.contextmanager
def answering(status: int, body: bytes) -> Iterator[str]:
    """Serve one answer to everything."""

    class Answer(http.server.BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            self.send_response(status)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            """Say nothing."""

    with http.server.HTTPServer(("127.0.0.1", 0), Answer) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://127.0.0.1:{server.server_address[1]}/health"
        server.shutdown()
        thread.join()


@pytest.mark.parametrize("status", [200, 503])
def test_what_a_service_says_is_read_whatever_its_status(status: int) -> None:
    body = b'{"status": "unhealthy", "away": ["Redis is away."], "uptime_seconds": 1}'

    with answering(status, body) as url:
        assert asked_health.ask(url) == asked_health.Health("unhealthy", ("Redis is away.",))


def test_another_server_on_that_port_is_not_healthy() -> None:
    with answering(200, b"<html>") as url:
        assert asked_health.ask(url).status == "not healthy"


def test_nobody_there_is_an_error() -> None:
    with answering(200, b"{}") as url:
        pass
    with pytest.raises(OSError, match="refused"):
        asked_health.ask(url)
