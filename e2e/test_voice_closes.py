"""Discord closes a bot's voice with every code it has: the music goes on, or says why it stopped.

Every code befalls a room of its own, all at once, on one machine; the tests then read what each
heard. The codes: https://docs.discord.com/developers/topics/opcodes-and-status-codes#voice
"""

import asyncio
from dataclasses import dataclass

import pytest
import pytest_asyncio

from legato import text
from legato.node import voice
from legato_machine import hearing, orphans
from legato_machine.conditions import until
from legato_machine.hearing import Control
from legato_machine.machine import Machine, Stage
from legato_machine.room import Room
from legato_simulator.listener import Report
from legato_simulator.timecode import Analysis
from legato_simulator.voice_endpoint import Death

SHARDS = 8
"""Each has Discord's limit of 120 wishes a minute for itself, so that no room waits for others."""
STAGE = Stage(
    settings={"SHARDS": str(SHARDS)},
    discord={"SIMULATOR_SHARDS": str(SHARDS), "SIMULATOR_MAX_CONCURRENCY": str(SHARDS)},
)
EXPECTED = {"warning voice server does not answer": range(3, 40)}
"""Every try with one that is dead; five rooms have one."""
pytestmark = [pytest.mark.asyncio(loop_scope="module"), pytest.mark.alone]

TONE = 7
RESUMED = (4000, 4009, 4015)
"""The voice session lives on: the node resumes it and nobody is asked."""
REJOINED = (4001, 4002, 4003, 4004, 4005, 4006, 4011, 4012, 4014, 4016, 4020, 4022)
"""The session is over, for whatever reason, and nobody took the bot out of its channel."""
RATE_LIMITED, ENCRYPTED = 4021, 4017
UNKNOWN = 4999
RATE_LIMITED_FOR_MS = 10_000
AT_ONCE = 5
DEATHS: tuple[Death, ...] = ("refused", "silent", "no_tls")
"""How a voice server can be dead: nobody listens, nobody answers, or not what was asked."""
FALLS: tuple[Death, ...] = ("refused", "silent")
"""How one dies while it is played to."""
HEARTBEAT_MS, TRIES_MS, LOOK_MS = voice.BEAT * 1e3, voice.RESUME_WITHIN * 1e3, 2_000.0
"""Only an unanswered heartbeat tells that a voice server fell silent: it sends nothing else, and
music goes one way. The node then tries to resume, and Legato looks whether the server answers it,
before it asks Discord for another one."""
NOTICED = {
    "refused": (hearing.MOST_SILENCE_MS, hearing.MOST_REPEATED_MS),
    "silent": (
        2 * HEARTBEAT_MS + TRIES_MS + LOOK_MS + hearing.MOST_SILENCE_MS,
        HEARTBEAT_MS + hearing.MOST_REPEATED_MS,
    ),
}
"""The longest silence, and how much may be heard twice, ms: what was sent since the last answer
may have been heard, so that it is played again."""


@dataclass(frozen=True, slots=True)
class Aftermath:
    """What a room had of its close."""

    room: Room
    report: Report
    analysis: Analysis


@dataclass(frozen=True, slots=True)
class All:
    """What all rooms had."""

    by_code: dict[int, Aftermath]
    witness: Room
    noise: Control
    resumes: int
    """By the voice server's own count."""
    dead: dict[Death, float]
    """By how a voice server was dead for a while: the first moment heard after it, ms."""
    fallen: dict[Death, Aftermath]
    """By how a voice server died under its call."""


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def closed(stage: Machine) -> All:
    """Let a room a code play and close its voice, a few at a time, until all is as it will be."""
    codes = (RATE_LIMITED, *RESUMED, *REJOINED, ENCRYPTED, UNKNOWN)
    link = await stage.make(f"tone-{TONE}-180s.ogg")
    witness = await stage.room("looks on")
    turns = asyncio.Semaphore(AT_ONCE)
    async with hearing.control(stage) as noise:
        await listens(witness, link)
        fallen, found, dead = await asyncio.gather(
            asyncio.gather(*(fall(stage, death, link, turns) for death in FALLS)),
            asyncio.gather(*(close(stage, code, link, turns) for code in codes)),
            asyncio.gather(*(revive(stage, death, link, turns) for death in DEATHS)),
        )
    overview = await stage.voice.voice_overview()
    ended = {code for _, _, code in overview.closes}
    assert ended >= set(codes)
    return All(
        by_code=dict(zip(codes, found, strict=True)),
        witness=witness,
        noise=noise,
        resumes=overview.resumes,
        dead=dict(zip(DEATHS, dead, strict=True)),
        fallen=dict(zip(FALLS, fallen, strict=True)),
    )


async def listens(room: Room, link: str) -> None:
    """Let a room play until it is heard."""
    await room.type("play", {"query": link}, timeout=30)
    await room.hears(TONE, after=2000, timeout=30)


async def close(stage: Machine, code: int, link: str, turns: asyncio.Semaphore) -> Aftermath:
    """Close a room's voice, and wait until sound has come back for a while, or for good silence."""
    async with turns:
        room = await stage.room(f"is closed with {code}")
        await listens(room, link)
        at = await room.now()
        await stage.discord.close_voice(room.guild.id, code, str(stage.bot_id))
        if code == ENCRYPTED:
            await is_out(room)
            await room.told("encryption_required")
        else:
            await room.sounds(since=at + 0.5, timeout=40)
            heard = (await room.hears(TONE, timeout=40)).ms
            await room.hears(TONE, after=heard + 2000, timeout=40)
        report = await room.report()
        analysis = (await room.moments()).analysis
        await room.type("leave", timeout=30)
    assert report is not None
    return Aftermath(room, report, analysis)


