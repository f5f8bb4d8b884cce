"""What was asked of a player once must always be understood."""

import pytest

import support_golden
from legato.contracts.playback import Playback


@pytest.mark.parametrize("tag", support_golden.tags(Playback))
def test_a_message_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Playback, tag)
