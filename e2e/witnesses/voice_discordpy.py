# ruff: noqa: INP001 - a program of its own, no part of a package
"""Plays an Ogg Opus file through discord.py's own voice client, and opens what another bot sends.

Orders come as one JSON line on standard input, and a second line is the word to play; what happens
is said as JSON lines on standard output. It knows nothing of the simulator.
"""

import asyncio
import json
import sys
import warnings
from collections import Counter
from typing import Any

import yarl

with warnings.catch_warnings():
    warnings.simplefilter("ignore", DeprecationWarning)
    import davey
    import discord
    from discord.gateway import DiscordWebSocket
    from discord.http import Route
    from discord.oggparse import OggStream
    from nacl.bindings import crypto_aead_xchacha20poly1305_ietf_decrypt as decrypt

HEADERS = 2
LINGERS = 1.0
"""Seconds that it stays after its last packet, so that others end as well."""


def say(event: str, **fields: object) -> None:
    """Say what happens."""
    sys.stdout.write(json.dumps({"event": event, **fields}) + "\n")
    sys.stdout.flush()


class File(discord.AudioSource):
    """The packets of an Ogg Opus file."""

    def __init__(self, path: str) -> None:
        with open(path, "rb") as file:  # noqa: PTH123
            self._packets = iter(list(OggStream(file).iter_packets())[HEADERS:])

    def read(self) -> bytes:
        """Give the next packet; the end is empty."""
        return next(self._packets, b"")

    def is_opus(self) -> bool:
        """Say that nothing is to be encoded."""
        return True


class Ear:
    """Opens what another user sends, through the client's own session."""

    def __init__(self, voice: discord.VoiceClient, sender: int) -> None:
        self.counts: Counter[str] = Counter()
        self._state, self._sender = voice._connection, sender  # noqa: SLF001
        self._state.add_socket_listener(self._take)

    def _take(self, packet: bytes) -> None:
        if len(packet) < 40 or packet[1] != 0x78:
            return
        nonce = packet[-4:] + bytes(20)
        frame = decrypt(packet[12:-4], packet[:12], nonce, bytes(self._state.secret_key))
        if not frame.endswith(b"\xfa\xfa"):
            self.counts["plain"] += 1
            return
        try:
            session = self._state.dave_session
            if session is not None:
                session.decrypt(self._sender, davey.MediaType.audio, frame)
                self.counts["opened"] += 1
        except ValueError:
            self.counts["unopened"] += 1


class Client(discord.Client):
    """Joins, waits for the word, plays, and leaves."""

    def __init__(self, orders: dict[str, Any], go: asyncio.Event) -> None:
        super().__init__(intents=discord.Intents(guilds=True, voice_states=True))
        self._orders, self._go = orders, go

    async def on_ready(self) -> None:
        """Do it all."""
        channel = self.get_channel(int(self._orders["channel_id"]))
        assert isinstance(channel, discord.VoiceChannel)
        voice: discord.VoiceClient = await channel.connect(self_deaf=False)
        sender = self._orders.get("listen_to")
        ear = Ear(voice, int(sender)) if sender else None
        say("connected")
        await self._go.wait()
        over = asyncio.Event()
        loop = asyncio.get_running_loop()
        voice.play(File(self._orders["file"]), after=lambda _: loop.call_soon_threadsafe(over.set))
        await over.wait()
        await asyncio.sleep(LINGERS)
        say("played", sealed=bool(voice.voice_privacy_code), **(ear.counts if ear else {}))
        await voice.disconnect()
        await self.close()


async def main() -> None:
    """Read the orders; a second line is the word to play."""
    loop = asyncio.get_running_loop()
    orders = json.loads(await loop.run_in_executor(None, sys.stdin.readline))
    Route.BASE = orders["rest_url"]
    DiscordWebSocket.DEFAULT_GATEWAY = yarl.URL(orders["gateway_url"])
    go = asyncio.Event()
    client = Client(orders, go)

    async def wait() -> None:
        await loop.run_in_executor(None, sys.stdin.readline)
        go.set()

    waiting = asyncio.create_task(wait())
    async with client:
        await client.start(orders["token"])
    await waiting


if __name__ == "__main__":
    asyncio.run(main())
