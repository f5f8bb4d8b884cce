from hypothesis import given
from hypothesis import strategies as st

from legato.gateway.permissions import (
    EVERYTHING,
    GuildFacts,
    Overwrite,
    Permission,
    VoiceChannel,
    in_channel,
    in_guild,
)

GUILD, OWNER, BOT, ROLE, OTHER = 1, 2, 3, 4, 5
ENTER = int(Permission.VIEW_CHANNEL | Permission.CONNECT)
FACTS = GuildFacts(owner_id=OWNER, roles={GUILD: ENTER, ROLE: int(Permission.SPEAK)})
bits = st.integers(min_value=0, max_value=2**50)


def channel(*overwrites):
    return VoiceChannel(overwrites=tuple(Overwrite(*one) for one in overwrites))


def may(place, *, roles=(ROLE,), user=BOT, facts=FACTS):
    base = in_guild(facts, GUILD, user, roles)
    return in_channel(base, place, guild_id=GUILD, user_id=user, roles=roles)


def test_roles_add_up():
    assert in_guild(FACTS, GUILD, BOT, [ROLE]) == ENTER | Permission.SPEAK


def test_the_owner_and_administrators_may_do_everything_whatever_a_channel_says():
    closed = channel((GUILD, 0, ENTER), (BOT, 0, ENTER))
    admins = GuildFacts(OWNER, {GUILD: 0, ROLE: int(Permission.ADMINISTRATOR)})

    assert may(closed, user=OWNER) == EVERYTHING
    assert may(closed, facts=admins) == EVERYTHING


def test_a_role_opens_what_everyone_is_denied_and_the_member_has_the_last_word():
    connect = int(Permission.CONNECT)
    opened = channel((GUILD, 0, connect), (ROLE, connect, 0))
    closed_again = channel((GUILD, 0, connect), (ROLE, connect, 0), (BOT, 0, connect))

    assert may(opened) & connect
    assert not may(closed_again) & connect


def test_one_role_that_allows_beats_another_that_denies():
    connect = int(Permission.CONNECT)
    place = channel((ROLE, 0, connect), (OTHER, connect, 0))

    assert may(place, roles=(ROLE, OTHER)) & connect


def test_who_can_not_see_a_channel_can_do_nothing_in_it():
    assert may(channel((GUILD, 0, int(Permission.VIEW_CHANNEL)))) == 0


@given(bits, bits, bits)
def test_a_channel_without_overwrites_changes_nothing(everyone, role, allow):
    facts = GuildFacts(OWNER, {GUILD: everyone & ~8 | ENTER, ROLE: role & ~8})

    assert may(channel(), facts=facts) == in_guild(facts, GUILD, BOT, [ROLE])
    assert may(channel((OTHER, allow, 0)), facts=facts) == may(channel(), facts=facts)
