"""The ownership protocol as a whole, checked by itself: who drives, what is done, what gets stuck.

Workers with clocks of their own, one Redis and one node are simulated; what they decide is decided
by the product's own functions (`legato.protocol`, `rendezvous`, `members.eligible`), which the
tests of those hold to the Lua that guards. `make soak` tries 5,000 histories.
"""

import os
from dataclasses import fields

import pytest
from hypothesis import HealthCheck, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, rule, run_state_machine_as_test

from support_sim_servers import Broken, Rules
from support_sim_world import GUILDS, WORKERS, Step, World, replay

SOAK = os.environ.get("LEGATO_SOAK") == "1"
HISTORIES = 5_000 if SOAK else 50
"""How many are tried; the same ones each time, unless it may take long."""

TWO = [("start", "w0"), ("start", "w1"), ("run", 3_000)]
PLAYING = [*TWO, ("command", 1), ("command", 2), ("command", 3)]
ENDING = [("track_ends", 1), ("track_ends", 2), ("track_ends", 3)]

NOTICED: dict[str, tuple[str, int, list[Step]]] = {
    "fencing": (
        "fencing", 0,
        [*TWO, ("command", 1), ("command", 3), ("run", 5_000), ("track_ends", 1), ("run", 2),
         ("freeze", "w0"), ("run", 40_000), ("thaw", "w0"), ("run", 5_000)],
    ),
    "position": (
        "nothing is undone", 2,
        [("start", "w0"), ("run", 3_000), ("network", "wild"), *[("command", 1)] * 5,
         ("run", 60_000)],
    ),
    "seen": (
        "once", 1,
        [("start", "w0"), ("run", 3_000), ("network", "wild"), ("command", 1), ("run", 30_000)],
    ),
    "steady": (
        "owners renew first", 0,
        [("start", "w0"), ("run", 3_000), ("start", "w1"), ("run", 8_050), ("away",),
         ("run", 9_000), ("back",), ("run", 5_000)],
    ),
    "settle": (
        "settling", 0,
        [("start", "w0"), ("run", 40_000), ("away",), ("run", 8_000), ("back",), ("start", "w1"),
         ("run", 30_000)],
    ),
    "epochs": (
        "epochs grow", 0,
        [("start", "w0"), ("run", 3_000), ("empty",), ("crash", "w0"), ("start", "w1"),
         ("run", 30_000)],
    ),
    "owners_first": (
        "past its lease", 0,
        [("start", "w0"), ("start", "w1"), ("command", 1), ("command", 2), ("command", 3),
         ("run", 15_300), *ENDING, ("empty",), ("run", 3_000)],
    ),
    "assembles": (
        "past its lease", 0,
        [("start", "w0"), ("run", 3_000), ("command", 1), ("command", 2), ("command", 3),
         ("run", 14_100), *ENDING, ("empty",), ("start", "w1"), ("run", 3_000)],
    ),
    "again": (
        "past its lease", 1,
        [*PLAYING, ("run", 8_300), ("freeze", "w0"), ("run", 40_000), ("empty",), ("thaw", "w0"),
         *ENDING, ("run", 3_000)],
    ),
    "deadline": (
        "past its lease", 5,
        [*TWO, ("command", 1), ("command", 3), ("run", 5_000), ("freeze", "w1"), ("run", 40_000),
         ("network", "slow"), ("thaw", "w1"), ("run", 9_000)],
    ),
    "missed": (
        "past its lease", 0,
        [*TWO, ("command", 1), ("command", 3), ("run", 5_000), ("away",), ("run", 5_000),
         ("freeze", "w0"), ("back",), ("run", 30_000), ("network", "slow"), ("thaw", "w0"),
         ("run", 9_000)],
    ),
    "isolation": (
        "one driver", 0,
        [*TWO, ("command", 1), ("command", 3), ("run", 5_000), ("cut", "w0", "redis"),
         ("run", 100_000)],
    ),
    "search": (
        "one driver", 0,
        [*TWO, ("command", 1), ("run", 5_000), ("freeze", "w0"), ("run", 40_000)],
    ),
    "heed": (
        "stuck", 19,
        [*TWO, ("command", 1), ("command", 3), ("run", 3_000), ("command", 1), ("run", 290),
         ("freeze", "w0"), ("run", 40_000), ("command", 1), ("run", 5_000), ("thaw", "w0"),
         ("run", 5_000)],
    ),
    "permits": (
        "permits", 0,
        [("start", "w0"), ("run", 3_000), ("start", "w1"), ("start", "w2"), ("run", 60_000)],
    ),
}  # fmt: skip
"""Rule -> the promise that breaks without it, and a history that shows it."""

