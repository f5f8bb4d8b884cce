"""How many gateway events a second reach Redis from one core, and what a guild costs in memory."""

import asyncio
import os
import sys
from collections.abc import Iterator
from contextlib import contextmanager

import msgspec

from benchmarks.intakes import Cost
from benchmarks.measured import Benchmark, Measured, Row
from support_servers import running_valkey

STARTING, HELD = 2500, 10_000
AIM_EVENTS, AIM_START, AIM_KB = 20_000, 3.0, 5.0


async def measure(quick: bool) -> Measured:
    """Measure ours and the plain libraries on the same bytes, one after another."""
    events = 4_000 if quick else 40_000
    guilds, held = (500, 1000) if quick else (STARTING, HELD)
    with _off_the_last_core() as core:
        with running_valkey() as server:
            ours = await _child(core, "ours", guilds, events, server.url)
        with running_valkey() as server:
            full = await _child(core, "ours", held, events // 10, server.url)
        hikari = await _child(core, "hikari", guilds, events)
        discordpy = await _child(core, "discord.py", guilds, events)
    rows = (
        *_speed(ours, hikari, discordpy),
        *_starts(guilds, ours, discordpy),
        *_memory(guilds, ours, hikari, discordpy),
        Row(
            what=f"memory over the base, {held:,} guilds",
            figure=full.bytes_a_guild / 1000,
            unit="kB a guild",
            most=AIM_KB,
            note=f"base {full.base / 1e6:.0f} MB",
        ),
    )
    return Measured(rows=rows, profile=_profile(ours, hikari, discordpy))


@contextmanager
def _off_the_last_core() -> Iterator[int]:
    """Keep to the other cores, and the servers started meanwhile too: the last one is measured."""
    cores = sorted(os.sched_getaffinity(0))
    os.sched_setaffinity(0, cores[:-1] or cores)
    try:
        yield cores[-1]
    finally:
        os.sched_setaffinity(0, cores)


async def _child(core: int, subject: str, guilds: int, events: int, *url: str) -> Cost:
    """Measure one way in a process on the last core."""
    process = await asyncio.create_subprocess_exec(
        sys.executable,
        "-m",
        "benchmarks.intakes",
        subject,
        str(guilds),
        str(events),
        str(core),
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        said, _ = await process.communicate("".join(url).encode())
    finally:
        if process.returncode is None:
            process.kill()
            await process.wait()
    if process.returncode != 0:
        raise RuntimeError(f"{subject} ended with {process.returncode}")
    return msgspec.json.decode(said.splitlines()[-1], type=Cost)


def _speed(ours: Cost, hikari: Cost, discordpy: Cost) -> Iterator[Row]:
    what = "voice states a second of a core"
    yield Row(
        what=f"{what}: ours, decoded, applied, written to Redis, acknowledged",
        figure=ours.events_a_core_second,
        unit="/s",
        least=AIM_EVENTS,
        note=f"{ours.events_a_second:,.0f} by the wall clock",
    )
    for name, plain in (("hikari, typed, cache", hikari), ("discord.py, cache", discordpy)):
        yield Row(
            what=f"{what}: plain {name}, parsed only, no Redis",
            figure=plain.events_a_core_second,
            unit="/s",
            base=ours.events_a_core_second,
            base_of="ours",
            note=f"{plain.events_a_second:,.0f} by the wall clock",
        )


def _starts(guilds: int, ours: Cost, discordpy: Cost) -> Iterator[Row]:
    yield Row(
        what=f"GUILD_CREATE a second of a core, {guilds:,} guilds, as at a start: ours, into Redis",
        figure=ours.creates_a_core_second,
        unit="/s",
        least=AIM_START * discordpy.creates_a_core_second,
        base=discordpy.creates_a_core_second,
        base_of="discord.py, cache",
        note=(
            "the aim is three times discord.py; by the wall clock "
            f"{ours.creates_a_second:,.0f} and {discordpy.creates_a_second:,.0f}"
        ),
    )


def _memory(guilds: int, ours: Cost, hikari: Cost, discordpy: Cost) -> Iterator[Row]:
    for name, plain in (("hikari's cache", hikari), ("discord.py's cache", discordpy)):
        yield Row(
            what=f"memory over the base, {guilds:,} guilds: {name}",
            figure=plain.bytes_a_guild / 1000,
            unit="kB a guild",
            base=ours.bytes_a_guild / 1000,
            base_of="ours",
            note=f"base {plain.base / 1e6:.0f} MB",
        )


def _profile(*costs: Cost) -> tuple[str, ...]:
    names = ("ours", "hikari", "discord.py")
    return tuple(
        f"{name}: a GUILD_CREATE takes {1e6 / cost.creates_a_core_second:,.0f} µs of a core, "
        f"{cost.decode_seconds * 1e6:,.0f} of them for decoding its JSON"
        for name, cost in zip(names, costs, strict=True)
    )


BENCHMARK = Benchmark(
    shows=(
        "What a gateway takes in on a core of its own, all the way into Redis, "
        "beside hikari and discord.py on the same bytes (no socket, no decompression)."
    ),
    measure=measure,
    limit=120,
    quick_limit=40,
)
