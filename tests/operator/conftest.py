"""What several tests of the operator begin with."""

import pytest

from support_operator_model import Model


@pytest.fixture
def settled() -> Model:
    """Give a bot and its nodes, all of it as wanted."""
    model = Model()
    model.settle()
    return model
