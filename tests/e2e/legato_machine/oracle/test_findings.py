"""What of a trial no kill explains is named; what one explains is not."""

from legato_machine.oracle import findings
from legato_machine.oracle.crowd import Stall
from legato_machine.oracle.findings import Failure, Findings
from legato_machine.oracle.havoc import Blow, How
from legato_machine.oracle.model import World
from legato_simulator.actions.many import Typing
from legato_simulator.views import OutcomeView


def outcome(number: int, *said: str, told: int = 1, deferred: bool = False) -> OutcomeView:
    return OutcomeView(
        id=str(number),
        guild_id="7",
        name="volume",
        created_at=float(number),
        answered_at=number + 0.1 if said else None,
        told=told,
        deferred=deferred,
        said=list(said),
    )


def found(
    *outcomes: OutcomeView,
    blows: tuple[Blow, ...] = (),
    stalls: tuple[Stall, ...] = (),
    failures: tuple[Failure, ...] = (),
    undone: frozenset[int] = frozenset(),
    shown: int = 0,
) -> Findings:
    return Findings(
        typed={
            one.id: Typing(user="1", channel="2", command="volume", options={"percent": 100})
            for one in outcomes
        },
        outcomes=outcomes,
        done=frozenset(int(one.id) for one in outcomes) - undone,
        worlds={7: World()},
        shown={7: shown},
        failures=failures,
        blows=blows,
        stalls=stalls,
    )


def blow(part: str, at: float, how: How = "SIGKILL") -> Blow:
    return Blow(part, how, at, at + 2.0)


SET = "The volume is 100 %."


def test_silence_is_excused_by_the_kill_of_a_gateway_near_it_alone() -> None:
    silent = outcome(10)

    assert findings.unexplained(found(silent, blows=(blow("gateway-1", 11.0),))) == []
    assert findings.unexplained(found(silent, blows=(blow("gateway-1", 20.0),))) != []
    assert findings.unexplained(found(silent, blows=(blow("audio-1", 11.0),))) != []
    assert findings.unexplained(found(silent, blows=(blow("gateway-1", 11.0, "SIGTERM"),))) != []


def test_silence_while_the_whole_machine_stood_still_is_excused() -> None:
    assert findings.unexplained(found(outcome(10), stalls=(Stall(11.0, 12.0),))) == []
    assert findings.unexplained(found(outcome(10), stalls=(Stall(14.0, 15.0),))) != []


def test_a_track_fails_of_a_nodes_end_alone() -> None:
    failed = (Failure(7, "1", 10.0),)

    assert findings.unexplained(found(failures=failed, blows=(blow("node-1", 12.0),))) == []
    assert findings.unexplained(found(failures=failed, blows=(blow("node-1", 2.0),))) != []
    assert findings.unexplained(found(failures=failed, blows=(blow("audio-1", 12.0),))) != []


def test_what_was_never_done_is_wrong_whoever_was_killed() -> None:
    lost = found(outcome(10), blows=(blow("gateway-1", 10.0),), undone=frozenset({10}))

    assert findings.wrong(lost) == ["volume 10: silence, and never done"]


def test_an_answer_may_come_twice_only_where_a_gateway_was_killed_in_between() -> None:
    twice = outcome(10, SET, told=2)

    assert findings.wrong(found(twice, blows=(blow("gateway-1", 10.5),))) == []
    assert "told 2 times" in findings.wrong(found(twice, blows=(blow("audio-1", 10.5),)))[0]


def test_who_was_asked_for_patience_is_told_something() -> None:
    assert "thinks for ever" in findings.wrong(found(outcome(10, deferred=True)))[0]


def test_what_dashboards_show_is_what_waits() -> None:
    assert "shown are 3" in findings.wrong(found(outcome(10, SET), shown=3))[0]
