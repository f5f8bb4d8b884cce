"""What `make test` runs, and in which order."""

import pathlib

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

    assert [stage.name for stage in stages[:first_tests]] == ["check", "build"]


def test_every_folder_of_tests_has_a_stage() -> None:
    named = {word for stage in run_tests.stages() if stage.counted for word in stage.command}

    assert {"e2e/conformance", "e2e/cluster", run_tests.MACHINES} <= FOLDERS
    assert named >= FOLDERS - {run_tests.MACHINES}


def test_what_a_stage_leaves_out_another_runs() -> None:
    words = [word for stage in run_tests.stages() if stage.counted for word in stage.command]
    left_out = {word.removeprefix("--ignore=") for word in words if word.startswith("--ignore=")}

    assert left_out
    assert left_out <= {*words, run_tests.MACHINES}
