"""The command line: options to settings, then serve until a signal. It prints one line of JSON."""

import asyncio
import gc
import json
import os
import signal
from collections.abc import Callable
from pathlib import Path
from typing import Any

import click

from legato_simulator.app import Simulator
from legato_simulator.dave.policy import Policy
from legato_simulator.intents import PRIVILEGED
from legato_simulator.settings import Settings

SELDOM = 20_000
"""Objects made and not freed before the newest are looked through."""


def _option(name: str, about: str, **more: Any) -> Callable[[Any], Any]:
    return click.option(name, help=about, show_default=True, **more)


@click.command(context_settings={"auto_envvar_prefix": "SIMULATOR"})
@_option("--host", "Address to listen on.", default="127.0.0.1")
@_option("--port", "Port to listen on; 0 takes a free one.", default=0)
@_option("--public-host", "Host written into the URLs handed out.")
@_option("--voice-address", "IP address for voice of clients on other machines.")
@_option("--data", "Folder in which the world survives a restart.", type=click.Path())
@_option("--guilds", "Guilds of a new world.", default=1)
@_option("--tokens", "Bot tokens, a comma between them (better SIMULATOR_TOKENS).", default="")
@_option("--heartbeat-interval", "Seconds between heartbeats.", default=41.25)
@_option("--session-ttl", "Seconds a session waits for a RESUME.", default=120.0)
@_option("--max-concurrency", "Identifies allowed at once.", default=1)
@_option("--identify-window", "Seconds between identifies of a bucket.", default=5.0)
@_option("--identify-limit", "Identifies a day.", default=1000)
@_option("--shards", "Shards that /gateway/bot recommends.", type=int)
@_option("--guilds-per-shard", "More guilds on a shard are refused: 4011.", default=2500)
@_option("--privileged-intents/--no-privileged-intents", "Grant all privileged intents.")
@_option("--rate-limits/--no-rate-limits", "Enforce REST limits.", default=True)
@_option("--voice/--no-voice", "Run voice servers.", default=True)
@_option(
    "--voice-encryption",
    "What voice demands of end-to-end encryption.",
    default=Settings().voice_encryption.value,
    type=click.Choice([each.value for each in Policy]),
)
@_option(
    "--openapi",
    "Discord's openapi.json: check every request and answer against it.",
    envvar="DISCORD_OPENAPI",
    type=click.Path(),
)
def main(*, tokens: str, privileged_intents: bool, voice_encryption: str, **options: Any) -> None:
    """Run a Discord of your own: REST v10, gateway v10, voice v8 and a script interface.

    Prints one line of JSON with its addresses when it is ready. Every option is also an
    environment variable, SIMULATOR_PORT and so on.
    """
    settings = Settings(
        tokens=tuple(each.strip() for each in tokens.split(",") if each.strip()),
        privileged_intents=int(PRIVILEGED) if privileged_intents else 0,
        voice_encryption=Policy(voice_encryption),
        **options,
    )
    try:
        asyncio.run(_serve(settings))
    except OSError as error:
        raise click.ClickException(str(error)) from error


async def _serve(settings: Settings) -> None:
    stop = asyncio.Event()
    loop = asyncio.get_running_loop()
    for number in (signal.SIGINT, signal.SIGTERM):
        loop.add_signal_handler(number, stop.set)
    async with Simulator(settings) as sim:
        _collect_seldom()
        click.echo(json.dumps(ready_line(sim)))
        await stop.wait()


def _collect_seldom() -> None:
    """Let garbage wait: going through every packet heard held all that is timed up for 0.2 s."""
    gc.collect()
    gc.freeze()
    gc.set_threshold(SELDOM, 20, 50)


def ready_line(sim: Simulator) -> dict[str, object]:
    """Say where everything is; tokens are asked for over the control address."""
    certificates = sim.certificates
    return {
        "ready": True,
        "pid": os.getpid(),
        "rest_url": sim.rest_url,
        "gateway_url": sim.gateway_url,
        "control_url": sim.control_url,
        "page_url": f"{sim.base_url}/",
        "voice": sim.voice_regions,
        "ca_file": str(Path(certificates.ca_file)) if certificates else None,
        "bundle_file": str(Path(certificates.bundle_file)) if certificates else None,
    }
