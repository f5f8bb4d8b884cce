"""What commands do to the database: migrate, check, tend keys. Knows no command line."""

import contextlib
import dataclasses
from collections.abc import AsyncIterator, Mapping
from datetime import timedelta

from legato import settings
from legato.embedded.problems import StartFailed
from legato.store import apikeys, schema
from legato.store.database import Database
from legato.store.settings import StoreSettings
from legato.text import plain


@dataclasses.dataclass(frozen=True, slots=True)
class Wanted:
    """An API key that a person asks for."""

    bot: int
    name: str
    guilds: tuple[int, ...] = ()
    """Empty: every server of the bot."""
    days: int | None = None
    """None: valid for ever."""


async def migrate(environ: Mapping[str, str]) -> str:
    """Bring the schema up to date; say what was done."""
    async with _opened(environ) as database:
        return str(await schema.migrate(database))


async def check(environ: Mapping[str, str]) -> str:
    """Say which schema there is; StartFailed where this release can't run on it."""
    async with _opened(environ) as database:
        try:
            return f"The schema is {await schema.check(database)}; this release runs on it."
        except schema.WrongSchema as error:
            raise StartFailed(str(error)) from error


async def create_key(environ: Mapping[str, str], wanted: Wanted) -> str:
    """Make an API key and return it, the only time that it is seen."""
    async with _opened(environ) as database:
        grant = apikeys.Grant(
            name=wanted.name,
            guild_ids=wanted.guilds or None,
            valid=timedelta(days=wanted.days) if wanted.days else None,
        )
        _, secret = await apikeys.create(database, wanted.bot, grant)
        return secret.reveal()


async def list_keys(environ: Mapping[str, str], bot: int) -> list[str]:
    """Describe a bot's keys that are not revoked, a line each; nothing secret is in it."""
    async with _opened(environ) as database:
        return [_line(key) for key in await apikeys.all_keys(database, bot)]


async def revoke_key(environ: Mapping[str, str], key_id: str) -> str:
    """Make a key useless; StartFailed where there is none of that id to revoke."""
    async with _opened(environ) as database:
        if not await apikeys.revoke(database, key_id):
            raise StartFailed(f"There is no key {key_id} to revoke. See: legato apikey list.")
        return f"Key {key_id} is revoked."


def _line(key: apikeys.Key) -> str:
    reach = "every server" if key.guild_ids is None else f"{len(key.guild_ids)} server(s)"
    until = f"until {key.expires_at:%Y-%m-%d %H:%M}" if key.expires_at else "for ever"
    used = f"used {key.last_used_at:%Y-%m-%d %H:%M}" if key.last_used_at else "never used"
    return f"{key.id}  {plain(key.name, 40)}: {reach}, {until}, {used}"


@contextlib.asynccontextmanager
async def _opened(environ: Mapping[str, str]) -> AsyncIterator[Database]:
    database = Database(settings.load(StoreSettings, environ), name="legato command")
    try:
        yield database
    finally:
        await database.close()
