"""Puts the API together and runs it."""

import asyncio
import functools
from importlib.metadata import version

from litestar import Litestar
from litestar.openapi import OpenAPIConfig
from litestar.openapi.plugins import JsonRenderPlugin
from litestar.openapi.spec import Components, SecurityScheme
from prometheus_client import CollectorRegistry

from legato import health_pages, redis, resilience, serve
from legato.api import headers, problems
from legato.api.auth import Auth
from legato.api.metrics import Metrics
from legato.api.players import Players
from legato.api.routes import guilds
from legato.api.schema_page import SchemaPage
from legato.api.settings import Settings
from legato.api.watching import Watching
from legato.cache import Cache
from legato.health import Health
from legato.limits import Limits
from legato.serve import Pages
from legato.store import schema
from legato.store.database import Database
from legato.telemetry import Tracing

_DESCRIPTION = (
    "What Discord servers hear through Legato. Send an API key as `Authorization: Bearer …` or as "
    "`X-API-Key`; `legato apikey create` makes one. Ids are strings."
)

WITHOUT_REDIS = "Players and queues are shown as they were last written."
WITHOUT_POSTGRES = "Only keys used in the last seconds work, for players that run."


class App:
    """The API service."""

    name = "api"

    def __init__(
        self, settings: Settings, *, redis_client: redis.Client, database: Database
    ) -> None:
        self.member = settings.member
        self.registry = CollectorRegistry()
        self._redis = redis_client
        self._database = database
        self._tracing = Tracing(self.name, settings)
        self._cache = Cache(
            redis_client,
            bot=settings.discord_application_id,
            registry=self.registry,
            component=self.name,
        )
        self.health = Health(
            self.name,
            settings.member,
            # With either it still answers: Redis has what runs, PostgreSQL what was written.
            checks=[
                redis.check(redis_client, critical=False, without=WITHOUT_REDIS),
                database.check(critical=False, without=WITHOUT_POSTGRES),
            ],
            registry=self.registry,
        )
        redis.measure(redis_client, self.registry, self.name)
        database.measure(self.registry, self.name)
        self.pages = Pages(
            self._application(settings),
            listen=settings.listen,
            port=settings.api_port,
            setting="API_PORT",
        )

    def _application(self, settings: Settings) -> Litestar:
        bot = settings.discord_application_id
        players = Players(self._redis, self._database, self._cache, bot=bot, region=settings.region)
        auth = Auth(self._database, Limits(self._redis, bot=bot), bot=bot)
        return Litestar(
            [
                guilds.router(players, auth, page_size=settings.api_page_size),
                *health_pages.routes(self.health),
            ],
            exception_handlers=problems.HANDLERS,
            before_send=[headers.add],
            middleware=[Watching(self._tracing, Metrics(self.registry))],
            openapi_config=_openapi(),
            logging_config=None,
        )

    async def run(self, stop: asyncio.Event) -> None:
        """Serve until told to stop; raises WrongSchema where the database's is not ours."""
        try:
            await serve.beside(
                self.pages,
                self.health,
                stop,
                resilience.for_ever(self._cache.follow, what="invalidations"),
                self._become_ready(),
            )
        finally:
            await self._close()

    async def _become_ready(self) -> None:
        check = functools.partial(schema.check, self._database)
        await resilience.until_available(check, what="postgres")
        self.health.ready = True

    async def _close(self) -> None:
        self.pages.close()
        await self._redis.aclose()
        await self._database.close()
        await asyncio.to_thread(self._tracing.close)


def build(
    settings: Settings,
    *,
    redis_client: redis.Client | None = None,
    database: Database | None = None,
) -> App:
    """Put the service together; tests may bring their own connections."""
    return App(
        settings,
        redis_client=redis_client
        or redis.connect(settings.redis_url, ca_file=settings.redis_ca_file),
        database=database or Database(settings, name="legato-api"),
    )


def _openapi() -> OpenAPIConfig:
    return OpenAPIConfig(
        title="Legato",
        version=version("legato"),
        description=_DESCRIPTION,
        path="/schema",
        render_plugins=[SchemaPage(), JsonRenderPlugin()],
        components=Components(
            security_schemes={
                "bearer": SecurityScheme(type="http", scheme="bearer"),
                "header": SecurityScheme(
                    type="apiKey", name="X-API-Key", security_scheme_in="header"
                ),
            }
        ),
    )
