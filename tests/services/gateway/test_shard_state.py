from legato.contracts import voice
from legato.contracts.voice import Mark
from legato.gateway import events
from legato.gateway.shard_state import ShardState, Stamp, session_name

BOT, GUILD, ANN, ROOM = 1, 5, 7, 10
STAMP = Stamp(Mark(session="s", seq=3), 1000)


def guild(**more):
    member = events.Member(user=events.User(id=BOT, bot=True), roles=(4,))
    return events.Guild(
        id=GUILD,
        owner_id=9,
        roles=(events.Role(id=GUILD, permissions=1024),),
        channels=(events.Channel(id=ROOM, type=2), events.Channel(id=11, type=0)),
        members=(member,),
        **more,
    )


def state_with(*applied):
    state = ShardState(BOT)
    for name, event in applied:
        state.apply(name, event, STAMP)
    return state


def test_a_guild_brings_its_voice_and_facts_and_the_bots_own_state():
    state = ShardState(BOT)
    here = events.VoiceState(user_id=BOT, channel_id=ROOM, session_id="v")

    change = state.apply("GUILD_CREATE", guild(voice_states=(here,)), STAMP)

    assert (change.voice, change.facts) == ({GUILD}, {GUILD})
    [own] = change.messages
    assert (own.channel_id, own.session_id, own.mark) == (ROOM, "v", STAMP.mark)
    assert list(state.facts_of(GUILD).channels) == [ROOM]
    assert state.facts_of(GUILD).bot_roles == (4,)


def test_a_listener_coming_and_going_is_told_only_for_the_bots_channel():
    here = events.VoiceState(user_id=BOT, channel_id=ROOM)
    state = state_with(("GUILD_CREATE", guild(voice_states=(here,))))

    def move(channel):
        event = events.VoiceState(user_id=ANN, guild_id=GUILD, channel_id=channel)
        return state.apply("VOICE_STATE_UPDATE", event, STAMP).messages

    assert [m.listeners for m in move(ROOM)] == [1]
    assert [m.listeners for m in move(12)] == [0]
    assert move(13) == []


def test_the_same_event_again_leaves_the_same_state():
    here = events.VoiceState(user_id=ANN, guild_id=GUILD, channel_id=ROOM)
    once = state_with(("GUILD_CREATE", guild()), ("VOICE_STATE_UPDATE", here))
    twice = state_with(
        ("GUILD_CREATE", guild()), ("VOICE_STATE_UPDATE", here), ("VOICE_STATE_UPDATE", here)
    )

    assert (once.voice, once.facts) == (twice.voice, twice.facts)


def test_a_guild_with_nobody_in_voice_takes_no_room_in_the_index():
    here = events.VoiceState(user_id=ANN, guild_id=GUILD, channel_id=ROOM)
    gone = events.VoiceState(user_id=ANN, guild_id=GUILD)
    state = state_with(("GUILD_CREATE", guild()), ("VOICE_STATE_UPDATE", here))
    assert state.voice_of(GUILD).channel_of(ANN) == ROOM

    state.apply("VOICE_STATE_UPDATE", gone, STAMP)

    assert state.voice == {}
    assert state.voice_of(GUILD).channel_of(ANN) is None


def test_an_outage_of_a_guild_forgets_nothing_and_a_removal_everything():
    state = state_with(("GUILD_CREATE", guild()))

    state.apply("GUILD_DELETE", events.Guild(id=GUILD, unavailable=True), STAMP)
    assert GUILD in state.facts

    change = state.apply("GUILD_DELETE", events.Guild(id=GUILD), STAMP)
    assert GUILD not in state.facts
    assert isinstance(change.messages[0], voice.GuildGone)


def test_ready_forgets_guilds_that_are_gone():
    state = state_with(("GUILD_CREATE", guild()))
    ready = events.Ready(
        session_id="x", resume_gateway_url="wss://x", user=events.User(id=BOT), guilds=()
    )

    change = state.apply("READY", ready, STAMP)

    assert [type(m) for m in change.messages] == [voice.GuildGone]
    assert state.facts == {}


def test_roles_channels_and_the_bots_own_roles_are_followed():
    state = state_with(
        ("GUILD_CREATE", guild()),
        ("GUILD_ROLE_CREATE", events.RoleChanged(guild_id=GUILD, role=events.Role(id=4))),
        ("CHANNEL_CREATE", events.Channel(id=12, type=13, guild_id=GUILD, user_limit=3)),
        ("CHANNEL_DELETE", events.Channel(id=ROOM, type=2, guild_id=GUILD)),
        (
            "GUILD_MEMBER_UPDATE",
            events.MemberUpdated(guild_id=GUILD, user=events.User(id=BOT), roles=(8,)),
        ),
        ("GUILD_ROLE_DELETE", events.RoleDeleted(guild_id=GUILD, role_id=4)),
    )

    facts = state.facts_of(GUILD)
    assert list(facts.channels) == [12]
    assert facts.channels[12].is_stage
    assert facts.bot_roles == (8,)
    assert 4 not in facts.roles


def test_a_session_is_named_without_telling_its_id():
    assert session_name("secret") == session_name("secret")
    assert "secret" not in session_name("secret")
