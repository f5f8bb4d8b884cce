import dataclasses

import msgspec

from legato_operator import directing
from legato_operator.resources.musicbot import Region
from legato_operator.resources.shared import LabelSelector
from legato_operator.seen import Bot
from support_operator_model import Model

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


def test_nodes_that_answer_are_counted_by_region_and_none_are_known_where_none_serve() -> None:
    europe = Region(name="europe")

    assert directing.ready_nodes(seen_with(europe, AMERICA)) == {"europe": 1, "america": None}
