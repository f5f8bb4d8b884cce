"""Filters: taken, shown, and heard where that is simple."""

import time

import pytest

from conformance.citing import documented
from conformance.filters import FILTERS
from conformance.guild import Guild
from conformance.server import Server
from conformance.shapes import Player

SONG = "tone-1-60s.webm"
FRAMES = 25
SETTLED = 32
"""Frames after which a change is heard: what was buffered has gone out."""


@pytest.mark.parametrize("name", list(FILTERS))
@documented("The enabled filters for this server", "rest.md")
async def test_every_documented_filter_is_offered(server: Server, name: str) -> None:
    assert name in (await server.info()).filters


@pytest.mark.parametrize("name", list(FILTERS))
@documented("The filters used by the player", "rest.md")
async def test_a_filter_is_shown_as_it_was_given(guild: Guild, name: str) -> None:
    given = {name: FILTERS[name]}
    answer = await guild.ask({"filters": given})
    if answer.status == 400 and name not in (await guild.client.server.info()).filters:
        return  # "Following filters are disabled in the config"
    assert answer.status == 200, answer.body
    shown = (await guild.player()).filters.get(name)
    assert _covers(shown, FILTERS[name]), shown


def _covers(shown: object, given: object) -> bool:
    """Say whether what is shown has all that was given; it may name defaults as well."""
    if isinstance(given, dict):
        return isinstance(shown, dict) and all(_covers(shown.get(k), v) for k, v in given.items())
    if isinstance(given, list):
        # An equalizer may be shown with all its bands.
        return isinstance(shown, list) and all(one in shown for one in given)
    return shown == given


@pytest.mark.parametrize(
    ("name", "field"),
    [(n, f) for n, value in FILTERS.items() if isinstance(value, dict) for f in value],
)
@documented("Fields marked with `?` are optional", "index.md")
async def test_each_field_of_a_filter_may_come_alone(guild: Guild, name: str, field: str) -> None:
    whole = FILTERS[name]
    assert isinstance(whole, dict)
    given = {name: {field: whole[field]}}
    answer = await guild.ask({"filters": given})
    if answer.status == 400 and name not in (await guild.client.server.info()).filters:
        return  # "Following filters are disabled in the config"
    assert answer.status == 200, answer.body
    assert _covers((await guild.player()).filters.get(name), given[name])


@documented("There are 15 bands (0-14) that can be changed.", "rest.md")
async def test_every_band_can_be_changed(guild: Guild) -> None:
    bands = [{"band": band, "gain": 0.25 if band % 2 else -0.25} for band in range(15)]
    await guild.patch(filters={"equalizer": bands})
    assert _covers((await guild.player()).filters.get("equalizer"), bands)


@documented("Any smoothing values equal to or less than 1.0 will disable the filter.", "rest.md")
async def test_a_low_pass_that_smooths_nothing_is_taken(guild: Guild) -> None:
    for smoothing in (1.0, 0.5):
        (await guild.ask({"filters": {"lowPass": {"smoothing": smoothing}}})).be(Player)


@documented("This will override all previously applied filters", "rest.md")
async def test_new_filters_override_the_old(guild: Guild) -> None:
    await guild.patch(filters={"equalizer": [{"band": 0, "gain": 0.25}]})
    player = await guild.patch(filters={"volume": 0.5})
    assert player.filters.get("volume") == 0.5
    assert not player.filters.get("equalizer")
    assert (await guild.patch(filters={})).filters.get("volume") != 0.5


@documented("pluginFilters: map of Plugin Filters objects", "rest.md")
async def test_filters_of_no_plugin_do_no_harm(guild: Guild) -> None:
    await guild.patch(filters={"volume": 0.5, "pluginFilters": {"none": {"a": 1}}})
    assert (await guild.player()).filters.get("volume") == 0.5


@documented("The new filters to apply.", "rest.md")
async def test_a_filter_of_the_wrong_type_is_400(guild: Guild) -> None:
    (await guild.ask({"filters": {"volume": "loud"}})).refused(400)
    (await guild.ask({"filters": []})).refused(400)


async def _loudness(guild: Guild, **body: object) -> float:
    """Change the player and hear how loud it is once the change has come through."""
    await guild.patch(**body)
    await guild.frames(SETTLED)
    since = time.monotonic()
    await guild.frames(FRAMES, since)
    return guild.loudness(since)


@documented("Adjusts the player volume from 0.0 to 5.0, where 1.0 is 100%.", "rest.md")
async def test_the_volume_filter_is_heard(guild: Guild) -> None:
    await guild.play(SONG)
    plain = await _loudness(guild)
    assert abs(await _loudness(guild, filters={"volume": 0.5}) - plain + 6) < 2
    assert abs(await _loudness(guild, filters={}) - plain) < 2


@documented("-0.25 means the given band is completely muted", "rest.md")
async def test_the_equalizer_is_heard(guild: Guild) -> None:
    await guild.play(SONG)
    plain = await _loudness(guild)
    muted = [{"band": band, "gain": -0.25} for band in range(15)]
    assert await _loudness(guild, filters={"equalizer": muted}) < plain - 3


@documented("The player volume, in percentage, from 0 to 1000", "rest.md")
async def test_the_players_volume_is_heard(guild: Guild) -> None:
    await guild.play(SONG)
    plain = await _loudness(guild)
    assert await _loudness(guild, volume=30) < plain - 4
    assert abs(await _loudness(guild, volume=100) - plain) < 2
