"""Nodes are chosen by voice region: a player is on a node near its voice server, and follows it."""

import asyncio
from collections.abc import Iterator

import pytest

from legato_cluster import belongings, documents
from legato_cluster.platform import BOT, NODES, SPACE, Platform
from legato_cluster.players import Players
from legato_machine import hearing
from legato_machine.conditions import until
from legato_machine.room import Hall

PATIENCE = 240.0
SIMULATOR = "legato-simulator"
NEAR, FAR = "frankfurt", "oslo"
NORTH = "north"
FIRST, NORTHERN = f"{NODES}-0", f"{FAR}-0"
REGIONS = [
    {"name": "europe", "voiceRegions": [NEAR]},
    {"name": NORTH, "voiceRegions": [FAR]},
]
TONE, TRACK = 6, "tone-6-900s.ogg"
pytestmark = pytest.mark.asyncio(loop_scope="module")


@pytest.fixture(scope="module")
def names(music: Platform) -> Iterator[None]:
    """Names below the simulator's own, as Discord has one for each voice server."""
    label = "app.kubernetes.io/component=simulator"
    form = "jsonpath={.items[0].status.podIP}"
    address = music.kubectl("get", "pods", "-l", label, "-o", form)
    named = [{"addresses": [address], "hostname": f"{one}1"} for one in (NEAR, FAR)]
    slices = {
        "apiVersion": "discovery.k8s.io/v1",
        "kind": "EndpointSlice",
        "metadata": {
            "name": "voice-regions",
            "labels": {"kubernetes.io/service-name": SIMULATOR},
        },
        "addressType": "IPv4",
        "endpoints": named,
        "ports": [{"name": "http", "port": 8123, "protocol": "TCP"}],
    }
    belongings.apply(music.cluster, SPACE, slices)
    try:
        yield
    finally:
        music.kubectl("delete", "endpointslice/voice-regions")


async def voice_servers(music: Platform) -> None:
    for one in (NEAR, FAR):
        await music.voice.voice_region(one, host=f"{one}1.{SIMULATOR}.{SPACE}.svc")


async def played(music: Platform, region: str | None = None) -> Hall:
    """Let a hall play whose voice server is in a region, else in one that nobody lists."""
    hall = await music.hall(f"Hall in {region or 'the harbour'}")
    if region is not None:
        await music.voice.voice_place(hall.guild_id, region)
    await hall.play(TRACK, timeout=PATIENCE)
    await hall.hears(TONE, after=1000, timeout=PATIENCE)
    return hall


async def plays_on(*halls: Hall) -> None:
    before = [(hall, (await hall.hears(TONE, timeout=PATIENCE)).ms) for hall in halls]
    for hall, ms in before:
        await hall.hears(TONE, after=ms + 2000, timeout=PATIENCE)


async def comes_to(players: Players, hall: Hall, node: str) -> None:
    async def look() -> bool:
        return await players.node_of(hall) == node

    await until(look, what=f"a player on {node}", timeout=PATIENCE)


async def test_players_are_near_their_voice_servers_and_follow_them(
    music: Platform, names: None
) -> None:
    players = Players(music)
    await voice_servers(music)
    northern = documents.nodes({"region": NORTH}) | {"metadata": {"name": FAR}}
    with music.changed("musicbot", BOT, {"regions": REGIONS}):
        belongings.apply(music.cluster, SPACE, northern)
        await asyncio.to_thread(music.settle)
        await players.told_of(NORTHERN, music.bot_id)

        async with hearing.control(music) as noise:
            stays, follows = await played(music, FAR), await played(music, FAR)
            unlisted = await played(music)
            assert [await players.node_of(one) for one in (stays, follows, unlisted)] == [
                NORTHERN,
                NORTHERN,
                FIRST,
            ]
            await music.discord.move_voice_server(follows.guild.id, NEAR, bot=str(music.bot_id))
            await comes_to(players, follows, FIRST)
            await plays_on(follows, stays)

            # Where no node of the right region is left, any takes it.
            await asyncio.to_thread(belongings.delete, music.cluster, SPACE, f"lln/{FAR}")
            await comes_to(players, stays, FIRST)
            await plays_on(stays, unlisted)

        # Discord itself ended the call that changed its voice server.
        await hearing.moved(follows, noise, planned=False)
        await hearing.moved(stays, noise, planned=True)
        await hearing.unbroken(unlisted, noise)
        for hall in (stays, follows, unlisted):
            await hall.type("leave", timeout=PATIENCE)
    await asyncio.to_thread(music.settle)
