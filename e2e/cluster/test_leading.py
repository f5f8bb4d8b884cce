"""Two operators at a real API server: one acts; the other takes over from one that is no more."""

import dataclasses
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
import yaml

import support_operator
from legato.embedded.child import Child, Program
from legato.embedded.ports import Claims
from legato_cluster.control_plane import ControlPlane
from legato_operator.lease import NAME
from support_servers import end
from support_waiting import PATIENCE

TERMS = {"LEASE_DURATION": "20s", "LEASE_RENEW_WITHIN": "15s", "LEASE_RETRY": "1s"}
"""Longer than the usual ones: on a machine that does much else a call may take seconds."""
Json = Any


@dataclasses.dataclass
class Room:
    """A cluster with room for operators beside each other."""

    cluster: ControlPlane
    folder: Path
    claims: Claims = dataclasses.field(default_factory=Claims)
    operators: dict[str, Child] = dataclasses.field(default_factory=dict)
    ports: dict[str, int] = dataclasses.field(default_factory=dict)

    def start(self, name: str) -> None:
        self.ports[name] = self.claims.free()
        config = self.cluster.admit(f"operator-{name}", name, group="system:masters")
        environment = {
            "PATH": os.environ["PATH"],
            "HOME": str(Path.home()),
            "KUBECONFIG": str(config),
            "MEMBER": name,
            "LOOK_AGAIN": "2s",
            "CHECK_TOKENS": "false",
            "OPERATOR_PORT": str(self.ports[name]),
            **TERMS,
        }
        command = (sys.executable, "-m", "legato_operator")
        log = self.folder / f"{name}.log"
        child = Child.start(Program(name, command, log, environment=environment))
        self.operators[name] = child

    def signal(self, name: str, number: int) -> None:
        os.kill(self.operators[name].pid, number)

    def holder(self) -> str:
        done = self.cluster.kubectl("-n", "default", "get", "lease", NAME, "-o", "json")
        if done.returncode:
            return ""
        return str(json.loads(done.stdout)["spec"].get("holderIdentity") or "")

    def run(self, *words: str, stdin: str = "") -> str:
        done = self.cluster.kubectl("-n", "music", *words, stdin=stdin)
        assert done.returncode == 0, done.stderr
        return done.stdout

    def sets(self) -> set[str]:
        return set(self.run("get", "statefulsets", "-o", "name").split())

    def group(self, name: str) -> None:
        found = support_operator.read("smallest_nodes")
        found["metadata"] = {"name": name, "namespace": "music"}
        self.run("apply", "--server-side", "-f", "-", stdin=yaml.safe_dump(found))

    def until(self, look: Callable[[], object], what: str) -> None:
        began = time.monotonic()
        while not look():
            words = [f"{name}: {one.last_words()}" for name, one in self.operators.items()]
            assert time.monotonic() < began + PATIENCE, f"{what}; {words}"
            time.sleep(0.1)

    def asks(self, name: str, page: str) -> int:
        url = f"http://127.0.0.1:{self.ports[name]}/{page}"
        try:
            with urllib.request.urlopen(url, timeout=10) as answer:
                return int(answer.status)
        except urllib.error.HTTPError as error:
            return error.code
        except OSError:
            return 0

    def writes(self, name: str) -> list[str]:
        """List what an operator wrote, by the audit log; Leases and Events aside."""
        lines = self.cluster.audit_log.read_text().splitlines()
        said = [json.loads(line) for line in lines if f'"{name}"' in line]
        return [
            f"{one['verb']} {one['requestURI']}"
            for one in said
            if one["user"]["username"] == name
            and one["verb"] not in {"get", "list", "watch"}
            and one["objectRef"]["resource"] not in {"leases", "events"}
        ]

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


@pytest.fixture(scope="module")
def room(cluster: ControlPlane, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Room]:
    made = cluster.kubectl("create", "namespace", "music")
    assert made.returncode == 0, made.stderr
    one = Room(cluster, tmp_path_factory.mktemp("operators"))
    yield one
    for child in one.operators.values():
        end(child)
    one.claims.close()
    for name in one.operators:
        assert "Traceback" not in one.log(name)


def test_of_two_only_one_acts(room: Room) -> None:
    room.start("first")
    room.until(lambda: room.holder() == "first", "a leader")
    room.start("second")
    room.until(lambda: room.asks("second", "readyz") == 200, "a second operator")
    room.group("berlin")

    room.until(lambda: "statefulset.apps/berlin" in room.sets(), "nodes")

    assert room.holder() == "first"
    assert room.writes("first")
    assert room.writes("second") == []


def test_who_stands_by_acts_after_the_leader_is_killed(room: Room) -> None:
    room.signal("first", signal.SIGKILL)
    room.until(lambda: room.holder() == "second", "another leader")

    room.group("paris")
    room.until(lambda: "statefulset.apps/paris" in room.sets(), "nodes")
    assert room.writes("second")


def test_a_leader_that_was_frozen_does_nothing_when_it_thaws(room: Room) -> None:
    room.start("third")
    room.until(lambda: room.asks("third", "readyz") == 200, "a third operator")
    room.signal("second", signal.SIGSTOP)
    room.group("rome")
    room.until(lambda: room.holder() == "third", "another leader")
    room.until(lambda: "statefulset.apps/rome" in room.sets(), "nodes")
    before = room.writes("second")

    room.signal("second", signal.SIGCONT)
    room.group("oslo")
    room.until(lambda: "leads no more" in room.log("second"), "a leader that knows it is none")
    room.until(lambda: "statefulset.apps/oslo" in room.sets(), "nodes")

    assert room.holder() == "third"
    assert room.writes("second") == before


def test_a_leader_that_is_told_to_end_hands_over_at_once(room: Room) -> None:
    room.signal("third", signal.SIGTERM)

    room.until(lambda: room.holder() == "second", "another leader")
    room.until(lambda: room.operators["third"].code is not None, "an end")
    assert room.operators["third"].code == 0
    assert "lease released" in room.log("third")
