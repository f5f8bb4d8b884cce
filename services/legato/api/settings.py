"""The API's settings."""

from typing import Annotated

import msgspec

from legato.contracts.partitions import DEFAULT_REGION
from legato.settings import Port, RedisUrl, Snowflake
from legato.store.settings import StoreSettings


class Settings(StoreSettings, frozen=True, kw_only=True):
    """What the API is told."""

    redis_url: RedisUrl
    """Where the live state and the rate limits are."""
    redis_ca_file: str = ""
    """The authority that signed Redis' certificate; with rediss:// only."""
    discord_application_id: Snowflake
    """The bot whose guilds the API shows."""
    region: str = DEFAULT_REGION
    """The home region of guilds that have no other."""
    api_port: Port = 3000
    """The port of `legato api`, for the API and its health pages; `legato up` chooses it."""
    api_page_size: Annotated[int, msgspec.Meta(ge=1, le=1000)] = 100
    """The most queue items in one answer; more are asked for page by page."""
