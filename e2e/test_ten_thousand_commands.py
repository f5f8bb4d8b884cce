"""A crowd types at random while one process after another is killed: each command happens once.

The oracle says what every guild's queue must be in the end, from what people were told alone.
"""

import asyncio
import os
import random
import time
from collections import Counter, defaultdict
from collections.abc import Iterable, Sequence

import pytest

from legato_machine import orphans
from legato_machine.conditions import until
from legato_machine.machine import Machine, Stage
from legato_machine.oracle import books, sayings
from legato_machine.oracle.crowd import Typist
from legato_machine.oracle.havoc import Blow, Havoc, How
from legato_machine.oracle.judge import Truth, judge
from legato_machine.oracle.model import FAILED, Deed, World
from legato_simulator.actions.many import Typing
from legato_simulator.views import OutcomeView

COMMANDS = int(os.environ.get("LEGATO_COMMANDS", "10000"))
RATE = float(os.environ.get("LEGATO_RATE", "80"))
SEED = int(os.environ.get("LEGATO_SEED", "0")) or random.randrange(1, 1 << 31)
HAVOC = os.environ.get("LEGATO_HAVOC", "1") == "1"
GUILDS, PEOPLE, AUDIBLE = int(os.environ.get("LEGATO_GUILDS", "200")), 3, 20
"""In all guilds but the audible ones the bot is muted, so that two cores suffice."""
DISCORDS_PATIENCE, NOTED_WITHIN = 3.0, 1.0
TRACKS = tuple(f"tone-{number}-300s.ogg" for number in (1, 2, 3, 4, 5))
"""Longer than the test: no track ends by itself."""
PLAN: tuple[tuple[str, How], ...] = (
    ("gateway-1", "SIGKILL"),
    ("audio-1", "SIGTERM"),
    ("node-1", "SIGKILL"),
    ("gateway-2", "SIGTERM"),
    ("audio-2", "SIGKILL"),
    ("node-2", "SIGTERM"),
    ("valkey", "SIGKILL"),
    ("gateway-1", "SIGTERM"),
    ("audio-1", "SIGKILL"),
    ("node-1", "SIGTERM"),
    ("gateway-2", "SIGKILL"),
    ("audio-2", "SIGTERM"),
    ("node-2", "SIGKILL"),
)
STAGE = Stage(
    nodes=2,
    audio=2,
    gateway=2,
    settings={
        "SHARDS": "2",
        "MEMBER_READY_AFTER": "1s",
        "LOG_LEVEL": os.environ.get("LEGATO_LOG", "INFO"),
    },
    discord={
        "SIMULATOR_SHARDS": "2",
        "SIMULATOR_MAX_CONCURRENCY": "2",
        # It costs more to check each answer than to give it, and every other scenario does.
        "DISCORD_OPENAPI": "",
    },
)
REDIS_AWAY = (
    "warning books out of reach",
    "warning caches not told",
    "warning directive not read",
    "warning inbox not read",
    "warning lease not taken",
    "warning leases not renewed",
    "warning life not noted",
    "warning observed not written",
    "warning put off",
    "warning redis out of reach",
    "warning search not answered",
    "warning waiting for a dependency",
)
SLIDE = (
    "warning a bucket greatly changed its slide period. "
    "It is possible that you will see a small increase in 429s"
)
EXPECTED = {
    "warning node down": range(1, 1000),
    **dict.fromkeys((*REDIS_AWAY, SLIDE), range(1000)),
}
"""Each said a few times by each process, however long it lasts."""
MOST_SLOWED = 0.001
"""The part of all requests."""
MOST_SILENT = MOST_FAILED = 0.005
"""The part of the commands, or tracks, that a machine of two cores may lose to being slow."""
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.stress]


async def crowd(stage: Machine) -> Typist:
    """Make the guilds, and wait until the gateways know them."""
    tracks = [await stage.make(name) for name in TRACKS]
    guilds = await stage.discord.make_crowd(GUILDS, PEOPLE)
    for guild in guilds[AUDIBLE:]:
        await stage.discord.mute_voice(str(stage.bot_id), guild.guild_id, mute=True)

    async def known() -> bool:
        counts = [await _guilds(stage, name) for name in ("gateway-1", "gateway-2")]
        return sum(counts) >= GUILDS

    await until(known, what="the gateways know all guilds", timeout=30)
    return Typist(stage, guilds, tracks, random.Random(SEED))


async def _guilds(stage: Machine, name: str) -> float:
    async with await stage.get(name, "/metrics") as answer:
        text = await answer.text()
    lines = (line for line in text.splitlines() if line.startswith("legato_gateway_guilds "))
    return float(next(lines, " 0").split()[-1])


def deed(typed: Typing, outcome: OutcomeView, done: frozenset[int]) -> Deed:
    """Join what was typed with what came of it."""
    return Deed(
        id=outcome.id,
        kind=typed.command,
        sent=outcome.created_at,
        told_at=outcome.answered_at if outcome.said else None,
        said=sayings.read(outcome.said[-1]) if outcome.said else None,
        booked=int(outcome.id) in done,
        first=typed.options.get("when") == "next",
        value=int(typed.options.get("percent", 0)),
    )


