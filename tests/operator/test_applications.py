import dataclasses

import pytest

from legato_operator import applications, bots
from legato_operator.desired.manifest import Owner
from legato_operator.resources.status import BotStatus
from legato_operator.seen import Claim, World
from support_operator_model import WORLD, Model, changed, condition

EARLY, LATE = "2026-11-23T09:00:00Z", "2026-11-23T10:00:00Z"
ME = Owner("MusicBot", "melody", "music", "uid")
OTHER = Claim(EARLY, "jazz", "rhythm")


def world(*claims: Claim) -> World:
    return dataclasses.replace(WORLD, claims=claims)


@pytest.mark.parametrize(
    ("mine", "others", "free"),
    [
        (Claim(LATE, "music", "melody"), [], True),
        (Claim(LATE, "music", "melody"), [OTHER], False),
        (Claim(EARLY, "music", "melody"), [Claim(LATE, "jazz", "rhythm")], True),
        (Claim(EARLY, "music", "melody"), [OTHER], False),
        (Claim(EARLY, "music", "melody"), [Claim(EARLY, "music", "rhythm")], True),
        (Claim(LATE, "music", "melody"), [Claim(EARLY, "music", "melody")], True),
    ],
    ids=["alone", "later", "earlier", "by namespace", "by name", "one that had its name"],
)
def test_the_bot_that_was_made_first_has_its_application(
    mine: Claim, others: list[Claim], free: bool
) -> None:
    said = applications.free(ME, "123", world(mine, *others))

    assert said.ok is free
    assert free or "application 123 is run by MusicBot jazz/rhythm already" in said.why


def test_nothing_is_made_of_a_bot_whose_application_is_in_use() -> None:
    seen = Model().bot()
    late = world(Claim(LATE, seen.owner.namespace, seen.name), OTHER)

    plan = bots.reconcile(seen, late, now=Model().now)

    assert (plan.actions, plan.directive, plan.shards) == ((), None, None)
    assert isinstance(plan.status, BotStatus)
    so = {one.type: (one.status, one.reason) for one in plan.status.conditions}
    assert so["Ready"] == ("False", applications.IN_USE)
    assert so["RolloutBlocked"] == ("True", "ApplicationFree")
    ready = next(one for one in plan.status.conditions if one.type == "Ready")
    assert ready.message.startswith("The application ")
    assert "MusicBot jazz/rhythm already" in ready.message


def test_a_bot_that_runs_already_stays_and_gets_no_more(settled: Model) -> None:
    changed(settled, version="1.3.0")
    seen = settled.bot()
    late = world(Claim(LATE, seen.owner.namespace, seen.name), OTHER)

    plan = bots.reconcile(seen, late, now=settled.now)

    assert plan.actions == ()
    assert plan.directive == settled.directive
    assert plan.status is not None
    settled.settle()
    assert condition(settled, "Ready")[0] == "True"
    assert settled.bot_status.version == "1.3.0"
    assert settled.violations == []
