"""What `legato up` can be told: by options of the command, which win, or by the environment."""

import pathlib
from collections.abc import Mapping
from typing import Annotated

import msgspec
from dotenv.parser import parse_stream

from legato.settings import Fault, HttpUrl, Port, RedisUrl, Secret, WrongSettings, url

DatabaseUrl = Annotated[Secret, url("postgresql", example="postgresql://127.0.0.1:5432/legato")]

LavalinkUrl = Annotated[str, url("http", "https", example="http://127.0.0.1:2333")]


class Options(msgspec.Struct, frozen=True, kw_only=True):
    """Settings of one machine's start; of ports, 0 means the usual one if free, else any."""

    legato_data: str = ""
    """The folder for all data of `legato up`; empty: this system's usual place for such data. A
    gateway that is started alone has a setting of this name for its own folder."""
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
    """Of the simulator and its page; 0 = 8123 if that is free, else any."""
    api_port: Port = 0
    """Of the HTTP API in `legato up`; 0 = 3000 if that is free, else any."""
    gateway_port: Port = 0
    """Of the gateway's health pages; 0 = 3001 if that is free, else any."""
    audio_port: Port = 0
    """Of the audio service's health pages; 0 = 3002 if that is free, else any."""
    worker_port: Port = 0
    """Of the worker's health pages; 0 = 3003 if that is free, else any."""
    database_port: Port = 0
    """Of the embedded PostgreSQL; 0 = any that is free."""
    redis_port: Port = 0
    """Of the embedded Valkey; 0 = any that is free."""
    node_port: Port = 0
    """Of the first embedded node, the others follow; 0 = any that are free."""


def environment(
    environ: Mapping[str, str], file: pathlib.Path, given: Mapping[str, str]
) -> dict[str, str]:
    """Merge what is set: `.env` is the weakest, options of the command the strongest.

    Raises WrongSettings for lines of the file that can't be read.
    """
    merged = of_file(file) | dict(environ)
    for name in given:
        merged.pop(f"{name}_FILE", None)
    return {**merged, **given}


def of_file(file: pathlib.Path) -> dict[str, str]:
    """Read what a file such as `.env` sets; raises WrongSettings for lines that can't be read."""
    if not file.exists():
        return {}
    try:
        with file.open(encoding="utf-8") as stream:
            lines = list(parse_stream(stream))
    except (OSError, UnicodeDecodeError) as error:
        why = error.strerror if isinstance(error, OSError) else "it is no UTF-8 text"
        raise WrongSettings([Fault(str(file), f"can't be read ({why})", _REMEDY)]) from error
    wrong = [line.original.line for line in lines if line.error]
    if wrong:
        raise WrongSettings(
            Fault(str(file), f"can't be read in line {number}", _REMEDY) for number in wrong
        )
    return {line.key: line.value for line in lines if line.key and line.value is not None}


_REMEDY = "Write NAME=value in each line, and close every quotation mark"
