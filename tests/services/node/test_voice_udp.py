"""Our own address is asked for until a voice server tells it."""

import asyncio
import socket
import struct
from collections.abc import Iterator

import pytest

from legato.node import voice_udp
from legato.node.errors import MediaError

SSRC = 77
TOLD = struct.pack(">HHI64sH", 2, 70, SSRC, b"203.0.113.9", 4711)


@pytest.fixture
def server() -> Iterator[socket.socket]:
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as end:
        end.bind(("127.0.0.1", 0))
        end.setblocking(False)
        yield end


async def test_what_is_lost_on_the_way_is_asked_for_again(server: socket.socket) -> None:
    loop = asyncio.get_running_loop()
    with voice_udp.connected(*server.getsockname()) as end:
        asking = asyncio.create_task(voice_udp.own_address(end, SSRC))
        await loop.sock_recvfrom(server, 100)
        question, sender = await loop.sock_recvfrom(server, 100)
        # Whatever else comes first is not an answer.
        await loop.sock_sendto(server, b"\x81\xc9nothing", sender)
        await loop.sock_sendto(server, TOLD, sender)

        assert await asking == ("203.0.113.9", 4711)
        assert question[:8] == struct.pack(">HHI", 1, 70, SSRC)


async def test_a_voice_server_that_never_answers_is_said(
    server: socket.socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(voice_udp, "WAIT", 0.01)

    with (
        voice_udp.connected(*server.getsockname()) as end,
        pytest.raises(MediaError, match="does not answer over UDP"),
    ):
        await voice_udp.own_address(end, SSRC)
