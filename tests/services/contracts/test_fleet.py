"""The directive and what was observed, once written, must always be understood."""

import pytest

import support_golden
from legato.contracts.fleet import Directive, Observed


@pytest.mark.parametrize("tag", support_golden.tags(Directive, Observed))
def test_a_document_once_written_is_understood(tag: str) -> None:
    support_golden.assert_understood(Directive | Observed, tag)
