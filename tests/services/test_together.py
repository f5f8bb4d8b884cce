"""Services as processes: what a person can mend ends them with a sentence, not a traceback."""

import asyncio
import gc
import os
import socket
import sys

import pytest

from legato import redis as reach
from legato import together
from legato.layout import Layout
from support_waiting import PATIENCE

BOT = 7


async def ended(service: str, **environment: str) -> tuple[int | None, str]:
    """Run a service that is bound to end; its exit code and what it said."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        f"legato.{service}",
        env={"PATH": os.environ["PATH"], "DISCORD_APPLICATION_ID": str(BOT), **environment},
        stdout=asyncio.subprocess.DEVNULL,
        stderr=asyncio.subprocess.PIPE,
    )
    try:
        async with asyncio.timeout(PATIENCE):
            _, said = await process.communicate()
    finally:
        if process.returncode is None:
            process.kill()
    text = said.decode()
    assert "Traceback" not in text
    return process.returncode, text


@pytest.mark.parametrize("service", ["audio", "gateway"])
async def test_wrong_settings_are_all_listed(service: str) -> None:
    code, said = await ended(service, REDIS_URL="http://nowhere", LEASE_TTL="soon")

    assert code == 2
    assert "REDIS_URL" in said
    assert "LEASE_TTL" in said


async def test_another_layout_is_a_sentence(
    redis: reach.Client, redis_url: str, database_url: str
) -> None:
    await Layout(redis, BOT).bind_partitions("default", 8)

    code, said = await ended(
        "audio", REDIS_URL=redis_url, DATABASE_URL=database_url, PARTITIONS="4", AUDIO_PORT="0"
    )

    assert code == 2
    assert "Set PARTITIONS=8." in said


async def test_an_empty_database_is_a_sentence(
    redis: reach.Client, redis_url: str, postgres_url: str
) -> None:
    code, said = await ended(
        "audio", REDIS_URL=redis_url, DATABASE_URL=postgres_url, AUDIO_PORT="0"
    )

    assert code == 1
    assert "Run: legato migrate" in said


async def test_a_port_in_use_is_a_sentence(
    redis: reach.Client, redis_url: str, database_url: str
) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])

        code, said = await ended(
            "audio",
            REDIS_URL=redis_url,
            DATABASE_URL=database_url,
            LISTEN="127.0.0.1",
            AUDIO_PORT=port,
        )

    assert code == 3
    assert "AUDIO_PORT" in said
    assert port in said


def test_what_is_there_at_the_start_is_never_looked_through_again() -> None:
    gc.unfreeze()
    before = gc.get_threshold()

    together.keep_for_good()

    try:
        assert gc.get_freeze_count() > 0
        assert len(gc.get_objects()) < gc.get_freeze_count()
        assert gc.get_threshold() > before
    finally:
        gc.unfreeze()
        gc.set_threshold(*before)
