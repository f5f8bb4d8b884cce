import ast
import re
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path

from legato_operator import applications, conditions, troubles
from legato_operator.verdicts import Verdict

NOW = datetime(2026, 11, 23, 10, tzinfo=UTC)
ROOT = Path(__file__).parents[2]
CODE = ROOT / "operator/legato_operator"
PAGES = ("kubernetes.md", "runbooks/LegatoBotNotReady.md", "runbooks/LegatoNodesNotReady.md")
WORD = re.compile(r"[A-Z][a-z]+([A-Z][a-z]+)*")
OF_TOKENS = {"TokenRefused", "TokenOtherApplication"}
"""Made of what Discord says of the token."""


def test_a_condition_keeps_since_when_it_is_so() -> None:
    first = conditions.merged((), [conditions.yes("Ready", "Fine")], generation=1, now=NOW)

    second = conditions.merged(
        first,
        [conditions.yes("Ready", "StillFine")],
        generation=2,
        now=NOW + timedelta(minutes=1),
    )
    third = conditions.merged(
        second, [conditions.no("Ready", "Broken")], generation=2, now=NOW + timedelta(minutes=2)
    )

    assert second[0].last_transition_time == first[0].last_transition_time == "2026-11-23T10:00:00Z"
    assert (second[0].reason, second[0].observed_generation) == ("StillFine", 2)
    assert third[0].last_transition_time == "2026-11-23T10:02:00Z"


def test_a_rollout_names_the_predicate_that_it_waits_for() -> None:
    said = conditions.blocked([Verdict("A", ok=True), Verdict("B", ok=False, why="not yet")])

    assert (said.status, said.reason, said.message) == ("True", "B", "B: not yet")
    assert conditions.blocked([Verdict("A", ok=True)]).status == "False"


def _constants(node: ast.AST) -> list[str]:
    """List the texts that a call or a pair begins with."""
    match node:
        case ast.Call(args=listed) | ast.Tuple(elts=listed):
            values = (one.value for one in listed if isinstance(one, ast.Constant))
            return [one for one in values if isinstance(one, str)]
        case _:
            return []


def reasons() -> Iterator[str]:
    """Name why something may not be Ready, as the code has it."""
    for module in ("botstatus.py", "nodestatus.py"):
        for node in ast.walk(ast.parse((CODE / module).read_text())):
            match node, _constants(node):
                case ast.Call(func=ast.Attribute(attr="no")), ["Ready", str(reason), *_]:
                    yield reason
                case ast.Call(func=ast.Attribute(attr="append"), args=[ast.Tuple() as pair]), _:
                    yield from _constants(pair)[:1]
                case ast.Return(value=ast.List(elts=[ast.Tuple() as pair])), _:
                    yield from _constants(pair)[:1]
    yield from {*troubles.REASONS.values(), "Unschedulable", applications.IN_USE} | OF_TOKENS


def written(page: str, section: str = "") -> set[str]:
    """List the words in the first column of a page's tables, or that its points begin with."""
    text = (ROOT / "docs" / page).read_text()
    if section:
        text = text.split(f"## {section}\n")[1].split("\n## ")[0]
    said = re.findall(r"^(?:\| |- )((?:`\w+`(?:, )?)+)", text, flags=re.MULTILINE)
    return {word for one in said for word in re.findall(r"\w+", one) if WORD.fullmatch(word)}


def test_every_reason_why_something_is_not_ready_is_explained_and_no_other() -> None:
    assert set(reasons()) == set[str]().union(*map(written, PAGES))


def test_every_predicate_that_a_rollout_waits_for_is_explained_and_no_other() -> None:
    made = {
        _constants(node)[0]
        for file in CODE.glob("*.py")
        for node in ast.walk(ast.parse(file.read_text()))
        if isinstance(node, ast.Call) and isinstance(node.func, ast.Name)
        if node.func.id == "Verdict" and _constants(node)
    }

    found = written("operator.md", "What it waits for")
    assert made == found
