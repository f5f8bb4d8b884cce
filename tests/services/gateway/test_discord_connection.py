"""hikari's shard, where it meets a transport that breaks."""

import asyncio
import gc

from hikari import errors
from hikari.impl import shard as hikari_shard

from legato.gateway.discord_connection import Connection, Link
from legato.settings import Secret
from support_waiting import PATIENCE, until

READY = {
    "session_id": "s",
    "resume_gateway_url": "ws://x",
    "user": {"id": "1", "username": "bot", "discriminator": "0"},
    "guilds": [],
    "v": 10,
}


class Torn:
    """A transport that breaks while it is being read and written at once."""

    def __init__(self):
        self.coming = [
            {"op": 10, "d": {"heartbeat_interval": 20}, "s": None, "t": None},
            {"op": 0, "t": "READY", "s": 1, "d": READY},
        ]
        self.beats = 0
        self.acknowledged = False
        self.breaks = asyncio.Event()

    async def receive_json(self):
        if self.coming:
            return self.coming.pop(0)
        if self.beats == 1 and not self.acknowledged:
            await asyncio.sleep(0.005)
            self.acknowledged = True
            return {"op": 11, "d": None, "s": None, "t": None}
        await self.breaks.wait()
        raise errors.GatewayConnectionError("torn")

    async def send_json(self, data):
        self.beats += data["op"] == 1
        if self.beats > 1:
            await self.breaks.wait()
            raise ConnectionResetError("torn")

    async def send_close(self, *, code, message):
        pass


class Anybody:
    """A gate that is open, and a sink that keeps nothing."""

    async def may_connect(self, *, resuming):
        pass

    async def may_identify(self):
        pass

    def take(self, name, seq, session_id, data):
        pass


async def test_a_socket_that_breaks_while_a_heartbeat_is_sent_leaves_no_error_behind(monkeypatch):
    made, complaints = [], []

    async def connect(**_):
        made.append(Torn())
        return made[-1]

    monkeypatch.setattr(hikari_shard._GatewayTransport, "connect", connect)
    # It connects again at once.
    monkeypatch.setattr(hikari_shard, "_BACKOFF_WINDOW", 0.0)
    asyncio.get_running_loop().set_exception_handler(lambda _, about: complaints.append(about))
    anybody = Anybody()
    connection = Connection(Link(Secret("t"), "ws://x"), 0, 1, gate=anybody, sink=anybody)
    running = asyncio.create_task(connection.run())

    await until(lambda: made and made[0].beats > 1)
    made[0].breaks.set()
    await until(lambda: len(made) > 1)
    gc.collect()
    running.cancel()
    await asyncio.wait([running])
    gc.collect()

    assert complaints == []


class Lost(Torn):
    """A transport that breaks, and whose heartbeat takes a moment to end."""

    def __init__(self):
        super().__init__()
        self.is_ending = asyncio.Event()

    async def send_json(self, data):
        self.beats += data["op"] == 1
        if self.beats > 1:
            try:
                await asyncio.Event().wait()
            finally:
                self.is_ending.set()
                await asyncio.sleep(0.05)


async def test_who_is_ended_while_a_connection_was_just_lost_connects_no_more(monkeypatch):
    made = []

    async def connect(**_):
        made.append(Lost())
        return made[-1]

    monkeypatch.setattr(hikari_shard._GatewayTransport, "connect", connect)
    monkeypatch.setattr(hikari_shard, "_BACKOFF_WINDOW", 0.0)
    anybody = Anybody()
    connection = Connection(Link(Secret("t"), "ws://x"), 0, 1, gate=anybody, sink=anybody)
    running = asyncio.create_task(connection.run())

    await until(lambda: made and made[0].beats > 1)
    made[0].breaks.set()
    await made[0].is_ending.wait()
    running.cancel()
    done, _ = await asyncio.wait([running], timeout=PATIENCE)

    assert done
    assert len(made) == 1
