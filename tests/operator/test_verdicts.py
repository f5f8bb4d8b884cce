"""Each predicate is explained where people look for it."""

import pathlib
import re

import pytest

from legato_operator import verdicts
from legato_operator.verdicts import Verdict

ROOT = pathlib.Path(__file__).parents[2]
SOURCES = (ROOT / "operator" / "legato_operator").rglob("*.py")
NAMES = sorted(
    {name for one in SOURCES for name in re.findall(r'Verdict\(\s*"(\w+)"', one.read_text())}
)


@pytest.mark.parametrize("name", NAMES)
def test_a_predicate_is_explained_and_in_the_runbook(name: str) -> None:
    assert f"\n| `{name}` | " in (ROOT / "docs" / "operator.md").read_text()
    assert f"`{name}`" in (ROOT / "docs" / "runbooks" / "LegatoRolloutBlocked.md").read_text()


def test_the_first_that_forbids_is_named() -> None:
    first, second = Verdict("A", ok=False, why="b"), Verdict("C", ok=False)

    assert verdicts.first_no([Verdict("X", ok=True), first, second]) == first
    assert verdicts.first_no([Verdict("X", ok=True)]) is None
    assert (str(first), str(second)) == ("A: b", "C")
