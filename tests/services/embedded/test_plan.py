import pathlib
import socket

import pytest

from legato import settings
from legato.embedded import parts, plan, ports
from legato.embedded.folder import Folder
from legato.embedded.options import Options
from legato.embedded.problems import PortTaken


def made(options: Options, folder: pathlib.Path) -> plan.Plan:
    with ports.Claims() as claims:
        return plan.make(options, Folder(folder), claims)


def test_one_process_serves_everything_unless_more_are_asked_for(tmp_path: pathlib.Path) -> None:
    found = made(Options(), tmp_path)

    assert [one.name for one in found.processes] == ["services"]
    assert list(found.health) == ["gateway", "audio", "api", "worker"]
    assert len(found.nodes) == 1


def test_further_processes_have_names_and_ports_of_their_own(tmp_path: pathlib.Path) -> None:
    found = made(Options(audio=3, gateway=2, nodes=2), tmp_path)

    assert [one.title for one in found.processes] == [
        "gateway, audio, api, worker",
        "audio-2",
        "audio-3",
        "gateway-2",
    ]
    used = [port for one in found.processes for port in one.health.values()]
    used += [found.page, found.database, found.redis, *found.nodes]
    assert len(set(used)) == len(used)


def test_the_page_stays_where_it_was(tmp_path: pathlib.Path) -> None:
    first = made(Options(page_port=ports.free()), tmp_path)

    assert made(Options(), tmp_path).page == first.page


def test_a_port_that_was_asked_for_and_is_in_use_is_refused(tmp_path: pathlib.Path) -> None:
    with socket.create_server((ports.LOOPBACK, 0)) as other:
        taken = other.getsockname()[1]
        with pytest.raises(PortTaken, match="--audio-port"):
            made(Options(audio_port=taken), tmp_path)


@pytest.mark.parametrize("name", ["PAGE_PORT", "API_PORT", "WORKER_PORT", "NODE_PORT"])
def test_a_usual_port_gives_way_to_what_was_asked_for(
    tmp_path: pathlib.Path, monkeypatch: pytest.MonkeyPatch, name: str
) -> None:
    usual = ports.free()
    monkeypatch.setitem(parts.HEALTH_PORTS, "gateway", usual)

    found = made(settings.load(Options, {name: str(usual)}), tmp_path)

    used = [found.page, found.database, found.redis, *found.nodes, *found.health.values()]
    assert used.count(usual) == 1
    assert found.health["gateway"] != usual


def test_a_port_that_is_asked_for_twice_is_refused(tmp_path: pathlib.Path) -> None:
    port = ports.free()

    with pytest.raises(PortTaken, match="asked for twice"):
        made(Options(page_port=port, api_port=port), tmp_path)
    with pytest.raises(PortTaken, match="asked for twice"):
        plan.check(Options(page_port=port, api_port=port))