async def test_each_happens_once_and_in_order_whoever_is_killed(stage: Machine) -> None:
    typist = await crowd(stage)
    havoc, over = Havoc(stage, every=8.0), asyncio.Event()
    began = time.monotonic()
    killing = asyncio.create_task(havoc.run(PLAN if HAVOC else (), over))
    await typist.type(COMMANDS, RATE)
    typed = time.monotonic()
    over.set()
    await killing
    await havoc.mend()
    await books.quiet(stage)
    print(
        f"seed {SEED}: typed {typed - began:.0f} s, quiet {time.monotonic() - typed:.0f} s,"
        f" {typist.late:.1f} s late"
    )

    outcomes = [one for one in await stage.discord.outcomes() if one.id in typist.typed]
    found = await books.read(stage)
    by_guild: defaultdict[int, list[Deed]] = defaultdict(list)
    for one in outcomes:
        by_guild[int(one.guild_id)].append(deed(typist.typed[one.id], one, found.done))
    print(told(by_guild, havoc.blows))

    wrong = [
        sentence
        for guild, deeds in by_guild.items()
        for sentence in judge(deeds, Truth(guild, found.worlds.get(guild, World())))
    ]
    wrong += [
        f"{guild}: shown are {shown} that wait, and there are {len(found.worlds[guild].queue)}"
        for guild, shown in found.shown.items()
        if shown != len(found.worlds[guild].queue)
    ]
    wrong += [
        f"{one.name} {one.id} was told {one.told} times"
        for one in outcomes
        if one.told > 1 and not any(may_repeat(blow, one) for blow in havoc.blows)
    ]
    wrong += [f"{one.name} {one.id} thinks for ever" for one in outcomes if thinks(one)]
    lost = unexplained(by_guild, havoc.blows)
    wrong += [f"{one} and never done" for one in never_done(by_guild)]
    assert len(outcomes) == COMMANDS
    assert wrong == [], f"seed {SEED}: {len(wrong)} wrong\n" + "\n".join(wrong[:8])
    assert {blow.part for blow in havoc.blows} >= ({part for part, _ in PLAN} if HAVOC else set())
    assert len(lost) <= MOST_SILENT * COMMANDS, lost
    assert len(failed(found.worlds.values())) <= MOST_FAILED * COMMANDS


async def test_discord_had_hardly_a_reason_to_slow_us_down(stage: Machine) -> None:
    """Who takes over can't know which of Discord's buckets the dead had used up."""
    record = await stage.discord.record()
    await stage.discord.clear_record()

    assert record.violations == []
    assert all(each.startswith("429 ") and "/messages" in each for each in record.refusals)
    assert sum(record.refusals.values()) <= MOST_SLOWED * record.requests


async def test_nobody_plays_whom_no_book_knows(stage: Machine) -> None:
    await orphans.no_orphans(stage, timeout=30)


def thinks(outcome: OutcomeView) -> bool:
    """Say whether somebody was asked for patience, and told nothing."""
    return outcome.deferred and not outcome.said


def failed(worlds: Iterable[World]) -> list[str]:
    """List the tracks that no node could play."""
    return [item for one in worlds for item, reason in one.ended if reason == FAILED]


def silent(by_guild: dict[int, list[Deed]]) -> list[Deed]:
    """List the commands whose askers were told nothing."""
    return [one for deeds in by_guild.values() for one in deeds if one.said is None]


def never_done(by_guild: dict[int, list[Deed]]) -> list[str]:
    """List what was lost: a kill -9 may cost an answer, never the deed."""
    return [f"{one.kind} {one.id}: silence" for one in silent(by_guild) if not one.booked]


def unexplained(by_guild: dict[int, list[Deed]], blows: Sequence[Blow]) -> list[str]:
    """List who was told nothing though nothing was killed about then."""
    return [
        f"{one.kind} {one.id} of {one.sent:.2f}: nobody was told"
        for one in silent(by_guild)
        if not any(excuses(blow, one) for blow in blows)
    ]


def excuses(blow: Blow, silent: Deed) -> bool:
    """Say whether a command was on its way through a process that was killed."""
    killed = blow.how == "SIGKILL" and not blow.part.startswith("node")
    return killed and blow.at - DISCORDS_PATIENCE <= silent.sent <= blow.back + DISCORDS_PATIENCE


def may_repeat(blow: Blow, told: OutcomeView) -> bool:
    """Say whether a gateway was killed between an answer and its note: only Discord knew of it."""
    killed = blow.how == "SIGKILL" and blow.part.startswith("gateway")
    return killed and told.created_at <= blow.at <= (told.answered_at or 0.0) + NOTED_WITHIN


def told(by_guild: dict[int, list[Deed]], blows: Sequence[Blow]) -> str:
    """Sum up."""
    all_deeds = [one for deeds in by_guild.values() for one in deeds]
    kinds = Counter(
        f"refused {one.refused}" if one.refused else one.said.what if one.said else "silence"
        for one in all_deeds
    )
    quiet, lost = silent(by_guild), never_done(by_guild)
    struck = "\n".join(
        f"  {one.at:.1f}: {one.how} {one.part}, back in {one.back - one.at:.1f} s" for one in blows
    )
    return f"{struck}\n{kinds}\n{len(quiet)} silent, {len(lost)} of them not done"
