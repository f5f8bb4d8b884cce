import asyncio
import json
import pathlib
import re

import pytest
from click.testing import CliRunner, Result

from legato import fleet
from legato import redis as reach
from legato.cli import main
from legato.contracts import keys
from legato.contracts.fleet import Node
from legato.embedded import folder, running
from legato.members import Members

BOT = 12


@pytest.fixture
async def environ(redis: reach.Client, redis_url: str) -> dict[str, str]:
    """Lead to a bot with two nodes and a member."""
    nodes = [
        Node(name=name, url="http://127.0.0.1:1", password="hidden")
        for name in ("node-1", "node-2")
    ]
    await fleet.direct(redis, bot=BOT, nodes=nodes)
    await Members(redis, bot=BOT, component="audio", name="audio-2").beat()
    return {"REDIS_URL": redis_url, "DISCORD_APPLICATION_ID": str(BOT), "LEGATO_DATA": "/nowhere"}


async def run(environ: dict[str, str], *words: str) -> Result:
    """Run a command, which has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, list(words), env=environ)


async def test_nodes_are_shown_in_a_table_and_as_json(environ: dict[str, str]) -> None:
    table = await run(environ, "nodes")
    found = await run(environ, "nodes", "--json")

    assert table.exit_code == 0
    assert table.output.splitlines()[0].split()[:4] == ["node", "region", "cordoned", "draining"]
    assert table.output.splitlines()[1].split()[0] == "node-1"
    assert [row["name"] for row in json.loads(found.output)] == ["node-1", "node-2"]
    assert "hidden" not in table.output + found.output


async def test_members_and_players_are_shown(environ: dict[str, str]) -> None:
    members = await run(environ, "members")
    players = await run(environ, "players")

    assert "audio-2" in members.output
    assert players.output.split() == ["guild", "channel", "track", "position", "node", "paused",
                                      "queue"]  # fmt: skip


async def test_a_member_that_lost_its_power_is_shown_as_dead(
    environ: dict[str, str], redis: reach.Client
) -> None:
    seconds, _ = await redis.time()
    lost, began = (int(seconds) - 130) * 1000, (int(seconds) - 4000) * 1000
    await redis.hset(keys.members(BOT, "audio"), "audio-1", f"{began} {lost} 1.0 0")

    table = await run(environ, "members")
    found = await run(environ, "members", "--json")

    (row,) = (line for line in table.output.splitlines() if "audio-1" in line)
    assert re.match(r"audio-1 \(dead\) +audio +- +2:1\d ago", row)
    assert [(one["name"], one["alive"]) for one in json.loads(found.output)] == [
        ("audio-1", False),
        ("audio-2", True),
    ]


async def test_a_node_is_cordoned_drained_and_used_again(environ: dict[str, str]) -> None:
    cordoned = await run(environ, "nodes", "cordon", "node-1")
    drained = await run(environ, "nodes", "drain", "node-2", "--deadline", "5m")
    await run(environ, "nodes", "uncordon", "node-1")
    away = await run(environ, "nodes", "drain", "node-2", "--deadline", "5m")
    await run(environ, "nodes", "cordon", "node-1")
    shown = json.loads((await run(environ, "nodes", "--json")).output)
    table = await run(environ, "nodes")
    again = await run(environ, "nodes", "uncordon", "node-2")
    after = json.loads((await run(environ, "nodes", "--json")).output)

    assert "node-1 is cordoned" in cordoned.output
    assert "no other node takes players" in drained.output
    assert "move off within 5m" in away.output
    assert [(row["cordoned"], row["draining"]) for row in shown] == [(True, False), (True, True)]
    assert "done" in table.output
    assert "takes players again" in again.output
    assert [row["cordoned"] for row in after] == [True, False]


async def test_a_node_that_is_not_there_and_a_strange_deadline_are_sentences(
    environ: dict[str, str],
) -> None:
    missing = await run(environ, "nodes", "cordon", "node-7")
    strange = await run(environ, "nodes", "drain", "node-1", "--deadline", "soon")

    assert missing.exit_code == 1
    assert "There is no node node-7. Nodes are: node-1, node-2." in missing.output
    assert strange.exit_code == 2
    assert "soon is no length of time. Write one such as 90s, 10m or 1h." in strange.output


async def test_where_nothing_runs_it_says_what_to_do(tmp_path: pathlib.Path) -> None:
    environ = {"LEGATO_DATA": str(tmp_path / "data"), "REDIS_URL": "", "DISCORD_APPLICATION_ID": ""}

    found = await run(environ, "members")

    assert found.exit_code == 1
    assert f"No Legato runs on the data folder {tmp_path}/data." in found.output


async def test_a_running_legato_is_found_by_its_folder(
    environ: dict[str, str], tmp_path: pathlib.Path
) -> None:
    with folder.opened(tmp_path / "data") as data:
        data.part("run")
        running.tell(data, environ)
        alone = {
            "LEGATO_DATA": str(tmp_path / "data"),
            "REDIS_URL": "",
            "DISCORD_APPLICATION_ID": "",
        }
        found = await run(alone, "members")

    assert "audio-2" in found.output
