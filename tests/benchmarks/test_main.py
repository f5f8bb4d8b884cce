import pathlib
import subprocess
import sys

from support_waiting import PATIENCE

ROOT = pathlib.Path(__file__).parents[2]
BEFORE = """# Measured

<!-- by hand: all -->
Read with care.
<!-- end by hand -->

<!-- measured: player -->
old figures
<!-- end measured -->

<!-- by hand: player -->
The queue's page adds up all lengths.
<!-- end by hand -->

<!-- measured: node -->
what the node took last week
<!-- end measured -->
"""


def bench(*arguments: str) -> "subprocess.CompletedProcess[str]":
    return subprocess.run(
        [sys.executable, "-m", "benchmarks", *arguments],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=PATIENCE,
        check=False,
    )


def test_every_benchmark_says_what_it_shows() -> None:
    listed = bench("--list")

    assert listed.returncode == 0, listed.stderr
    names = [line.split()[0] for line in listed.stdout.splitlines()]
    modules = {path.stem for path in (ROOT / "benchmarks").glob("*.py")}
    assert {"player", "commits", "gateway", "node", "commands", "takeovers", "start"} <= {*names}
    assert set(names) <= modules
    assert all(len(line.split()) > 5 for line in listed.stdout.splitlines())


def test_a_run_prints_its_rows_and_keeps_what_is_by_hand(tmp_path: pathlib.Path) -> None:
    page = tmp_path / "RESULTS.md"
    page.write_text(BEFORE)

    done = bench("player", "--quick", "--to", str(page))

    assert done.returncode == 0, done.stderr
    rows = [line for line in done.stdout.splitlines() if line.startswith("| ")]
    assert any("skip to the next, queue of 1,000" in row and "≥ 20,000" in row for row in rows)
    written = page.read_text()
    assert all(row in written for row in rows)
    assert "old figures" not in written
    assert "provisional" in written
    assert "## Missed aims" in written
    for kept in ("Read with care.", "adds up all lengths", "what the node took last week"):
        assert kept in written


def test_a_quick_run_leaves_the_page_alone() -> None:
    page = ROOT / "benchmarks" / "RESULTS.md"
    before = page.read_bytes() if page.exists() else b""

    done = bench("player", "--quick")

    assert done.returncode == 0, done.stderr
    assert (page.read_bytes() if page.exists() else b"") == before


def test_an_unknown_name_is_refused_with_the_names_there_are() -> None:
    done = bench("nonsense")

    assert done.returncode == 2
    assert "'player'" in done.stderr
