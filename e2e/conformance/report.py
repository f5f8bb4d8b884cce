"""The table at the end of a run: what the server lacks, and which ways it went. Pure."""

from collections import Counter
from collections.abc import Iterable, Mapping, Set
from dataclasses import dataclass
from typing import Literal

from conformance import inventory
from conformance.citing import PAGES
from conformance.differences import Difference

Outcome = Literal["passed", "lacks", "skipped"]


@dataclass(frozen=True, slots=True)
class Case:
    """One case and what came of it."""

    name: str
    """File and case: `test_info.py::test_x`."""
    outcome: Outcome
    sentence: str
    source: str
    why: str = ""

    @property
    def noun(self) -> str:
        """Name what it is about."""
        return self.name.partition(".py")[0].removeprefix("test_")

    @property
    def title(self) -> str:
        """Say its name as a sentence."""
        return self.name.partition("::")[2].removeprefix("test_").replace("_", " ")


def markdown(
    server: str,
    cases: Iterable[Case],
    differences: Mapping[str, Difference],
    ways: Mapping[str, Set[str]],
    undocumented: Set[str],
    met: Set[str],
) -> str:
    """Write everything."""
    listed = list(cases)
    parts = [
        f"# Conformance of {server}\n",
        _nouns(listed),
        "## What it lacks\n",
        _lacking(listed),
        "## Where the official server and Legato's embedded node differ\n",
        _differing(differences, ways),
    ]
    parts += ["## What the documents name, and this run did not meet\n", _unmet(met)]
    if undocumented:
        fields = ", ".join(f"`{name}`" for name in sorted(undocumented))
        parts += ["## Fields beyond the documents\n", f"{fields}\n"]
    return "\n".join(parts)


def _unmet(met: Set[str]) -> str:
    named = inventory.everything()
    rows = inventory.unmet(met)
    head = f"{len(named) - len(rows)} of {len(named)} routes, fields, values, headers and statuses"
    table = _table(("kind", "what", "why that may be"), [(k, f"`{n}`", w) for k, n, w in rows])
    return f"{head} were met. Not:\n\n{table}"


def _nouns(cases: list[Case]) -> str:
    counts = Counter((case.noun, case.outcome) for case in cases)
    rows = [
        (noun, *(str(counts[noun, outcome]) for outcome in ("passed", "lacks", "skipped")))
        for noun in dict.fromkeys(case.noun for case in cases)
    ]
    return _table(("about", "passed", "lacks", "skipped"), rows)


def _lacking(cases: list[Case]) -> str:
    rows = [
        (case.noun, case.title, _cited(case), case.why) for case in cases if case.outcome == "lacks"
    ]
    return _table(("about", "case", "what is documented", "what was seen"), rows)


def _differing(differences: Mapping[str, Difference], ways: Mapping[str, Set[str]]) -> str:
    rows = [
        (
            name,
            one.official,
            one.embedded,
            ", ".join(sorted(ways.get(name, ()))) or "not met",
            one.source,
        )
        for name, one in differences.items()
    ]
    return _table(("case", "official server", "embedded node", "this server did", "source"), rows)


def _cited(case: Case) -> str:
    page = PAGES.get(case.source, "")
    place = f"[{case.source}]({page})" if page.startswith("http") else page
    return f"“{case.sentence}” ({place})"


def _table(head: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [_row(head), _row("---" for _ in head), *(_row(row) for row in rows)]
    return "\n".join(lines) + "\n" if len(lines) > 2 else "Nothing.\n"


def _row(cells: Iterable[str]) -> str:
    return "| " + " | ".join(_cell(cell) for cell in cells) + " |"


def _cell(text: str) -> str:
    return " ".join(text.replace("|", "\\|").split())
