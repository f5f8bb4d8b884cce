import pathlib

from legato.api.problems import REASONS

DOCS = pathlib.Path(__file__).parents[3] / "docs" / "api.md"


def test_every_code_is_in_the_documentation_with_its_status() -> None:
    rows = [line for line in DOCS.read_text().splitlines() if line.startswith("| ")]

    for code, (status, _) in REASONS.items():
        assert any(row.startswith(f"| {status} |") and f"`{code}`" in row for row in rows), code
