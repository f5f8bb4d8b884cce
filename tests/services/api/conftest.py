import asyncio
from collections.abc import AsyncIterator
from dataclasses import dataclass

import aiohttp
import pytest

from legato.api import app
from legato.api.app import App
from legato.api.settings import Settings
from legato.settings import Secret
from legato.store import apikeys
from legato.store.apikeys import Grant
from legato.store.database import Database
from legato.store.settings import StoreSettings
from support_waiting import PATIENCE

BOT = 111


@dataclass
class Api:
    """A running API, a client of it, and a key that may everything."""

    app: App
    client: aiohttp.ClientSession
    key: str
    database: Database

    async def get(self, path: str, **headers: str) -> tuple[int, dict]:
        headers = headers or {"Authorization": f"Bearer {self.key}"}
        async with self.client.get(path, headers=headers) as answer:
            return answer.status, await answer.json(content_type=None)

    async def grant(self, **grant) -> str:
        _, shown = await apikeys.create(self.database, BOT, Grant(name="test", **grant))
        return shown.reveal()


@pytest.fixture
async def api(redis, redis_url, database_url) -> AsyncIterator[Api]:
    settings = Settings(
        member="me",
        redis_url=Secret(redis_url),
        database_url=Secret(database_url),
        discord_application_id=BOT,
        api_port=0,
        api_page_size=2,
    )
    database = Database(StoreSettings(database_url=Secret(database_url)))
    built = app.build(settings, database=database)
    stop = asyncio.Event()
    running = asyncio.create_task(built.run(stop))
    async with aiohttp.ClientSession(f"http://127.0.0.1:{built.pages.port}") as client:
        started = Api(built, client, "", database)
        # Its look at the schema is over then, and in nobody's count.
        async with asyncio.timeout(PATIENCE):
            while not built.health.ready:
                await asyncio.sleep(0.01)
        started.key = await started.grant(requests_per_minute=1000)
        yield started
    stop.set()
    await asyncio.wait_for(running, PATIENCE)
