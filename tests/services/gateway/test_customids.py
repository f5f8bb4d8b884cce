import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato.gateway import customids
from legato.gateway.customids import LONGEST, PANEL_ACTIONS, Page, Panel, Unknown, parse

play_ids = st.from_regex(r"[A-Za-z0-9_.:-]{1,64}", fullmatch=True)


@given(st.sampled_from(PANEL_ACTIONS), play_ids)
def test_a_panels_button_says_what_it_was_made_for(action, play_id):
    custom_id = customids.panel(action, play_id)

    assert len(custom_id) <= LONGEST
    assert parse(custom_id) == Panel(action, play_id)


@given(st.integers(min_value=1, max_value=99_999))
def test_a_page_button_says_its_page(number):
    assert parse(customids.page(number)) == parse(customids.page(number, "on")) == Page(number)


@given(st.text(max_size=200))
def test_any_text_is_read_without_an_error(text):
    assert isinstance(parse(text), Panel | Page | Unknown)


@pytest.mark.parametrize(
    "text", ["l0:skip:x", "l2:page:1", "l1:page:0", "l1:explode:x", "l1:skip:"]
)
def test_what_looks_like_ours_but_is_not_understood_is_old(text):
    assert parse(text) == Unknown(old=True)


@pytest.mark.parametrize("text", ["", "skip", "l:skip:x", "L1:skip:x", "l1:skip:" + "x" * 100])
def test_what_is_not_ours_is_forged(text):
    assert parse(text) == Unknown(old=False)
