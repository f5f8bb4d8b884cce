from decimal import Decimal

import pytest

from legato_operator.desired import manifest
from legato_operator.desired.manifest import covers


def test_what_the_api_server_adds_changes_nothing() -> None:
    wanted = {"spec": {"ports": [{"name": "http", "port": 80}], "empty": {}}}
    live = {"spec": {"ports": [{"name": "http", "port": 80, "protocol": "TCP"}], "type": "x"}}

    assert covers(live, wanted)


def test_a_changed_or_missing_field_is_seen() -> None:
    assert not covers({"a": {"b": 2}}, {"a": {"b": 1}})
    assert not covers({"a": {}}, {"a": {"b": 1}})
    assert not covers({"a": []}, {"a": [1]})


def test_entries_are_found_by_their_name() -> None:
    live = [{"name": "theirs", "value": "1"}, {"name": "ours", "value": "2"}]

    assert covers({"env": live}, {"env": [{"name": "ours", "value": "2"}]})
    assert not covers({"env": live}, {"env": [{"name": "ours", "value": "3"}]})


@pytest.mark.parametrize(
    ("one", "other"), [("1024Mi", "1Gi"), ("1000m", "1"), ("0.5", "500m"), ("1k", "1000")]
)
def test_a_quantity_may_be_written_otherwise(one: str, other: str) -> None:
    assert covers(one, other)


def test_quantities_are_read() -> None:
    assert manifest.bytes_of("1Gi") == Decimal(1024**3)
    with pytest.raises(ValueError, match="no quantity"):
        manifest.bytes_of("much")


def test_the_hash_is_of_the_content_and_not_of_its_order() -> None:
    one = {"kind": "X", "metadata": {"name": "a"}, "spec": {"b": 1, "c": 2}}
    same = {"spec": {"c": 2, "b": 1}, "metadata": {"name": "a"}, "kind": "X"}

    assert manifest.stamped(one) == manifest.stamped(same)
    assert manifest.stamped(one) != manifest.stamped(one | {"spec": {}})
