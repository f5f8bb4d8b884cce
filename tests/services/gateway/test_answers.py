import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato import text
from legato.contracts import actions
from legato.contracts.settings import GuildSettings
from legato.contracts.tracks import NowPlaying, QueueItem, Track
from legato.gateway import customids
from legato.gateway.answers import EPHEMERAL, help_page, message, panel
from legato.gateway.commands import REGISTRY

words = st.text(max_size=400)
tracks = st.builds(
    Track,
    encoded=st.just("x"),
    title=words,
    author=words,
    uri=st.one_of(st.none(), st.just("https://example.org/a"), words),
    length=st.integers(0, 10**8),
    is_stream=st.booleans(),
)
nows = st.builds(
    NowPlaying,
    guild_id=st.just(1),
    revision=st.just(1),
    as_of=st.just(1_700_000_000_000),
    track=st.one_of(st.none(), tracks),
    play_id=st.one_of(st.none(), st.just("p1")),
    paused=st.booleans(),
    requester_id=st.one_of(st.none(), st.just(5)),
    upcoming=st.lists(words, max_size=5).map(tuple),
)
items = st.builds(
    QueueItem,
    id=st.just("1"),
    rank=st.just(1),
    query=words,
    track=st.one_of(st.none(), tracks),
    requester_id=st.just(5),
    added_at=st.just(0),
)
answered = st.one_of(
    st.builds(actions.Refused, reason=words, detail=words),
    st.builds(
        actions.Queued,
        track=tracks,
        place=st.integers(0, 99),
        count=st.integers(1, 99),
        playlist=words,
    ),
    st.builds(
        actions.Done,
        what=st.sampled_from(["paused", "skipped", "sought", "volume", "left", "settings"]),
        track=st.one_of(st.none(), tracks),
        value=st.integers(0, 10**7),
        already=st.booleans(),
    ),
    st.builds(
        actions.QueuePage,
        now=nows,
        items=st.lists(items, max_size=10).map(tuple),
        page=st.integers(1, 9),
        pages=st.integers(0, 9),
        total=st.integers(0, 90),
    ),
    st.builds(actions.NowShown, now=nows),
    st.builds(actions.SettingsShown, settings=st.builds(GuildSettings, dj_role_id=st.just(3))),
)
locales = st.sampled_from(["en-US", "en-GB", "de", "fr", "ja"])


@given(answered, locales)
def test_every_answer_fits_discords_limits_and_pings_nobody(answer, locale):
    said = message(answer, locale)

    assert said["allowed_mentions"] == {"parse": []}
    assert len(said.get("content", "x")) <= 2000
    for embed in said.get("embeds", []):
        assert len(embed.get("description", "")) <= 4096
        assert len(embed["title"]) <= 256
    assert msgspec.json.encode(said)


@given(nows, locales)
def test_every_button_of_a_panel_is_understood(now, locale):
    drawn = panel(now, locale)

    buttons = [b for row in drawn["components"] for b in row["components"]]
    assert bool(buttons) == (now.track is not None and now.play_id is not None)
    for button in buttons:
        assert isinstance(customids.parse(button["custom_id"]), customids.Panel)


@pytest.mark.parametrize("reason", text.REFUSALS)
def test_every_refusal_is_for_the_asker_alone(reason):
    assert message(actions.Refused(reason=reason), "de")["flags"] == EPHEMERAL


def test_a_title_can_not_break_out_of_its_line():
    answer = actions.Queued(track=Track(encoded="x", title="**@everyone** `x`"), place=2)

    said = message(answer, "en-US")["content"]

    assert "@everyone" not in said
    assert "**" not in said.replace("\\*", "")


def test_an_empty_queue_has_no_pages_to_speak_of():
    now = NowPlaying(guild_id=1, revision=1, as_of=0)
    answer = actions.QueuePage(now=now, items=(), page=1, pages=1, total=0)

    assert "footer" not in message(answer, "en-US")["embeds"][0]


def test_settings_are_for_the_managers_eyes_alone():
    assert message(actions.Done(what="settings"), "en-US")["flags"] == EPHEMERAL


def test_a_panel_counts_down_and_an_answer_says_where_it_was():
    track = Track(encoded="x", title="Song", length=60_000)
    now = NowPlaying(guild_id=1, revision=1, as_of=100_000, track=track, play_id="p", position=5000)

    drawn = panel(now, "en-US")["embeds"][0]["description"]
    told = message(actions.NowShown(now=now), "en-US")["embeds"][0]["description"]

    assert "1:00 · ends <t:155:R>" in drawn
    assert "0:05 / 1:00" in told


def test_a_panel_of_nothing_says_how_to_begin():
    nothing = NowPlaying(guild_id=1, revision=1, as_of=0)

    assert "/play" in panel(nothing, "de")["embeds"][0]["description"]


def test_pages_at_the_ends_have_one_dead_button():
    now = NowPlaying(guild_id=1, revision=1, as_of=0)

    def dead(page):
        answer = actions.QueuePage(now=now, items=(), page=page, pages=3, total=30)
        [row] = message(answer, "en-US")["components"]
        return [button["disabled"] for button in row["components"]]

    assert [dead(1), dead(2), dead(3)] == [[True, False], [False, False], [False, True]]


def test_items_are_numbered_on_from_the_page_before():
    now = NowPlaying(guild_id=1, revision=1, as_of=0)
    item = QueueItem(id="1", rank=1, query="q", requester_id=1, added_at=0)
    answer = actions.QueuePage(now=now, items=(item,), page=3, pages=3, total=21)

    assert message(answer, "en-US")["embeds"][0]["description"].startswith("21. ")


def test_a_link_that_is_looked_at_is_named_by_its_file():
    now = NowPlaying(guild_id=1, revision=1, as_of=0)
    query = "https://files.example.org/a/morning-tram.ogg?key=5"
    item = QueueItem(id="1", rank=1, query=query, requester_id=1, added_at=0)
    answer = actions.QueuePage(now=now, items=(item,), page=1, pages=1, total=1)

    shown = message(answer, "en-US")["embeds"][0]["description"]

    assert shown == "1. looking for morning\\-tram.ogg"


def test_a_page_that_is_not_there_is_said_and_the_last_is_shown():
    now = NowPlaying(guild_id=1, revision=1, as_of=0)
    answer = actions.QueuePage(now=now, items=(), page=3, pages=3, total=21, asked=99)

    for locale, said in (("en-US", "no page 99"), ("de", "Seite 99"), ("fr", "page 99")):
        assert said in message(answer, locale)["embeds"][0]["description"].splitlines()[0]


def test_help_lists_every_command_in_every_language():
    for locale in ("en-US", "de", "fr"):
        page = help_page(locale)["embeds"][0]["description"]
        assert "/play" in page
        assert len(page.splitlines()) == len(REGISTRY)


def test_help_names_commands_as_the_askers_discord_does():
    page = help_page("de")["embeds"][0]["description"]

    assert "**/einstellungen dj-rolle**" in page
