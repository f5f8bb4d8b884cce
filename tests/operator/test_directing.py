import dataclasses

import msgspec

from legato.contracts.partitions import DEFAULT_REGION
from legato_operator import directing, scaling, tiers
from legato_operator.desired.frame import Frame
from legato_operator.resources.musicbot import Region
from legato_operator.resources.shared import LabelSelector
from legato_operator.rollout import Step
from legato_operator.seen import Bot
from support_operator_model import Model, changed

AMERICA = Region(
    name="america",
    voice_regions=("us-east",),
    lavalink_nodes=LabelSelector(match_labels={"place": "dallas"}),
)


def seen_with(*regions: Region, **labels: str) -> Bot:
    model = Model()
    model.settle()
    seen = model.bot()
    (group,) = seen.groups
    spec = msgspec.structs.replace(seen.spec, regions=regions)
    return dataclasses.replace(seen, spec=spec, groups=(dataclasses.replace(group, labels=labels),))


def test_a_voice_region_leads_to_the_region_that_lists_it() -> None:
    europe = Region(name="europe", voice_regions=("frankfurt", "rotterdam"))

    found = directing.voice_regions(seen_with(europe, AMERICA).spec)

    assert found == {"frankfurt": "europe", "rotterdam": "europe", "us-east": "america"}


def test_a_node_is_of_the_region_of_the_bot_that_chose_it() -> None:
    model = Model()
    seen = seen_with(AMERICA, place="dallas")

    said = directing.document(seen, [], model.now)

    assert said is not None
    assert [(one.name, one.region) for one in said.nodes] == [("berlin-0", "america")]
    assert said.regions == {"us-east": "america"}


def test_each_roll_is_named_as_its_members_name_it() -> None:
    model = Model()
    regions = (Region(name="europe"), Region(name=DEFAULT_REGION))
    model.bot_spec = msgspec.structs.replace(model.bot_spec, regions=regions)
    seen = model.bot()
    frame = Frame(seen.owner, seen.spec, "1.2.3")
    held = scaling.Decision(1, "Fits", "", scaling.Past())
    tiers_of = tiers.of_audio(seen, frame, {one.name: held for one in regions}, ())
    slow = [
        dataclasses.replace(one, step=Step({}, handovers=count))
        for count, one in zip((1, 3), tiers_of, strict=True)
    ]

    said = directing.document(seen, slow, model.now)

    assert said is not None
    assert [said.most_handovers(one) for one in ("audio:europe", "audio")] == [1, 3]


def test_nodes_that_answer_are_counted_by_region_and_none_are_known_where_none_serve() -> None:
    europe = Region(name="europe")

    assert directing.ready_nodes(seen_with(europe, AMERICA)) == {"europe": 1, "america": None}


def test_nodes_that_serve_a_bot_no_longer_are_emptied_before_it_forgets_them() -> None:
    model = Model()
    model.settle()
    model.play(5)
    model.turns(2)
    elsewhere = LabelSelector(match_labels={"place": "elsewhere"})

    changed(model, regions=(Region(name="europe", lavalink_nodes=elsewhere),))
    model.turns(3)

    assert model.directive is not None
    (told,) = model.directive.nodes
    assert (told.name, told.cordoned, told.drain_deadline > 0) == ("berlin-0", True, True)
    assert list(model.group().fleets) == ["melody"]
    model.play(0)
    model.settle()
    assert model.directive.nodes == ()
    assert model.group().fleets == {}
    assert model.violations == []


def test_a_bot_whose_redis_is_away_is_of_the_groups_that_it_was_of() -> None:
    seen = seen_with(AMERICA)
    (group,) = seen.groups

    assert directing.uses(seen.spec, group, None, before=True)
    assert not directing.uses(seen.spec, group, None, before=False)


def test_a_node_on_the_line_stays_though_no_list_shows_its_pod() -> None:
    model = Model()
    model.settle()
    model.play(5)
    model.turns(2)
    told = model.directive

    model.unseen = {"berlin-0"}
    model.turns(3)

    assert model.directive == told
    assert model.violations == []
