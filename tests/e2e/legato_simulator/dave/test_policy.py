import pytest

from legato_simulator.dave.policy import Policy, refusal, version


@pytest.mark.parametrize(
    ("policy", "clients", "expected"),
    [
        (Policy.REQUIRED, [1, 1], 1),
        (Policy.OPTIONAL, [1, 1], 1),
        (Policy.OPTIONAL, [1, 0], 0),
        (Policy.OFF, [1, 1], 0),
        (Policy.OPTIONAL, [], 1),
    ],
)
def test_a_call_speaks_what_all_in_it_can(policy: Policy, clients: list[int], expected: int):
    assert version(policy, clients) == expected


def test_only_where_it_is_required_a_client_without_is_refused():
    assert [refusal(each, 0) for each in Policy] == [0, 0, 4017]
    assert [refusal(each, 1) for each in Policy] == [0, 0, 0]
