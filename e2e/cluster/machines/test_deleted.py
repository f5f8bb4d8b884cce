"""Nodes, a bot and a whole namespace are deleted while they play: in order, and nothing is left."""

import asyncio
import base64
import dataclasses
import json
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio

from legato_cluster import belongings, waiting
from legato_cluster.belongings import OF_BOT, OF_NODES
from legato_cluster.platform import GONE, SPACE, Platform
from legato_machine import hearing
from legato_machine.conditions import until

PATIENCE = 300.0
PASSING = "passing"
TRACK = "tone-6-900s.ogg"
pytestmark = pytest.mark.asyncio(loop_scope="module")
Json = Any


async def gone(music: Platform, space: str, label: str, name: str) -> None:
    """Wait until nothing belongs to a resource any more."""

    def look() -> bool:
        return not belongings.left(music.cluster, space, label, name)

    await asyncio.to_thread(waiting.until, look, f"nothing to be left of {name}")


async def deleted(music: Platform, *resources: str) -> None:
    await asyncio.to_thread(belongings.delete, music.cluster, SPACE, *resources)


async def settled(music: Platform, machine: str = "") -> None:
    await asyncio.to_thread(music.settle, machine)


@pytest_asyncio.fixture(loop_scope="module")
async def berlin(music: Platform) -> AsyncIterator[Json]:
    """What the nodes ask for; they are there again afterwards."""
    wanted = belongings.wanted(music.cluster, SPACE, "lavalinknode", "berlin")
    yield wanted
    belongings.apply(music.cluster, SPACE, wanted)
    await settled(music)


@dataclasses.dataclass(frozen=True)
class Passing:
    """A namespace with what another bot needs, and what is to be applied there."""

    platform: Platform
    wanted: list[Json]

    def begins(self) -> None:
        """Ask for the bot and its nodes, unless that was done."""
        belongings.apply(self.platform.cluster, PASSING, *self.wanted)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def passing(music: Platform) -> Passing:
    bot = await music.discord.make_bot("Passing")
    music.cluster.run("create", "namespace", PASSING)
    belongings.apply(music.cluster, PASSING, *secrets(music, bot.token))
    nodes = belongings.wanted(music.cluster, SPACE, "lavalinknode", "berlin")
    return Passing(music.of(int(bot.id)), [nodes, melody_of(music, bot.id)])


async def test_nodes_that_are_deleted_first_hand_over_their_music(
    music: Platform, berlin: Json
) -> None:
    hall = await music.hall()
    hamburg = berlin | {"metadata": {"name": "hamburg"}}

    async with hearing.control(music) as noise:
        await hall.play(TRACK, timeout=PATIENCE)
        await hall.hears(6, after=2000, timeout=PATIENCE)
        belongings.apply(music.cluster, SPACE, hamburg)
        await settled(music)
        heard = await hall.hears(6, timeout=PATIENCE)
        await deleted(music, "lavalinknode/berlin")
        await gone(music, SPACE, OF_NODES, "berlin")
        await hall.hears(6, after=heard.ms + 5000, timeout=PATIENCE)

    await hearing.moved(hall, noise, planned=True)
    await hall.type("stop", timeout=PATIENCE)
    belongings.apply(music.cluster, SPACE, berlin)
    await settled(music)
    await deleted(music, "lavalinknode/hamburg")
    await gone(music, SPACE, OF_NODES, "hamburg")


