import pytest

from legato_operator import reading


@pytest.mark.parametrize(
    ("spec", "follows"),
    [
        ({}, False),
        ({"upgrade": "Manual"}, False),
        ({"upgrade": "Automatic"}, True),
        ({"upgrade": "Automatic", "paused": True}, False),
    ],
)
def test_a_bot_that_takes_no_release_by_itself_holds_up_nobody(
    spec: dict[str, object], follows: bool
) -> None:
    found = {"metadata": {"namespace": "music", "name": "melody"}, "spec": spec}

    assert reading.peer(found).follows is follows
