import re
from datetime import timedelta
from typing import Annotated

import pytest

from legato import settings_page
from legato.api.settings import Settings as Api
from legato.audio.settings import Settings as Audio
from legato.gateway.settings import Settings as Gateway
from legato.settings import Common, Port, Secret, between
from legato.worker.settings import Settings as Worker


class Example(Common, frozen=True, kw_only=True):
    """What an example is told."""

    example_token: Secret
    """A secret
    on two lines."""
    example_port: Port = 3000
    """A port."""
    example_patience: Annotated[timedelta, between(timedelta(seconds=1), timedelta(minutes=1))] = (
        timedelta(seconds=2)
    )
    """A while."""


def test_each_setting_has_its_name_meaning_bounds_and_default():
    page = settings_page.render({"All": Common}, {"Example": Example})

    assert "| `EXAMPLE_PORT` | A port. (a whole number from 0 to 65535) | `3000` |" in page
    assert "| `EXAMPLE_TOKEN` | A secret on two lines. (the secret itself" in page
    assert "such as 500ms, 10s or 5m from 1s to 1m) | `2s` |" in page
    assert re.search(r"`EXAMPLE_TOKEN` .* \| must be set \|", page)
    assert page.count("`LOG_LEVEL`") == 1


def test_what_most_people_set_stands_first():
    page = settings_page.render({"All": Common}, {"Example": Example}, {"example_port": Example})

    first, second = page.index("| `EXAMPLE_PORT` |"), page.rindex("| `EXAMPLE_PORT` |")
    assert first < page.index("## All") < second


@pytest.mark.parametrize("struct", [Api, Audio, Gateway, Worker])
def test_every_field_of_every_service_says_what_it_means(struct):
    assert set(struct.__struct_fields__) <= settings_page.docstrings(struct).keys()
