"""What answers as Discord does to who asks about tokens, and how many sessions may still begin."""

import http.server
import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

Json = Any
IDENTIFIES = 900
"""New sessions that it still allows today, unless told otherwise."""


class Discord(http.server.ThreadingHTTPServer):
    """What answers."""

    def __init__(self) -> None:
        super().__init__(("127.0.0.1", 0), _Asked)
        self.revoked: set[str] = set()
        """Tokens that were good."""
        self.remaining = IDENTIFIES

    @property
    def url(self) -> str:
        """Say where it is."""
        return f"http://127.0.0.1:{self.server_port}"


class _Asked(http.server.BaseHTTPRequestHandler):
    """Knows the tokens token-NUMBER and token-NUMBER.ANYTHING, and refuses any other."""

    server: Discord

    def do_GET(self) -> None:
        token = (self.headers["Authorization"] or "").removeprefix("Bot ")
        number = token.removeprefix("token-").partition(".")[0]
        if not number.isdecimal() or token in self.server.revoked:
            self._answer(401, {"message": "401: Unauthorized"})
        elif self.path.endswith("/gateway/bot"):
            limit = {"total": 1000, "remaining": self.server.remaining}
            limit |= {"reset_after": 1, "max_concurrency": 1}
            self._answer(200, {"url": "", "shards": 2, "session_start_limit": limit})
        else:
            self._answer(200, {"id": number})

    def _answer(self, code: int, body: Json) -> None:
        text = json.dumps(body).encode()
        self.send_response(code)
        self.send_header("Content-Length", str(len(text)))
        self.end_headers()
        self.wfile.write(text)

    def log_message(self, *_: object) -> None:
        pass


@contextmanager
def discord() -> Iterator[Discord]:
    """Run one."""
    server = Discord()
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield server
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
