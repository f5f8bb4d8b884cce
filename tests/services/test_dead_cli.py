import asyncio
import json

import pytest
from click.testing import CliRunner, Result

from legato import redis as reach
from legato.cli import main
from legato.contracts import keys
from legato.contracts.partitions import Partition

BOT = 12
LETTER = "default:p1/1764000000000-0"


@pytest.fixture
async def environ(redis: reach.Client, redis_url: str) -> dict[str, str]:
    """Lead to a bot of two partitions, with one letter."""
    await redis.hset(keys.layout(BOT), "partitions:default", "2")
    message = b'{"type":"playback.skip.v1","guild_id":5,"origin":{"token":"t0ps3cret"}}'
    key = keys.dead(Partition(BOT, "default", 1))
    await redis.xadd(key, {"m": message, "why": "its step crashed"}, id="1764000000000-0")
    return {"REDIS_URL": redis_url, "DISCORD_APPLICATION_ID": str(BOT), "LEGATO_DATA": "/nowhere"}


async def run(environ: dict[str, str], *words: str) -> Result:
    """Run a command, which has an event loop of its own."""
    return await asyncio.to_thread(CliRunner().invoke, main, ["dead", *words], env=environ)


async def test_letters_are_listed_and_shown_without_their_tokens(environ: dict[str, str]) -> None:
    listed = await run(environ)
    shown = await run(environ, "show", LETTER)
    both = await run(environ, "--json")
    spelled_out = await run(environ, "list")
    spelled_out_json = await run(environ, "list", "--json")

    assert (spelled_out.output, spelled_out_json.output) == (listed.output, both.output)
    assert listed.output.splitlines()[1].split() == [
        LETTER, "2025-11-24", "16:00:00Z", "playback.skip.v1", "5", "its", "step", "crashed",
    ]  # fmt: skip
    assert json.loads(shown.output)["message"]["origin"] == {"token": "(hidden)"}
    assert [one["name"] for one in json.loads(both.output)] == [LETTER]
    assert "t0ps3cret" not in listed.output + shown.output + both.output


async def test_letters_are_dropped_by_name_or_all_and_never_by_mistake(
    environ: dict[str, str],
) -> None:
    nothing, missing = await run(environ, "drop"), await run(environ, "drop", "default:p1/1-0")
    both = await run(environ, "drop", LETTER, "--all")
    kept = await run(environ, "--json")
    dropped, again = await run(environ, "drop", LETTER), await run(environ, "drop", "--all")

    assert (nothing.exit_code, both.exit_code, missing.exit_code) == (2, 2, 1)
    assert "There is no letter default:p1/1-0. legato dead lists them." in missing.output
    assert len(json.loads(kept.output)) == 1
    assert dropped.output == "1 dropped.\n"
    assert again.output == "There was none.\n"
    assert (await run(environ)).output == "No message was put aside.\n"
