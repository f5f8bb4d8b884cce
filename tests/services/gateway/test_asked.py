from datetime import timedelta

import msgspec
import pytest

from legato.contracts import playback
from legato.gateway import events
from legato.gateway.asked import LATE, SOON, Asked, Envelope, message, of_button, of_command
from legato.gateway.commands import REGISTRY

ORIGIN = playback.Origin(source="interaction", user_id=1, channel_id=2, received_at=1000)
ENVELOPE = Envelope(id=9, guild_id=8, origin=ORIGIN, now=1000)


def made(asked):
    return message(asked, ENVELOPE, voice_channel_id=5)


def test_a_subcommand_is_named_with_its_group():
    option = events.Option(name="role", type=8, value="77")
    data = events.InteractionData(
        name="settings", options=(events.Option(name="dj-role", type=1, options=(option,)),)
    )

    assert of_command(data) == Asked("settings dj-role", {"role": "77"})
    assert made(of_command(data)).dj_role_id == 77


def test_a_dj_role_left_out_is_taken_away():
    assert made(Asked("settings dj-role", {})).dj_role_id is None


def test_a_start_volume_changes_nothing_else():
    changed = made(Asked("settings volume", {"percent": 60}))

    assert (changed.default_volume, changed.dj_role_id) == (60, msgspec.UNSET)


def test_play_carries_where_it_goes_and_may_wait_long():
    play = made(Asked("play", {"query": " a song ", "when": "now"}))

    assert (play.query, play.where, play.voice_channel_id) == ("a song", "now", 5)
    assert play.expires_at == 1000 + LATE / timedelta(milliseconds=1)


def test_what_people_expect_at_once_expires_soon():
    assert made(Asked("pause", {})).expires_at == 1000 + SOON / timedelta(milliseconds=1)


@pytest.mark.parametrize(
    ("custom_id", "kind"),
    [
        ("l1:toggle:p", playback.TogglePause),
        ("l1:skip:p", playback.Skip),
        ("l1:stop:p", playback.Stop),
        ("l1:louder:p", playback.SetVolume),
        ("l1:page:3", playback.ShowQueue),
    ],
)
def test_buttons_become_commands(custom_id, kind):
    assert isinstance(made(of_button(custom_id)), kind)


def test_the_skip_button_skips_only_the_play_it_was_drawn_for():
    assert made(of_button("l1:skip:play-7")).play_id == "play-7"


def test_every_declared_command_becomes_a_message_but_help():
    options = {"query": "x", "to": "1:23", "percent": 50}
    for command in REGISTRY:
        own = {o.name: options[o.name] for o in command.options if o.required}
        assert (made(Asked(command.path, own)) is None) == (command.path == "help")
