"""The pure rules and the scripts, driven by the same calls, must answer alike."""

from dataclasses import dataclass, field

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from legato.protocol import records
from legato.protocol.records import Granted, Record, Ticks
from support_scripts import Scripts

LEASE, TICK = "{7:default:p3}:lease", "{legato}:tick"
START = 1_764_000_000_000
TTL = 10_000

owners = st.sampled_from(["a~1", "a~2", "b~1"])
epochs = st.sampled_from(["last", "older", "newer"])
calls = st.lists(
    st.one_of(
        st.tuples(st.just("acquire"), owners, st.booleans(), st.booleans()),
        st.tuples(st.just("renew"), owners, epochs, st.booleans()),
        st.tuples(st.just("release"), owners, epochs),
        st.tuples(st.just("tick"), st.sampled_from([1_000, 5_000])),
        st.tuples(st.just("pass"), st.sampled_from([-3_000, 0, 1, 4_999, 5_001, 9_999, 10_001])),
        st.tuples(st.just("empty")),
    ),
    max_size=30,
)


@dataclass
class Both:
    """The script's books and ours."""

    scripts: Scripts
    now: int = START
    record: Record | None = None
    ticks: Ticks | None = None
    epochs: list[int] = field(default_factory=lambda: [START])

    def acquire(self, owner: str, take: bool, unknown: bool) -> None:
        answer = self.scripts.run("acquire", [LEASE], owner, TTL, int(take), int(unknown))
        self.record, found = records.acquire(
            self.record, owner=owner, now=self.now, ttl=TTL, take=take, unknown=unknown
        )
        if isinstance(found, Granted):
            self.epochs.append(found.epoch)
            assert answer == [1, str(found.epoch).encode()]
        else:
            assert answer == [0, found.owner.encode(), str(found.age).encode()]

    def renew(self, owner: str, which: str, again: bool) -> None:
        epoch = self._epoch(which)
        answer = self.scripts.run("renew", [LEASE], owner, str(epoch), int(again))
        self.record, found = records.renew(
            self.record, owner=owner, epoch=epoch, now=self.now, again=again
        )
        assert answer == (str(found.epoch).encode() if found else b"")
        if found:
            self.epochs.append(found.epoch)

    def release(self, owner: str, which: str) -> None:
        epoch = self._epoch(which)
        answer = self.scripts.run("release", [LEASE], owner, str(epoch))
        self.record, done = records.release(self.record, owner=owner, epoch=epoch)
        assert answer == int(done)

    def tick(self, longest: int) -> None:
        answer = self.scripts.run("tick", [TICK], longest)
        self.ticks, steady = records.tick(self.ticks, now=self.now, longest=longest)
        assert answer == str(steady).encode()

    def wait(self, ms: int) -> None:
        self.now += ms
        self.scripts.set_clock(self.now)

    def empty(self) -> None:
        self.scripts.empty(now=self.now)
        self.record = self.ticks = None

    def _epoch(self, which: str) -> int:
        return self.epochs[-1] + {"last": 0, "older": -1, "newer": 1}[which]

    def agree(self) -> None:
        kept = self.scripts.wait(self.scripts.client.hgetall(LEASE))
        if self.record is None:
            assert kept == {}
        else:
            assert kept == {
                b"owner": self.record.owner.encode(),
                b"epoch": str(self.record.epoch).encode(),
                b"renewed_at": str(self.record.renewed_at).encode(),
            }


@settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=calls)
def test_the_scripts_of_a_lease_do_what_the_rules_say(scripts: Scripts, calls: list) -> None:
    both = Both(scripts)
    both.empty()
    for name, *args in calls:
        getattr(both, {"pass": "wait"}.get(name, name))(*args)
        both.agree()


def test_an_epoch_is_above_all_before_it_also_where_redis_forgot_them() -> None:
    _, first = records.acquire(None, owner="a", now=START, ttl=TTL, take=False)
    behind, again = records.renew(None, owner="a", epoch=START, now=START - 60_000, again=True)

    assert isinstance(first, Granted)
    assert again == Granted(first.epoch + 1)
    assert behind is not None


def test_what_could_not_be_renewed_is_not_taken() -> None:
    assert records.may_take(TTL, steady=TTL, ttl=TTL)
    assert not records.may_take(10 * TTL, steady=TTL - 1, ttl=TTL)
    assert not records.may_take(TTL - 1, steady=10 * TTL, ttl=TTL)
