import dataclasses
from datetime import timedelta

import msgspec

from legato.contracts.fleet import Observed
from legato_operator import bots, tiers
from legato_operator.changes import Apply, Plan
from legato_operator.resources.status import BotStatus
from legato_operator.seen import Bot, Token
from support_operator_model import WORLD, Model, changed, condition, deployments


def made(plan: Plan, component: str) -> list[str]:
    """Name the Deployments of a component that a plan applies."""
    return [
        one.ref.name
        for one in plan.actions
        if isinstance(one, Apply)
        and one.ref.kind == "Deployment"
        and one.ref.name.startswith(f"melody-{component}-")
    ]


def blocked(plan: Plan) -> tuple[str, str]:
    """Say which predicate holds a rollout up, and in which words."""
    assert isinstance(plan.status, BotStatus)
    found = next(one for one in plan.status.conditions if one.type == "RolloutBlocked")
    return found.reason, found.message


def test_a_gateway_begins_only_with_as_many_identifies_as_every_shard_might_need(
    settled: Model,
) -> None:
    settled.secret_hash = "another"
    settled.turn()  # its migration is done
    few = dataclasses.replace(settled.bot(), token=Token("Valid", remaining=65, total=1000))

    held = bots.reconcile(few, WORLD, now=settled.now)
    enough = bots.reconcile(settled.bot(), WORLD, now=settled.now)

    assert (made(held, "gateway"), blocked(held)[0]) == ([], "IdentifyBudget")
    assert "65 identifies are left today" in blocked(held)[1]
    assert "and 16 may be needed" in blocked(held)[1]
    assert len(made(enough, "gateway")) == 1


def test_the_budget_is_asked_before_a_bot_is_laid_out_anew(settled: Model) -> None:
    gateway = msgspec.structs.replace(settled.bot_spec.gateway, shards=32, reshard_to=32)
    changed(settled, gateway=gateway)
    few = dataclasses.replace(settled.bot(), token=Token("Valid", remaining=81, total=1000))

    plan = bots.reconcile(few, WORLD, now=settled.now)

    assert blocked(plan)[0] == "IdentifyBudget"
    assert plan.shards is None
    assert not plan.actions


def test_while_discord_does_not_answer_no_gateway_begins(settled: Model) -> None:
    settled.secret_hash = "another"
    settled.turn()  # its migration is done
    token = Token("Unreachable", "Discord does not answer.")

    plan = bots.reconcile(dataclasses.replace(settled.bot(), token=token), WORLD, now=settled.now)

    assert (made(plan, "gateway"), len(made(plan, "audio"))) == ([], 1)


def without_sessions(seen: Bot, count: int) -> Bot:
    """Have so many of the held shards no session."""
    assert seen.fleet is not None

    def live(one: Observed) -> Observed:
        left = one.shards[: max(0, len(one.shards) - count)]
        return msgspec.structs.replace(one, connected=left) if one.shards else one

    observed = tuple(live(one) for one in seen.fleet.observed)
    return dataclasses.replace(seen, fleet=dataclasses.replace(seen.fleet, observed=observed))


def test_a_rollout_stops_and_says_so_while_too_few_shards_have_resumed(settled: Model) -> None:
    changed(settled, version="1.3.0")
    settled.until(lambda: condition(settled, "RolloutBlocked")[1] == "OldHoldNothing")
    assert len(deployments(settled, "gateway")) == 2

    plan = bots.reconcile(without_sessions(settled.bot(), 5), WORLD, now=settled.now)

    assert blocked(plan)[0] == "Resumed"
    assert "11 of 16 have a session" in blocked(plan)[1]
    assert plan.directive is not None
    assert plan.directive.most_handovers("gateway") == 0
    assert plan.directive.most_handovers("audio:europe") == 2


def test_one_shard_of_16_that_does_not_resume_stops_the_rollout_after_some_seconds(
    settled: Model,
) -> None:
    changed(settled, version="1.3.0")
    settled.until(lambda: condition(settled, "RolloutBlocked")[1] == "OldHoldNothing")
    lacks = without_sessions(settled.bot(), 1)
    first = bots.reconcile(lacks, WORLD, now=settled.now)
    assert blocked(first)[0] == "OldHoldNothing"
    assert isinstance(first.status, BotStatus)

    later = settled.now + tiers.HANDED + timedelta(seconds=2)
    plan = bots.reconcile(dataclasses.replace(lacks, status=first.status), WORLD, now=later)

    assert blocked(plan)[0] == "Resumed"
    assert "15 of 16 have a session" in blocked(plan)[1]
