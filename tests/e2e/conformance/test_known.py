from pathlib import Path

import conformance
from conformance.known import KNOWN

FOLDER = Path(conformance.__file__).parent


def test_every_known_lack_names_a_case() -> None:
    for name in KNOWN:
        file, _, case = name.partition("::")
        assert f"async def {case.partition('[')[0]}(" in (FOLDER / file).read_text()
