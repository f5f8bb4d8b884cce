from legato_operator import transitions
from legato_operator.resources.status import BotStatus, Condition, NodeStatus, RegionStatus
from legato_operator.transitions import Note


def said(type_: str, status: str, reason: str = "Reason", message: str = "") -> Condition:
    assert status in ("True", "False", "Unknown")
    return Condition(type=type_, status=status, reason=reason, message=message)  # type: ignore[arg-type]


def told(before: list[Condition], after: list[Condition]) -> list[Note]:
    return list(
        transitions.notes(BotStatus(conditions=tuple(before)), BotStatus(conditions=tuple(after)))
    )


def test_what_stays_as_it_is_is_not_told() -> None:
    same = [said("Ready", "True"), said("TokenValid", "False")]

    assert told(same, same) == []


def test_what_turns_bad_is_a_warning_and_what_turns_good_is_not() -> None:
    bad = [said("Ready", "False", "SecretMissing", "Not there.")]
    good = [said("Ready", "True", "ShardsConnected")]

    assert told(good, bad) == [Note("Warning", "SecretMissing", "Not there.")]
    assert told(bad, good) == [Note("Normal", "ShardsConnected", "Ready is True.")]


def test_another_reason_is_told_of_what_is_bad_alone() -> None:
    one, other = said("Ready", "False", "A"), said("Ready", "False", "B")
    assert [note.reason for note in told([one], [other])] == ["B"]

    one, other = said("ScalingActive", "True", "A"), said("ScalingActive", "True", "B")
    assert told([one], [other]) == []


def test_some_conditions_are_bad_where_they_are_so() -> None:
    notes = told([said("Degraded", "False")], [said("Degraded", "True", "MachineLost")])

    assert [(note.type, note.reason) for note in notes] == [("Warning", "MachineLost")]


def test_what_every_rollout_waits_for_is_no_warning() -> None:
    before = [said("RolloutBlocked", "False")]

    [step] = told(before, [said("RolloutBlocked", "True", "NewPodsReady")])
    [stop] = told(before, [said("RolloutBlocked", "True", "Resumed")])

    assert (step.type, stop.type) == ("Normal", "Warning")


def test_an_event_of_what_a_rollout_waits_for_does_not_read_as_if_it_were_done() -> None:
    waits, goes_on = (
        said("RolloutBlocked", "True", "MigrationDone"),
        said("RolloutBlocked", "False"),
    )

    assert [note.reason for note in told([goes_on], [waits])] == ["WaitsForMigrationDone"]
    assert [note.reason for note in told([waits], [goes_on])] == ["Reason"]


def test_what_every_start_waits_for_is_no_warning_and_afterwards_is_one() -> None:
    start, live = said("Ready", "False", "ShardsNotConnected"), said("Ready", "True")
    stuck = said("Ready", "False", "CrashLoop")

    assert [note.type for note in told([], [start])] == ["Normal"]
    assert told([said("Ready", "False", "MigrationWaits")], [start]) == []
    assert [note.type for note in told([start], [stuck])] == ["Warning"]
    assert [note.type for note in told([stuck], [start])] == ["Warning"]
    assert [note.type for note in told([live], [start])] == ["Warning"]


def test_another_count_of_audio_pods_is_told_by_region() -> None:
    def audio(count: int) -> BotStatus:
        return BotStatus(regions=(RegionStatus(name="europe", audio=count),))

    assert list(transitions.notes(audio(1), audio(2))) == [
        Note("Normal", "Scaled", "From 1 to 2 audio pods of europe.")
    ]
    assert list(transitions.notes(BotStatus(), audio(2))) == []


def test_at_first_only_little_is_told() -> None:
    notes = told(
        [], [said("Ready", "False"), said("ScalingActive", "False"), said("Paused", "False")]
    )

    assert len(notes) == 1


def test_progress_is_not_told() -> None:
    assert told([said("Progressing", "False")], [said("Progressing", "True")]) == []


def test_another_count_of_nodes_is_told_with_its_reason() -> None:
    before = NodeStatus(desired_replicas=2)
    after = NodeStatus(
        desired_replicas=3,
        conditions=(said("ScalingActive", "True", "FollowsLoad", "250 players"),),
    )

    assert list(transitions.notes(before, after)) == [
        Note("Normal", "Scaled", "From 2 to 3 nodes. 250 players")
    ]
