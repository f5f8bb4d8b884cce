"""Lists as the API server writes them."""

import msgspec

from legato_operator import listing


def test_a_list_says_when_it_was_and_each_item_what_it_is_whenever_it_is_read() -> None:
    items = [{"metadata": {"name": "one"}}, {"metadata": {"name": "two"}}]
    text = msgspec.json.encode({"metadata": {"resourceVersion": "7"}, "items": items})

    found = listing.read(text, "v1", "Service")

    assert found.version == "7"
    said = {"apiVersion": "v1", "kind": "Service"}
    assert list(found.items) == list(found.items) == [said | one for one in items]


def test_a_list_of_nothing_has_no_items() -> None:
    assert (
        list(listing.read(b'{"metadata":{"resourceVersion":"1"},"items":null}', "v1", "Pod").items)
        == []
    )
