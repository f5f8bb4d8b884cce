"""Who may own things, by the rule; the script that keeps the roll must do what the rule says."""

from dataclasses import replace
from datetime import timedelta

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from legato.protocol import roll as rules
from legato.protocol.lease import CALL, RENEW
from legato.protocol.roll import READY_AFTER, Member, Roll, Stay, assembles_in, eligible
from support_scripts import Scripts

KEY = "{7}:members:audio"
START = 1_764_000_000_000
SILENT, FORGET = 10_000, 600_000
NOW = 100_000


def member(name: str, since: int = 0, seen: int = NOW, weight: float = 1, draining: bool = False):
    return Member(name, since, seen, weight, draining)


def test_who_has_read_the_roll_since_has_heard() -> None:
    roll = Roll(NOW, (member("one", seen=5), member("two", seen=7), member("silent", seen=1)))

    assert roll.heard({"one", "two"}, since=4)
    assert not roll.heard({"one", "two"}, since=5)
    assert roll.heard(set(), since=NOW)


def test_only_the_living_ready_and_staying_may_own() -> None:
    roll = Roll(
        NOW,
        (
            member("ready", weight=0.5),
            member("young", since=NOW - 4_999),
            member("dead", seen=NOW - 10_001),
            member("leaving", draining=True),
            member("weightless", weight=0),
        ),
    )

    assert eligible(roll) == {"ready": 0.5}


def test_who_is_alone_may_own_at_once() -> None:
    young = Member("young", since=99_000, seen=100_000, weight=1.0, draining=False)
    other = Member("other", since=99_500, seen=100_000, weight=1.0, draining=False)
    leaving = Member("leaving", since=1_000, seen=100_000, weight=1.0, draining=True)

    assert eligible(Roll(100_000, (young,))) == {"young": 1.0}
    assert eligible(Roll(100_000, (young, leaving))) == {"young": 1.0}
    assert eligible(Roll(100_000, (young, other))) == {}


def test_a_stay_begins_anew_where_the_roll_does_whatever_the_clock_of_redis_says() -> None:
    stay = Stay().seen(Roll(NOW, (member("me", since=5),)), "me", now=3.0)

    later = stay.seen(Roll(NOW + 60_000, (member("me", since=5),)), "me", now=5.0)
    anew = later.seen(Roll(NOW, (member("me", since=NOW),)), "me", now=6.0)

    assert later.lasts(timedelta(seconds=2), now=5.0)
    assert not later.lasts(timedelta(seconds=3), now=5.0)
    assert not anew.lasts(timedelta(milliseconds=1), now=6.0)


def test_owners_are_known_again_once_a_hung_renewal_and_the_next_have_passed() -> None:
    assert assembles_in() == RENEW + CALL > READY_AFTER
    assert assembles_in(timedelta(seconds=30)) == timedelta(seconds=30)
    assert assembles_in(timedelta(0)) == timedelta(0), "its supervisor says that it is alone"


calls = st.lists(
    st.one_of(
        st.tuples(st.sampled_from("abc"), st.sampled_from([1.0, 0.25, 0.0]), st.booleans()),
        st.sampled_from([-3_000, 1, 9_999, 10_001, 600_001]),
    ),
    max_size=25,
)


@settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    max_examples=100,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=calls)
def test_the_script_of_the_roll_does_what_the_rule_says(scripts: Scripts, calls: list) -> None:
    now, kept = START, dict[str, Member]()
    scripts.empty(now=now)
    for call in calls:
        if isinstance(call, int):
            now += call
            scripts.set_clock(now)
            continue
        name, weight, draining = call
        me = Member(name, now, now, weight, draining)
        found = rules.beat(kept, me, silent=SILENT, forget=FORGET)
        kept = {one.name: one for one in found.members}
        answer = scripts.run("beat", [KEY], name, repr(weight), int(draining), SILENT, FORGET)
        assert _read(answer) == replace(found, members=tuple(sorted(found.members, key=str)))


def _read(answer: object) -> Roll:
    assert isinstance(answer, list)
    now, *flat = (part.decode() for part in answer)
    members = []
    for name, record in zip(flat[::2], flat[1::2], strict=True):
        since, seen, weight, draining = record.split(" ")
        members.append(Member(name, int(since), int(seen), float(weight), draining == "1"))
    return Roll(int(now), tuple(sorted(members, key=str)))


def test_who_was_heard_of_late_is_alive_whatever_it_may_own() -> None:
    roll = Roll(NOW, (member("a"), member("leaving", draining=True), member("dead", seen=0)))

    assert roll.alive(within=timedelta(milliseconds=SILENT)) == 2
