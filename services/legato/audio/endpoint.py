"""Whether a voice server answers: asked before a node is sent there.

A node's thread that is sent to a dead endpoint stays blocked for ever, and sixteen of them block
the node (ownership.md, 6). Nothing is said to the server but a TLS greeting.
"""

import asyncio
import ssl
from datetime import timedelta
from urllib.parse import urlsplit

from legato.errors import Unavailable

TIMEOUT = timedelta(seconds=2)
FRESH = timedelta(seconds=30)


class Endpoints:
    """Remembers for a moment which voice servers answered."""

    def __init__(self, *, timeout: timedelta = TIMEOUT) -> None:
        self._timeout = timeout
        self._good: dict[str, float] = {}
        self._tls = _greeting()

    async def check(self, endpoint: str) -> None:
        """Connect by TCP and TLS; Unavailable where that fails."""
        now = asyncio.get_running_loop().time()
        if now - self._good.get(endpoint, -1e9) < FRESH.total_seconds():
            return
        place = urlsplit(f"//{endpoint}")
        try:
            async with asyncio.timeout(self._timeout.total_seconds()):
                _, writer = await asyncio.open_connection(
                    place.hostname, place.port or 443, ssl=self._tls
                )
        except (OSError, TimeoutError, ValueError) as error:
            raise Unavailable("voice server", type(error).__name__) from error
        writer.transport.abort()
        self._good = {
            name: at for name, at in self._good.items() if now - at < FRESH.total_seconds()
        }
        self._good[endpoint] = now


def _greeting() -> ssl.SSLContext:
    """Accept any certificate: whom to trust is the node's to decide, it holds the credentials."""
    context = ssl.create_default_context()
    context.check_hostname = False
    context.verify_mode = ssl.CERT_NONE
    return context