FOUND: dict[str, tuple[int, list[Step]]] = {
    "of two that poll for what Redis lost, its owner comes first": (
        1011,
        [("start", "w0"), ("start", "w1"), ("command", 1), ("run", 12_000), ("run", 5_000),
         ("track_ends", 1), ("empty",)],
    ),
    "who was frozen takes nothing by what it saw before": (
        0,
        [*PLAYING, ("run", 8_300), ("freeze", "w1"), ("run", 40_000), ("empty",), ("thaw", "w1"),
         *ENDING, ("run", 3_000)],
    ),
    "who was frozen drives no more because its first renewal then finds no Redis": (
        0,
        [*TWO, ("command", 1), ("command", 3), ("run", 5_000), ("freeze", "w0"), ("run", 40_000),
         ("cut", "w0", "redis"), ("thaw", "w0"), *ENDING, ("run", 9_000)],
    ),
    "who was frozen renews nothing that Redis lost since another took it": (
        107,
        [*TWO, ("command", 3), ("command", 1), ("command", 1), ("run", 100), ("network", "slow"),
         ("empty",), ("freeze", "w0"), ("command", 1), ("command", 1), ("run", 80_000),
         ("empty",)],
    ),
}  # fmt: skip
"""Histories that once broke a promise under all rules."""


@pytest.mark.parametrize("name", [one.name for one in fields(Rules)])
def test_the_model_notices_when_a_rule_is_missing(name: str) -> None:
    promise, seed, steps = NOTICED[name]

    with pytest.raises(Broken, match=f"^{promise}:"):
        replay(seed, steps, Rules(**{name: False}))
    replay(seed, steps)


@pytest.mark.parametrize("name", FOUND)
def test_what_once_broke_a_promise_breaks_none(name: str) -> None:
    replay(*FOUND[name])


class Protocol(RuleBasedStateMachine):
    """What may befall it, in any order; at the end all faults end, and all must come right."""

    @initialize(seed=st.integers(0, 1_000), second=st.booleans(), guild=st.sampled_from([*GUILDS]))
    def begin(self, seed: int, second: bool, guild: int) -> None:
        self.seed, self.history = seed, list[Step]()
        self.world = World(seed)
        self.let(("start", "w0"))
        if second:
            self.let(("start", "w1"))
        self.let(("run", 3_000))
        self.let(("command", guild))

    def let(self, step: Step) -> None:
        self.history.append(step)
        self.world.take([step])

    @rule(ms=st.sampled_from([100, 1_000, 5_000, 12_000, 20_000, 40_000, 80_000]))
    def run(self, ms: int) -> None:
        self.let(("run", ms))

    @rule(guild=st.sampled_from([*GUILDS]), ms=st.sampled_from([0, 100, 2_000]))
    def command(self, guild: int, ms: int) -> None:
        self.let(("command", guild))
        self.let(("run", ms))

    @rule(guild=st.sampled_from([*GUILDS]))
    def track_ends(self, guild: int) -> None:
        self.let(("track_ends", guild))

    @rule(
        what=st.sampled_from(["start", "crash", "stop", "freeze", "thaw"]),
        name=st.sampled_from(WORKERS),
    )
    def worker(self, what: str, name: str) -> None:
        self.let((what, name))

    @rule(name=st.sampled_from(WORKERS), server=st.sampled_from(["redis", "node"]))
    def cut(self, name: str, server: str) -> None:
        self.let(("cut", name, server))

    @rule()
    def mend(self) -> None:
        self.let(("mend",))

    @rule(mode=st.sampled_from(["calm", "slow", "lossy", "wild"]))
    def network(self, mode: str) -> None:
        self.let(("network", mode))

    @rule(what=st.sampled_from(["away", "back"]))
    def redis(self, what: str) -> None:
        self.let((what,))

    @rule()
    def empty(self) -> None:
        self.let(("empty",))

    @rule()
    def restart_node(self) -> None:
        self.let(("restart_node",))

    @rule(ms=st.sampled_from([-3_000, 3_000, 15_000, 60_000]))
    def clock(self, ms: int) -> None:
        self.let(("clock", ms))

    def teardown(self) -> None:
        if hasattr(self, "world"):
            note(f"replay({self.seed}, {self.history})")
            self.world.settle()


def test_one_drives_nothing_is_lost_or_doubled_and_nobody_is_stuck() -> None:
    run_state_machine_as_test(
        Protocol,
        settings=settings(
            max_examples=HISTORIES,
            stateful_step_count=20,
            deadline=None,
            derandomize=not SOAK,
            suppress_health_check=list(HealthCheck),
        ),
    )
