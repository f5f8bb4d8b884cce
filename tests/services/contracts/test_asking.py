"""Questions and answers once written must always be understood."""

import pytest

import support_golden
from legato.contracts.asking import Choices, Search


@pytest.mark.parametrize("tag", support_golden.tags(Search, Choices))
def test_a_question_or_answer_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Search | Choices, tag)
