"""What `legato up` can be told: by options of the command, which win, or by the environment."""

import pathlib
from collections.abc import Mapping
from typing import Annotated

import dotenv
import msgspec

from legato.settings import HttpUrl, Port, RedisUrl, Secret, url

DatabaseUrl = Annotated[Secret, url("postgresql", example="postgresql://127.0.0.1:5432/legato")]

LavalinkUrl = Annotated[str, url("http", "https", example="http://127.0.0.1:2333")]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one machine's start; of ports, 0 means the usual one if free, else any."""

    legato_data: str = ""
    """The folder for all data; empty: this system's usual place for data of programs."""
    discord_token: Secret | None = None
    """The bot's token; without one the Discord simulator is started."""
    discord_rest_url: HttpUrl | None = None
    """Discord's REST address; only a test would set another."""
    database_url: DatabaseUrl | None = None
    """A PostgreSQL to use instead of the embedded one."""
    redis_url: RedisUrl | None = None
    """A Valkey or Redis to use instead of the embedded one."""
    lavalink_url: LavalinkUrl | None = None
    """A Lavalink to use instead of the embedded nodes."""
    lavalink_password: Secret | None = None
    """The password of that Lavalink."""
    nodes: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """How many embedded nodes are started."""
    audio: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """How many audio workers; from the second on each is a process of its own."""
    gateway: Annotated[int, msgspec.Meta(ge=1, le=16)] = 1
    """How many gateways, likewise; with fewer shards than gateways the others stand by."""
    page_port: Port = 0
    """Of the simulator and its page; usually 8123."""
    api_port: Port = 0
    """Of the HTTP API; usually 3000."""
    gateway_port: Port = 0
    """Of the gateway's health pages; usually 3001."""
    audio_port: Port = 0
    """Of the audio service's health pages; usually 3002."""
    worker_port: Port = 0
    """Of the worker's health pages; usually 3003."""
    database_port: Port = 0
    """Of the embedded PostgreSQL; any."""
    redis_port: Port = 0
    """Of the embedded Valkey; any."""
    node_port: Port = 0
    """Of the first embedded node, the others follow; usually any."""


def environment(
    environ: Mapping[str, str], file: pathlib.Path, given: Mapping[str, str]
) -> dict[str, str]:
    """Merge what is set: `.env` is the weakest, options of the command the strongest."""
    found = dotenv.dotenv_values(file, interpolate=False, encoding="utf-8")
    merged = {name: value for name, value in found.items() if value is not None} | dict(environ)
    for name in given:
        merged.pop(f"{name}_FILE", None)
    return {**merged, **given}