async def test_the_last_nodes_play_on_until_their_time_is_over(
    music: Platform, berlin: Json, passing: Passing
) -> None:
    """Nobody can take their music: it ends at the deadline, and goes on with the next nodes."""
    hall = await music.hall()
    music.kubectl(
        "patch", "lln/berlin", "--type=merge", "-p", '{"spec":{"drain":{"deadlineSeconds":10}}}'
    )
    await settled(music)

    async with hearing.control(music) as noise:
        await hall.play(TRACK, timeout=PATIENCE)
        heard = await hall.hears(6, after=2000, timeout=PATIENCE)
        music.kubectl("delete", "lln/berlin", "--wait=false")
        await hall.hears(6, after=heard.ms + 3000, timeout=PATIENCE)
    await hearing.unbroken(hall, noise)

    # It comes up while we wait.
    passing.begins()
    await gone(music, SPACE, OF_NODES, "berlin")
    await hall.quiet(timeout=PATIENCE)
    left_off = (await hall.moments()).moments[-1]
    belongings.apply(music.cluster, SPACE, berlin)
    await hall.hears(6, after=left_off.ms + 2000, timeout=PATIENCE)
    hearing.none_lost((await hall.moments()).analysis)
    await hall.type("stop", timeout=PATIENCE)


async def test_a_bot_that_is_deleted_leaves_its_channel_and_goes_with_all_it_had(
    music: Platform,
) -> None:
    hall = await music.hall()
    melody = belongings.wanted(music.cluster, SPACE, "musicbot", "melody")
    await hall.play(TRACK, timeout=PATIENCE)
    await hall.hears(6, after=2000, timeout=PATIENCE)

    await deleted(music, "musicbot/melody")

    await hall.quiet(timeout=PATIENCE)
    people = await music.discord.voice_states(hall.guild.id)
    assert [one["user_id"] for one in people] == [hall.person.id]
    await gone(music, SPACE, OF_BOT, "melody")
    belongings.apply(music.cluster, SPACE, melody)
    await settled(music)
    again = await music.hall()
    await again.play("tone-5-60s.ogg", timeout=PATIENCE)
    await again.hears(5, after=2000, timeout=PATIENCE)
    await again.type("stop", timeout=PATIENCE)


async def test_a_namespace_that_is_deleted_ends_with_all_that_plays_in_it(
    music: Platform, passing: Passing
) -> None:
    second = passing.platform
    passing.begins()
    for one in ("lavalinknode/berlin", "musicbot/melody"):
        await asyncio.to_thread(music.cluster.wait, "-n", PASSING, "--for=condition=Ready", one)

    async def registered() -> bool:
        return bool(await music.discord.commands(str(second.bot_id)))

    await until(registered, what="commands of the passing bot", timeout=PATIENCE)
    hall = await second.hall("Passing Lounge")
    await hall.play(TRACK, timeout=PATIENCE)
    await hall.hears(6, after=2000, timeout=PATIENCE)

    await asyncio.to_thread(music.cluster.run, "delete", "namespace", PASSING, *GONE)

    await hall.quiet(timeout=PATIENCE)
    assert not music.kubectl("get", "namespace", PASSING, "--ignore-not-found")
    await settled(music)


def melody_of(music: Platform, bot: str) -> Json:
    """Make a bot like the one that is there, of another application."""
    found = belongings.wanted(music.cluster, SPACE, "musicbot", "melody")
    return found | {"spec": found["spec"] | {"applicationId": bot, "api": {"replicas": 0}}}


def secrets(music: Platform, token: str) -> list[Json]:
    """Make what a bot needs in another namespace; its servers are the same."""
    servers = {
        name: read(music, name)
        | {"url": read(music, name)["url"].replace(f"@{host}:", f"@{host}.{SPACE}.svc:")}
        for name, host in (("postgres", "postgres"), ("redis", "valkey"))
    }
    trust = {"ca.pem": read(music, "legato-simulator")["ca.pem"]}
    listed = {**servers, "discord": {"token": token}, "legato-simulator": trust}
    return [
        {"apiVersion": "v1", "kind": "Secret", "metadata": {"name": name}, "stringData": said}
        for name, said in listed.items()
    ]


def read(music: Platform, secret: str) -> dict[str, str]:
    found = json.loads(music.kubectl("get", "secret", secret, "-o", "json"))["data"]
    return {key: base64.b64decode(value).decode() for key, value in found.items()}
