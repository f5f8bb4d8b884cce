import pytest
from hypothesis import given
from hypothesis import strategies as st

from legato import text
from legato.contracts.settings import GuildSettings
from legato.gateway.asked import Asked, of_button
from legato.gateway.checks import Asker, Place, check
from legato.gateway.commands import REGISTRY
from legato.gateway.permissions import GuildFacts, Overwrite, Permission, VoiceChannel
from legato.gateway.voice_index import GuildVoice, OwnVoice
from legato.gateway.voice_index import Place as VoicePlace

GUILD, BOT, ANN, BOB, ROOM, HALL, DJ = 1, 2, 3, 4, 10, 11, 7
ALL = int(Permission.VIEW_CHANNEL | Permission.CONNECT | Permission.SPEAK)
PLAY = Asked("play", {"query": "a song"})
SKIP = Asked("skip", {})


def place(where=None, *, own=None, deny=0, limit=0, dj=None, everyone=ALL):
    places = {user: VoicePlace(channel) for user, channel in (where or {}).items()}
    voice = GuildVoice(places, OwnVoice(own) if own else None)
    if own:
        voice.places[BOT] = VoicePlace(own, is_bot=True)
    overwrites = (Overwrite(BOT, 0, deny),) if deny else ()
    channel = VoiceChannel(overwrites=overwrites, user_limit=limit)
    facts = GuildFacts(99, {GUILD: everyone}, {ROOM: channel, HALL: channel}, ())
    return Place(GUILD, BOT, voice, facts, GuildSettings(dj_role_id=dj))


def test_who_is_in_voice_may_play():
    assert check(PLAY, Asker(ANN), place({ANN: ROOM})) is None


def test_who_is_nowhere_may_not():
    assert check(PLAY, Asker(ANN), place()) == "not_in_voice"


def test_the_bot_is_not_taken_from_people_who_listen():
    busy = place({ANN: ROOM, BOB: HALL}, own=HALL)

    assert check(PLAY, Asker(ANN), busy) == "other_channel"
    assert check(PLAY, Asker(ANN), place({ANN: ROOM}, own=HALL)) is None
    assert check(SKIP, Asker(ANN), place({ANN: ROOM}, own=HALL)) == "other_channel"


@pytest.mark.parametrize(
    ("permission", "reason"),
    [
        (Permission.VIEW_CHANNEL, "no_connect"),
        (Permission.CONNECT, "no_connect"),
        (Permission.SPEAK, "no_speak"),
    ],
)
def test_the_bot_must_be_allowed_into_the_channel(permission, reason):
    assert check(PLAY, Asker(ANN), place({ANN: ROOM}, deny=int(permission))) == reason


def test_who_was_moved_into_a_channel_they_may_not_enter_brings_no_bot():
    shut = place({ANN: ROOM}, everyone=0)
    shut.facts.roles[50] = ALL
    invited = GuildFacts(99, shut.facts.roles, shut.facts.channels, (50,))

    inside = Place(GUILD, BOT, shut.voice, invited, shut.settings)

    assert check(PLAY, Asker(ANN), inside) == "may_not_connect"


def test_a_full_channel_is_full_unless_the_bot_is_in_it():
    assert check(PLAY, Asker(ANN), place({ANN: ROOM, BOB: ROOM}, limit=2)) == "channel_full"
    assert check(PLAY, Asker(ANN), place({ANN: ROOM, BOB: ROOM}, limit=2, own=ROOM)) is None


def test_an_unknown_channel_is_left_to_discord():
    unknown = place({ANN: 12345})

    assert check(PLAY, Asker(ANN), unknown) is None


def test_with_a_dj_role_only_djs_managers_and_who_is_alone_steer():
    crowd = place({ANN: ROOM, BOB: ROOM}, own=ROOM, dj=DJ)
    manager = int(Permission.MANAGE_GUILD)

    assert check(SKIP, Asker(ANN), crowd) == "not_dj"
    assert check(SKIP, Asker(ANN, roles=(DJ,)), crowd) is None
    assert check(SKIP, Asker(ANN, permissions=manager), crowd) is None
    assert check(SKIP, Asker(ANN), place({ANN: ROOM}, own=ROOM, dj=DJ)) is None
    assert check(PLAY, Asker(ANN), crowd) is None


def test_only_managers_see_and_change_settings():
    for path in ("settings show", "settings dj-role"):
        assert check(Asked(path, {}), Asker(ANN), place()) == "not_manager"
        manager = Asker(ANN, permissions=int(Permission.MANAGE_GUILD))
        assert check(Asked(path, {}), manager, place()) is None


def test_a_bad_link_is_told_before_anything_else():
    link = Asked("play", {"query": "http://127.0.0.1/"})

    assert check(link, Asker(ANN), place()) == "private_address"


@pytest.mark.parametrize(
    ("asked", "reason"),
    [
        (Asked("volume", {"percent": 201}), "bad_volume"),
        (Asked("volume", {}), "invalid"),
        (Asked("seek", {"to": "soon"}), "bad_time"),
        (Asked("settings volume", {"percent": 201}), "bad_volume"),
        (Asked("queue", {"page": 0}), "no_such_page"),
        (Asked("play", {"query": "x", "when": "never"}), "invalid"),
        (Asked("play", {"query": "x", "extra": 1}), "invalid"),
        (Asked("settings dj-role", {"role": "x"}), "invalid"),
        (Asked("explode", {}), "invalid"),
    ],
)
def test_options_that_discords_clients_would_not_send_are_refused(asked, reason):
    assert check(asked, Asker(ANN), place({ANN: ROOM})) == reason


@given(
    st.sampled_from([command.path for command in REGISTRY]),
    st.dictionaries(st.text(max_size=8), st.one_of(st.text(), st.integers(), st.booleans())),
)
def test_every_reason_is_a_sentence(path, options):
    reason = check(Asked(path, options), Asker(ANN), place({ANN: ROOM}))

    assert reason is None or reason in text.REFUSALS


def test_every_button_of_the_panel_passes():
    for custom_id in ("l1:toggle:p", "l1:skip:p", "l1:stop:p", "l1:louder:p", "l1:quieter:p"):
        asked = of_button(custom_id)
        assert isinstance(asked, Asked)
        assert check(asked, Asker(ANN), place({ANN: ROOM}, own=ROOM)) is None
