import msgspec
from hypothesis import given
from hypothesis import strategies as st

from legato.gateway import events
from legato.gateway.voice_index import EMPTY, GuildVoice, changed_channels, moved, of_guild

BOT = 1
states = st.builds(
    events.VoiceState,
    user_id=st.integers(1, 4),
    channel_id=st.one_of(st.none(), st.integers(10, 12)),
    session_id=st.just("s"),
)


def after(moves):
    voice = EMPTY
    for state in moves:
        voice = moved(voice, state, bot=BOT)
    return voice


@given(st.lists(states, max_size=20))
def test_everybody_is_where_they_went_last(moves):
    voice = after(moves)

    last = {state.user_id: state.channel_id for state in moves}
    for user, channel in last.items():
        assert voice.channel_of(user) == channel
    assert voice.own_channel == last.get(BOT)
    assert sum(voice.people_in(c) for c in (10, 11, 12)) == sum(
        channel is not None for user, channel in last.items() if user != BOT
    )


@given(st.lists(states, min_size=1, max_size=20))
def test_the_last_event_again_changes_nothing(moves):
    assert moved(after(moves), moves[-1], bot=BOT) == after(moves)


@given(st.lists(states, max_size=20))
def test_what_is_stored_is_what_is_read(moves):
    voice = after(moves)

    assert msgspec.json.decode(msgspec.json.encode(voice), type=GuildVoice) == voice


def test_bots_are_no_listeners():
    guild = events.Guild(
        id=5,
        members=(events.Member(user=events.User(id=2, bot=True)),),
        voice_states=(
            events.VoiceState(user_id=2, channel_id=10),
            events.VoiceState(user_id=3, channel_id=10),
        ),
    )

    voice = of_guild(guild, bot=BOT)

    assert (voice.people_in(10), voice.occupants(10)) == (1, 2)


def test_a_move_touches_the_channel_left_and_the_one_entered():
    before = after([events.VoiceState(user_id=3, channel_id=10)])
    later = moved(before, events.VoiceState(user_id=3, channel_id=11), bot=BOT)

    assert set(changed_channels(before, later, 3)) == {10, 11}
