import pathlib
from collections.abc import Mapping

import msgspec
import pytest

from legato import doctor, fleet
from legato.contracts import keys
from legato.contracts.fleet import Node, Observed, ObservedNode
from legato.doctor import Finding
from legato.embedded import application, folder, ports, running
from legato.members import Members
from legato.overview import Overview
from legato.redis import Client


async def examined(environ: Mapping[str, str]) -> dict[str, Finding]:
    return {finding.name: finding async for finding in doctor.examine(environ)}


@pytest.fixture
def quiet() -> dict[str, str]:
    names = ("GATEWAY_PORT", "AUDIO_PORT", "API_PORT", "WORKER_PORT")
    return {"LEGATO_DATA": "/nowhere/legato", **{name: str(ports.free()) for name in names}}


async def test_an_untouched_machine_is_fine(quiet: dict[str, str]) -> None:
    found = await examined(quiet)

    assert doctor.exit_code(found.values()) == 0
    assert found["PostgreSQL"].text.startswith("embedded, from ")
    assert found["Valkey"].text.startswith("embedded, from ")
    assert "Set DISCORD_TOKEN" in found["Discord"].remedy
    assert found["gateway"].state == "note"


async def test_every_wrong_setting_is_named_with_its_remedy(quiet: dict[str, str]) -> None:
    found = await examined({**quiet, "NODES": "many", "REDIS_URL": "hidden"})

    assert doctor.exit_code(found.values()) == 1
    assert found["NODES"].remedy == "Set NODES to a whole number from 1 to 16"
    assert found["REDIS_URL"].state == "wrong"
    assert "hidden" not in str(found)


async def test_settings_of_every_service_are_checked_before_anything_runs(
    quiet: dict[str, str],
) -> None:
    found = await examined({**quiet, "LEASE_TTL": "soon", "PANEL_EVERY": "0s"})

    assert {found["LEASE_TTL"].state, found["PANEL_EVERY"].state} == {"wrong"}
    assert "DISCORD_TOKEN" not in found
    assert found["Discord"].state == "note"


async def test_a_name_that_is_no_setting_is_told_with_what_was_meant(quiet: dict[str, str]) -> None:
    found = await examined({**quiet, "LEASE_TLT": "4s", "GATEWAY_PROT": "3", "HOME": "/nowhere"})

    assert (found["LEASE_TLT"].state, found["LEASE_TLT"].text) == ("note", "is no setting")
    assert found["LEASE_TLT"].remedy == "Did you mean LEASE_TTL?"
    assert found["GATEWAY_PROT"].remedy == "Did you mean GATEWAY_PORT?"
    assert "HOME" not in found


async def test_services_that_are_told_everything_are_checked_as_they_run_alone(
    quiet: dict[str, str],
) -> None:
    nowhere = f"127.0.0.1:{ports.free()}"
    named = {
        "REDIS_URL": f"redis://{nowhere}/0",
        "DATABASE_URL": f"postgresql://{nowhere}/x",
        "DISCORD_TOKEN": "a.b.hidden",
        "DISCORD_REST_URL": f"http://{nowhere}",
        "DISCORD_APPLICATION_ID": "zero",
    }

    found = await examined({**quiet, **named})

    assert found["DISCORD_APPLICATION_ID"].state == "wrong"


async def test_voice_is_no_worry_with_the_simulator_nor_with_discord(
    quiet: dict[str, str], monkeypatch: pytest.MonkeyPatch
) -> None:
    token = {**quiet, "DISCORD_TOKEN": "a.b.hidden"}
    monkeypatch.setattr(application, "ask", lambda *_, **__: application.Application("1"))

    simulated = await examined({**token, "DISCORD_REST_URL": "http://127.0.0.1:1/api/v10"})
    real = await examined(token)

    assert simulated["Lavalink"].state == "ok"
    assert "simulator's bot" in simulated["Discord"].text
    assert real["Lavalink"].state == "ok"


async def test_what_does_not_answer_is_wrong(quiet: dict[str, str]) -> None:
    nowhere = f"127.0.0.1:{ports.free()}"
    found = await examined(
        {
            **quiet,
            "REDIS_URL": f"redis://:hidden@{nowhere}/0",
            "DATABASE_URL": f"postgresql://user:hidden@{nowhere}/x",
            "LAVALINK_URL": f"http://{nowhere}",
            "DISCORD_TOKEN": "a.b.hidden",
            "DISCORD_REST_URL": f"http://{nowhere}",
        }
    )

    for name in ("Redis", "PostgreSQL", "Lavalink", "Discord"):
        assert found[name].state == "wrong", found[name]
    assert "hidden" not in str(found)


async def test_real_servers_are_seen(
    quiet: dict[str, str], redis_url: str, database_url: str
) -> None:
    found = await examined({**quiet, "REDIS_URL": redis_url, "DATABASE_URL": database_url})

    assert found["Redis"].text.endswith("append-only")
    assert found["PostgreSQL"].text.endswith("its schema fits")


async def test_every_process_and_node_of_a_running_legato_is_named(
    redis: Client, redis_url: str, tmp_path: pathlib.Path
) -> None:
    names = ("node-1", "node-2", "node-3", "node-4")
    nodes = [Node(name=name, url="http://127.0.0.1:1", password="hidden") for name in names]
    await fleet.direct(redis, bot=12, nodes=nodes)
    await fleet.cordon(redis, bot=12, node="node-2")
    await Members(redis, bot=12, component="audio", name="one").beat()
    now = await Overview(redis, bot=12).now()
    reached = tuple(
        ObservedNode(name=name, connected=True, players=3, playing=1) for name in names[:2]
    )
    lost = ObservedNode(name="node-3", players=2)
    report = Observed(member="one", component="audio", at=now, nodes=(*reached, lost))
    await redis.hset(keys.observed(12), report.field, msgspec.json.encode(report))
    told = {"REDIS_URL": redis_url, "DISCORD_APPLICATION_ID": "12"}

    with folder.opened(tmp_path / "data") as data:
        data.part("run")
        running.tell(data, told, {"audio": ports.free(), "audio-2": ports.free()})
        found = await examined({"LEGATO_DATA": str(tmp_path / "data")})

    assert {name for name in found if name.startswith(("audio", "node"))} == {
        "audio", "audio-2", *names,
    }  # fmt: skip
    assert found["node-1"].text == "reached; 3 players, 1 of them playing"
    assert (found["node-2"].state, found["node-2"].remedy) == (
        "note", "legato nodes uncordon node-2",
    )  # fmt: skip
    assert found["node-3"].state == "wrong"
    assert "no audio worker reaches it at http://127.0.0.1:1" in found["node-3"].text
    assert (found["node-4"].state, found["node-4"].text[:10]) == ("ok", "no players")
