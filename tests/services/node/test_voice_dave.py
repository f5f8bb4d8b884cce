import pytest

from legato.node import voice_dave
from legato.node.errors import MediaError


@pytest.mark.parametrize("version", [None, 0])
def test_no_encryption_is_agreed_to(version: object) -> None:
    assert voice_dave.agree(version) == 0


@pytest.mark.parametrize("version", [1, -1, "0"])
def test_a_version_that_was_not_offered_is_refused(version: object) -> None:
    with pytest.raises(MediaError):
        voice_dave.agree(version)
