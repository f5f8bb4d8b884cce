"""What the gateway told of voice once must always be understood."""

import pytest

import support_golden
from legato.contracts.voice import Voice


@pytest.mark.parametrize("tag", support_golden.tags(Voice))
def test_a_message_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Voice, tag)
