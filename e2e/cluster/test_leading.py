"""Two operators at a real API server: one acts; the other takes over from one that is no more."""

import dataclasses
import itertools
import json
import os
import signal
import sys
import time
import urllib.error
import urllib.request
from collections.abc import Callable, Iterator, Mapping
from datetime import datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any

import pytest
import yaml

import support_operator
from legato.embedded.child import Child, Program
from legato.embedded.ports import Claims
from legato_cluster import audit
from legato_cluster.control_plane import ControlPlane
from legato_operator.lease import NAME
from support_servers import end
from support_waiting import PATIENCE

LONG = {"LEASE_DURATION": "20s", "LEASE_RENEW_WITHIN": "15s", "LEASE_RETRY": "1s"}
"""Terms longer than the usual ones: on a machine that does much else a call may take seconds."""
USUAL: Mapping[str, str] = {}
WITHIN = 15.0
"""Seconds after the last renewal within which who stands by leads, by the usual terms."""
RETRY = 2.0
"""Seconds between two looks of who stands by, by the usual terms."""
OPERATOR = ("-m", "legato_operator")
OTHERWISE = """
import runpy
from legato_operator.desired import pods
pods.LOST_AFTER += 1
runpy.run_module("legato_operator", run_name="__main__")
"""
NEWER = ("-c", OTHERWISE)
"""One that makes other pods of the same wishes."""
READS = frozenset({"get", "list", "watch"})
Json = Any


@dataclasses.dataclass
class Room:
    """A cluster with room for operators beside each other."""

    cluster: ControlPlane
    folder: Path
    claims: Claims = dataclasses.field(default_factory=Claims)
    operators: dict[str, Child] = dataclasses.field(default_factory=dict)
    ports: dict[str, int] = dataclasses.field(default_factory=dict)

    def start(
        self, name: str, terms: Mapping[str, str] = USUAL, program: tuple[str, ...] = OPERATOR
    ) -> None:
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
            **terms,
        }
        command = (sys.executable, *program)
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
        return [
            f"{one['verb']} {one['requestURI']}"
            for one in audit.entries(self.cluster.audit_log, name)
            if one["verb"] not in READS and one["objectRef"]["resource"] not in {"leases", "events"}
        ]

    def leases(self, name: str, *verbs: str) -> list[tuple[float, float]]:
        """List when an operator's calls about the Lease that were granted began and ended."""
        return [
            (_seconds(one["requestReceivedTimestamp"]), _seconds(one["stageTimestamp"]))
            for one in audit.entries(self.cluster.audit_log, name)
            if one.get("objectRef", {}).get("resource") == "leases"
            and one["verb"] in verbs
            and one["responseStatus"]["code"] < HTTPStatus.BAD_REQUEST
        ]

    def looked(self, name: str, group: str, times: int = 2) -> None:
        """Wait until an operator has begun so many looks more at a group."""

        def looks() -> int:
            entries = audit.entries(self.cluster.audit_log, name)
            path = f"/lavalinknodes/{group}"
            return sum(one["verb"] == "get" and one["requestURI"].endswith(path) for one in entries)

        wanted = looks() + times
        self.until(lambda: looks() >= wanted, f"{times} looks at {group}")

    def log(self, name: str) -> str:
        return (self.folder / f"{name}.log").read_text()


def _seconds(said: str) -> float:
    return datetime.fromisoformat(said).timestamp()


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
    room.start("first", LONG)
    room.until(lambda: room.holder() == "first", "a leader")
    room.start("second")
    room.until(lambda: room.asks("second", "readyz") == 200, "a second operator")
    room.group("berlin")

    room.until(lambda: "statefulset.apps/berlin" in room.sets(), "nodes")

    assert room.holder() == "first"
    assert room.writes("first")
    assert room.writes("second") == []


def test_a_leader_that_was_frozen_does_nothing_when_it_thaws(room: Room) -> None:
    room.signal("first", signal.SIGSTOP)
    room.group("rome")
    room.until(lambda: room.holder() == "second", "another leader")
    room.until(lambda: "statefulset.apps/rome" in room.sets(), "nodes")
    before = room.writes("first")

    room.signal("first", signal.SIGCONT)
    room.group("oslo")
    room.until(lambda: "leads no more" in room.log("first"), "a leader that knows it is none")
    room.until(lambda: "statefulset.apps/oslo" in room.sets(), "nodes")

    assert room.holder() == "second"
    assert room.writes("first") == before


def test_who_stands_by_takes_over_from_one_that_is_killed_and_changes_no_nodes_though_newer(
    room: Room,
) -> None:
    form = "jsonpath={.metadata.generation} {..tolerations[*].tolerationSeconds}"
    read = ("get", "statefulset", "berlin", "-o", form)
    before = room.run(*read)
    room.start("newer", program=NEWER)
    room.until(lambda: room.asks("newer", "readyz") == 200, "a newer operator")
    room.signal("first", signal.SIGSTOP)  # it would only be later
    room.signal("second", signal.SIGKILL)
    room.until(lambda: room.holder() == "newer", "another leader")
    room.signal("first", signal.SIGCONT)

    room.run("delete", "poddisruptionbudget/berlin", "service/berlin")
    there = ("get", "service/berlin", "poddisruptionbudget/berlin", "--ignore-not-found", "-o")
    room.until(lambda: len(room.run(*there, "name").split()) == 2, "what somebody removed")
    room.looked("newer", "berlin")
    assert room.run(*read) == before

    room.run("patch", "lln", "berlin", "--type=merge", "-p", '{"spec": {"heap": "300Mi"}}')
    room.until(lambda: room.run(*read) != before, "nodes as the newer one makes them")
    assert room.run(*read).split()[1:] == ["11", "11"]
    assert vacancy(room, "second", "newer") <= WITHIN


def vacancy(room: Room, one: str, other: str) -> float:
    """Say how many seconds after one's last renewal another took the Lease, by the audit log.

    What the other looked later than it wants to is left out: that is the machine's doing.
    """
    renewed = max(end for _, end in room.leases(one, "create", "update"))
    taken = min(begin for begin, _ in room.leases(other, "create", "update"))
    looks = [begin for begin, _ in room.leases(other, "get") if begin < taken]
    before = max((at for at in looks if at < renewed), default=renewed)
    looks = [before, *(at for at in looks if at > before)]
    late = sum(max(0.0, b - a - RETRY) for a, b in itertools.pairwise(looks)) + taken - looks[-1]
    return taken - renewed - late


def test_a_leader_that_is_told_to_end_hands_over_at_once(room: Room) -> None:
    room.signal("newer", signal.SIGTERM)

    room.until(lambda: room.holder() == "first", "another leader")
    room.until(lambda: room.operators["newer"].code is not None, "an end")
    assert room.operators["newer"].code == 0
    assert "lease released" in room.log("newer")
