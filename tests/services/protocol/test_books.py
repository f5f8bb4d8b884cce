"""The pure rule and the script, driven by the same commits, must answer alike."""

from collections.abc import Mapping

from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st

from legato.protocol import books as rules
from legato.protocol.books import Books, Commit
from legato.protocol.records import Record
from support_scripts import Scripts

LEASE, POSITION, SEEN, ATTEMPTS = (
    f"{{7:default:p3}}:{name}" for name in ("lease", "position", "seen", "attempts")
)
OTHERS = [f"{{7:default:p3}}:{name}" for name in ("guilds", "pending", "dead")]
START = 1_764_000_000_000

positions = st.sampled_from(["", "1-0 1", "2-0 2", "2-0 3"])
commits = st.builds(
    Commit,
    owner=st.sampled_from(["a~1", "b~1"]),
    epoch=st.sampled_from([START, START + 1]),
    expected=positions,
    to=positions.filter(bool),
    entry=st.sampled_from(["", "1-0", "2-0"]),
    seen=st.dictionaries(st.sampled_from("xyz"), st.integers(0, 5), max_size=2),
    forget_before=st.integers(0, 5),
)
calls = st.lists(
    st.one_of(
        st.tuples(st.just("commit"), commits),
        st.tuples(st.just("attempt"), commits),
        st.tuples(st.just("own"), commits),
    ),
    min_size=3,
    max_size=25,
)


@settings(
    deadline=None,
    derandomize=True,
    phases=[Phase.explicit, Phase.generate],
    max_examples=150,
    suppress_health_check=[HealthCheck.function_scoped_fixture],
)
@given(calls=calls)
def test_the_commit_script_accepts_what_the_rule_accepts(scripts: Scripts, calls: list) -> None:
    lease, books = None, Books()
    scripts.empty(now=START)
    for name, call in calls:
        match name:
            case "own":
                lease = Record(call.owner, call.epoch, START)
                scripts.wait(scripts.client.hset(LEASE, mapping=_fields(lease)))
            case "attempt":
                count = rules.attempt(
                    lease, books, owner=call.owner, epoch=call.epoch, entry=call.entry
                )
                found = scripts.run("attempt", [LEASE, ATTEMPTS], *_who(call), call.entry)
                assert found == count
                if count:
                    books = rules.attempted(books, call.entry)
            case _:
                books, outcome = rules.accept(lease, books, call)
                assert _commit(scripts, call) == outcome.encode()
        assert _kept(scripts) == books


def _who(call: Commit) -> tuple[str, str]:
    return call.owner, str(call.epoch)


def _fields(lease: Record) -> Mapping[str, str]:
    return {"owner": lease.owner, "epoch": str(lease.epoch), "renewed_at": str(lease.renewed_at)}


def _commit(scripts: Scripts, call: Commit) -> object:
    seen = [part for one in call.seen.items() for part in one]
    return scripts.run(
        "commit",
        [LEASE, POSITION, SEEN, ATTEMPTS, *OTHERS],
        *_who(call),
        call.expected,
        call.to,
        call.entry,
        call.forget_before,
        len(call.seen),
        *seen,
        0,
    )


def _kept(scripts: Scripts) -> Books:
    client = scripts.client
    position = scripts.wait(client.get(POSITION)) or b""
    seen = scripts.wait(client.zrange(SEEN, 0, -1, withscores=True))
    attempts = scripts.wait(client.hgetall(ATTEMPTS))
    return Books(
        position=position.decode(),
        seen={one.decode(): int(at) for one, at in seen},
        attempts={entry.decode(): int(count) for entry, count in attempts.items()},
    )
