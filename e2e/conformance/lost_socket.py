"""A websocket written by hand, so that it can fall silent or break off without a goodbye."""

import asyncio
import base64
import re
import secrets
from dataclasses import dataclass
from urllib.parse import urlsplit

from conformance.client import headers
from conformance.server import Server

READY = re.compile(rb'"sessionId"\s*:\s*"([^"]+)"')


@dataclass(frozen=True, slots=True)
class LostSocket:
    """A client that was greeted, and neither reads nor writes any more."""

    session: str
    writer: asyncio.StreamWriter

    @classmethod
    async def connect(cls, server: Server, user: int) -> "LostSocket":
        """Shake hands, wait for ready, and fall silent."""
        where = urlsplit(server.target.url)
        secure = where.scheme == "https"
        port = where.port or (443 if secure else 80)
        reader, writer = await asyncio.open_connection(where.hostname, port, ssl=secure or None)
        key = base64.b64encode(secrets.token_bytes(16)).decode()
        lines = {
            **headers(server, user, None),
            "Host": where.netloc,
            "Upgrade": "websocket",
            "Connection": "Upgrade",
            "Sec-WebSocket-Version": "13",
            "Sec-WebSocket-Key": key,
        }
        request = "GET /v4/websocket HTTP/1.1\r\n"
        request += "".join(f"{name}: {value}\r\n" for name, value in lines.items())
        writer.write(f"{request}\r\n".encode())
        data = b""
        async with asyncio.timeout(10 * server.patience.factor):
            while (ready := READY.search(data)) is None:
                more = await reader.read(4096)
                assert more, f"the handshake was refused: {data[:300]!r}"
                data += more
        return cls(ready[1].decode(), writer)

    def break_off(self) -> None:
        """Reset the connection."""
        self.writer.transport.abort()