async def revive(stage: Machine, death: Death, link: str, turns: asyncio.Semaphore) -> float:
    """Let a room's voice server be dead until that is said, then live; return what is heard first.

    In milliseconds of the track.
    """
    async with turns:
        room = await stage.room(f"has a voice server: {death}")
        home = next(iter((await stage.voice.voice_overview()).regions))
        await stage.voice.voice_region(death, death=death)
        await stage.voice.voice_place(room.guild_id, death)
        await room.type("play", {"query": link}, timeout=30)
        await room.told("voice_away", timeout=30)
        await stage.voice.voice_place(room.guild_id, home)
        await room.hears(TONE, after=1000, timeout=40)
        await unsaid(room, "voice_away")
        first = (await room.moments()).moments[0]
        await room.type("leave", timeout=30)
    return first.ms


async def fall(stage: Machine, death: Death, link: str, turns: asyncio.Semaphore) -> Aftermath:
    """Let a room's voice server die while it plays; Discord has another for who joins again."""
    async with turns:
        room = await stage.room(f"loses its voice server: {death}")
        home = next(iter((await stage.voice.voice_overview()).regions))
        await stage.voice.voice_region(f"doomed-{death}")
        await stage.voice.voice_place(room.guild_id, f"doomed-{death}")
        await listens(room, link)
        await stage.voice.voice_place(room.guild_id, home)
        at = await room.now()
        await stage.voice.voice_kill(f"doomed-{death}", death)
        await room.sounds(since=at + 0.5, timeout=120)
        heard = (await room.hears(TONE, timeout=40)).ms
        await room.hears(TONE, after=heard + 2000, timeout=40)
        report = await room.report()
        analysis = (await room.moments()).analysis
        await room.type("leave", timeout=30)
    assert report is not None
    return Aftermath(room, report, analysis)


async def unsaid(room: Room, notice: str) -> None:
    """Wait until the panel says it no more."""

    async def look() -> bool:
        return text.NOTICES[notice] not in (await room.panel()).content

    await until(look, what=f"a panel without {notice}")


async def is_out(room: Room) -> None:
    """Wait until the bot has left a room's channel."""

    async def look() -> bool:
        states = await room.machine.discord.voice_states(room.guild.id)
        return all(state["user_id"] != str(room.machine.bot_id) for state in states)

    await until(look, what="the bot out of voice", timeout=20)


@pytest.mark.parametrize("code", RESUMED)
async def test_a_close_that_may_be_resumed_is_resumed_and_not_heard(closed: All, code: int) -> None:
    found = closed.by_code[code]

    # Packets need no websocket: not one is lost, and the gap is the machine's own noise.
    assert found.report.unbroken, found.report
    assert found.report.worst_gap_ms <= closed.noise.worst_ms + hearing.BEYOND_CONTROL_MS
    assert (found.analysis.skipped_ms, found.analysis.repeated_ms) == (0, 0), found.analysis.jumps
    assert closed.resumes >= len(RESUMED)


@pytest.mark.parametrize("code", [*REJOINED, UNKNOWN])
async def test_after_a_close_that_ends_the_session_the_bot_joins_again(
    closed: All, code: int
) -> None:
    found = closed.by_code[code]

    assert len(found.report.epochs) >= 2
    hearing.was_rejoined(found.report, found.analysis, closed.noise)


async def test_after_too_many_connections_discord_is_left_in_peace_for_a_while(closed: All) -> None:
    found = closed.by_code[RATE_LIMITED]

    assert len(found.report.epochs) >= 2
    assert found.report.worst_gap_ms >= RATE_LIMITED_FOR_MS
    assert found.report.worst_gap_ms <= RATE_LIMITED_FOR_MS + hearing.MOST_SILENCE_MS
    hearing.none_lost(found.analysis)


async def test_a_channel_that_wants_encryption_is_left_with_a_sentence(closed: All) -> None:
    assert len(closed.by_code[ENCRYPTED].report.epochs) == 1


@pytest.mark.parametrize("death", DEATHS)
async def test_a_voice_server_that_is_dead_costs_nothing_of_the_track(
    closed: All, death: Death
) -> None:
    assert closed.dead[death] <= hearing.BEYOND_CONTROL_MS


@pytest.mark.parametrize("death", FALLS)
async def test_a_voice_server_that_dies_under_the_music_costs_nothing_of_the_track(
    closed: All, death: Death
) -> None:
    found = closed.fallen[death]

    longest, twice = NOTICED[death]
    assert found.report.longest_silence_ms <= closed.noise.worst_ms + longest
    assert found.analysis.skipped_ms == 0, found.analysis.jumps
    assert found.analysis.repeated_ms <= twice, found.analysis.jumps


async def test_nobody_else_noticed_and_no_player_is_left_over(stage: Machine, closed: All) -> None:
    await hearing.unbroken(closed.witness, closed.noise)
    await orphans.no_orphans(stage)
