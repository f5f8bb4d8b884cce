"""What `make test` runs, and in which order."""

import pathlib

import pytest

import run_tests

ROOT = pathlib.Path(__file__).parents[2]
FOLDERS = {
    "tests",
    "e2e",
    *(str(place.parent.relative_to(ROOT)) for place in ROOT.glob("e2e/**/conftest.py")),
}


def test_what_is_built_is_built_alone_and_before_anything_is_timed() -> None:
    stages = run_tests.stages()
    first_tests = next(number for number, stage in enumerate(stages) if stage.counted)

    assert [stage.name for stage in stages[:first_tests]] == ["check", "build", "image"]


def test_every_stage_has_a_share_in_one_budget() -> None:
    budgeted = [name for _, together in run_tests.BUDGETS.values() for name in together]

    assert sorted(budgeted) == sorted(stage.name for stage in run_tests.stages())


def test_what_takes_longer_than_its_budget_is_marked(capsys: pytest.CaptureFixture[str]) -> None:
    took = {"cluster": 6 * 60.0, "machines": 16 * 60.0 + 6, "check": 3 * 60.0}
    known = {stage.name: stage for stage in run_tests.stages()}
    results = [run_tests.Result(known[name], 0, seconds) for name, seconds in took.items()]

    assert run_tests.show(results, strict=True) == 0
    said = capsys.readouterr().out.splitlines()
    assert [line.split() for line in said if line.startswith(("clusters", "check"))][1:] == [
        ["check", "3.0", "4"],
        ["clusters", "22.1", "22", "OVER"],
    ]


def test_every_folder_of_tests_has_a_stage() -> None:
    named = {word for stage in run_tests.stages() if stage.counted for word in stage.command}

    assert {"e2e/conformance", "e2e/cluster", run_tests.MACHINES} <= FOLDERS
    assert named >= FOLDERS


def test_what_a_stage_leaves_out_another_runs() -> None:
    words = [word for stage in run_tests.stages() if stage.counted for word in stage.command]
    left_out = {word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")}

    assert left_out
    assert left_out <= {*words}
