"""The pure rule and the script, driven by the same calls, must answer alike."""

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from legato.protocol import permits
from support_scripts import Scripts

KEY = "{7}:permits:audio"
START = 1_764_000_000_000
LIFE = 10_000

calls = st.lists(
    st.one_of(
        st.tuples(st.just("take"), st.sampled_from("abcd"), st.integers(0, 3)),
        st.tuples(st.just("back"), st.sampled_from("abcd"), st.just(0)),
        st.tuples(st.just("pass"), st.just(""), st.sampled_from([1, 5_000, 10_000])),
    ),
    max_size=25,
)


@settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    max_examples=40,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=calls)
def test_the_script_of_permits_does_what_the_rule_says(scripts: Scripts, calls: list) -> None:
    now = START
    kept: permits.Permits = {}
    scripts.empty(now=now)
    for name, what, number in calls:
        match name:
            case "take":
                kept, taken = permits.take(kept, what, most=number, now=now, life=LIFE)
                assert scripts.run("permit", [KEY], what, number, LIFE) == int(taken)
            case "back":
                kept = permits.give_back(kept, what)
                scripts.wait(scripts.client.zrem(KEY, what))
            case _:
                now += number
                scripts.set_clock(now)
        found = scripts.wait(scripts.client.zrange(KEY, 0, -1, withscores=True))
        assert {thing.decode(): int(at) for thing, at in found if at > now} == {
            thing: at for thing, at in kept.items() if at > now
        }
