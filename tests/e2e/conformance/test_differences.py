from pathlib import Path

import pytest

import conformance
from conformance.differences import DIFFERENCES

FOLDER = Path(conformance.__file__).parent


@pytest.mark.parametrize("name", list(DIFFERENCES))
def test_every_difference_is_met_by_a_case(name: str) -> None:
    cases = "".join(path.read_text() for path in FOLDER.glob("test_*.py"))
    assert f'differs("{name}", Way.' in cases
