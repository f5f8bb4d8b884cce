import pathlib

import support_operator
from legato_operator.desired import monitoring

ROOT = pathlib.Path(__file__).parents[3]


def test_every_alert_has_a_runbook() -> None:
    for name, *_ in monitoring.ALERTS:
        assert (ROOT / "docs" / "runbooks" / f"{name}.md").is_file()


def test_what_the_cluster_does_not_know_is_not_made() -> None:
    made = support_operator.objects(support_operator.read("smallest_bot"))
    frame_kinds = {one["kind"] for one in made if one["apiVersion"] == monitoring.API}

    assert frame_kinds == monitoring.KINDS
    owner = support_operator.owner(support_operator.read("smallest_nodes"))
    assert monitoring.of_nodes(owner, frozenset()) == []
