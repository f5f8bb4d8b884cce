import sys
from pathlib import Path

import pytest

from strangers import pythons
from strangers.pythons import NoPython

OLD = "import sys; sys.exit(1)"
NEW = "import sys; sys.exit(0)"


@pytest.fixture(autouse=True)
def running(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """Let the tests' own Python be an old one, beside a uv that brings nothing."""
    monkeypatch.setattr(sys, "executable", str(program(tmp_path / "own" / "python", OLD)))
    program(tmp_path / "own" / "uv", "import sys; sys.exit('it is far away')")


def program(path: Path, code: str) -> Path:
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(f"#!{Path('/proc/self/exe').resolve()}\n{code}\n")
    path.chmod(0o755)
    return path


def test_the_newest_on_the_path_is_taken(tmp_path: Path) -> None:
    folder = tmp_path / "bin"
    for minor in (9, 12, 14):
        program(folder / f"python3.{minor}", NEW if minor > 11 else OLD)
    program(folder / "python3.15-config", NEW)

    assert pythons.newer({"PATH": str(folder)}) == folder / "python3.14"


@pytest.mark.parametrize(
    "place",
    [".pyenv/versions/3.13.0", ".local/share/uv/python/cpython-3.13", ".cache/legato/python/3.13"],
)
def test_pythons_beside_the_path_are_found(tmp_path: Path, place: str) -> None:
    python = program(tmp_path / place / "bin" / "python3", NEW)

    assert pythons.newer({"HOME": str(tmp_path), "PATH": "/nowhere"}) == python


def test_uv_brings_one_where_none_is_found(tmp_path: Path) -> None:
    brought = tmp_path / ".cache" / "legato" / "python" / "3.13" / "bin" / "python3"
    program(tmp_path / "ready", NEW)
    copies = (
        f"import os, shutil; assert os.environ['UV_PYTHON_INSTALL_DIR']; "
        f"os.makedirs({str(brought.parent)!r}); "
        f"shutil.copy({str(tmp_path / 'ready')!r}, {str(brought)!r})"
    )
    program(tmp_path / "own" / "uv", copies)

    assert pythons.newer({"HOME": str(tmp_path)}) == brought


def test_where_there_is_none_the_sentence_says_what_to_install(tmp_path: Path) -> None:
    program(tmp_path / "bin" / "python3.11", OLD)

    with pytest.raises(NoPython, match=r"sonolink asks for Python 3\.12 .* it is far away.*pyenv"):
        pythons.newer({"HOME": str(tmp_path), "PATH": str(tmp_path / "bin")})
