"""The counts that are stored once and then binding: shards, and partitions of a home region."""

from legato.contracts import keys
from legato.redis import Client, reaching
from legato.settings import Fault, WrongSettings


async def settle(redis: Client, *, bot: int, name: str, wanted: int, setting: str) -> None:
    """Store a count, or refuse one that differs from what is stored. Raises WrongSettings."""
    with reaching("layout"):
        await redis.hsetnx(keys.layout(bot), name, str(wanted))
    stored = await known(redis, bot=bot, name=name)
    if stored is not None and stored != wanted:
        raise WrongSettings(
            [
                Fault(
                    setting,
                    f"is {wanted}, but this bot runs on {stored}",
                    f"Set {setting} to {stored}; changing it means moving every player",
                )
            ]
        )


async def known(redis: Client, *, bot: int, name: str) -> int | None:
    """Read a stored count."""
    with reaching("layout"):
        found = await redis.hget(keys.layout(bot), name)
    return int(found) if found else None
