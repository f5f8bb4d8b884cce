"""What was asked of Discord, or answered to people, once must always be understood."""

import pytest

import support_golden
from legato.contracts.actions import Actions, Answer


@pytest.mark.parametrize("tag", support_golden.tags(Actions))
def test_an_action_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Actions, tag)


@pytest.mark.parametrize("tag", support_golden.tags(Answer))
def test_an_answer_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Answer, tag)
