import http.server
import threading
from collections.abc import Iterator

import pytest

from legato.embedded import application, ports
from legato.embedded.problems import StartFailed, TokenRefused
from legato.settings import Secret


class Discord(http.server.BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        known = self.headers["Authorization"] == "Bot right"
        self.send_response(200 if known else 401)
        self.end_headers()
        self.wfile.write(b'{"id": "12", "name": "Legato", "more": 1}' if known else b"{}")

    def log_message(self, *args: object) -> None:
        pass


@pytest.fixture
def rest_url() -> Iterator[str]:
    with http.server.HTTPServer((ports.LOOPBACK, 0), Discord) as server:
        thread = threading.Thread(target=server.serve_forever)
        thread.start()
        yield f"http://{ports.LOOPBACK}:{server.server_port}/api/v10"
        server.shutdown()
        thread.join()


def test_a_token_names_its_application(rest_url: str) -> None:
    found = application.ask(Secret("right"), rest_url=rest_url)

    assert (found.id, found.name) == ("12", "Legato")
    assert "client_id=12&" in found.invitation


def test_a_wrong_token_is_told_in_a_sentence_without_it(rest_url: str) -> None:
    with pytest.raises(TokenRefused, match="Discord refuses the token") as caught:
        application.ask(Secret("wrong-and-secret"), rest_url=rest_url)

    assert "wrong-and-secret" not in str(caught.value)


def test_no_network_is_told_in_a_sentence() -> None:
    nowhere = f"http://{ports.LOOPBACK}:{ports.free()}"

    with pytest.raises(StartFailed, match=r"Discord can't be reached .*: Connection refused\."):
        application.ask(Secret("right"), rest_url=nowhere)
