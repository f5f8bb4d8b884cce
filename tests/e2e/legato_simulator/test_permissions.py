from legato_simulator.permissions import ALL, EVERYONE, Permission, in_channel, in_guild, may
from legato_simulator.world import Channel, ChannelType, Guild, Member, Overwrite, Role

OWNER, USER, DJ = 1, 2, 30


def guild(**roles: int) -> Guild:
    made = Guild(10, "g", OWNER, "")
    made.roles[10] = Role(10, "@everyone", EVERYONE)
    made.roles[DJ] = Role(DJ, "DJ", roles.get("dj", 0))
    return made


def member(user_id: int = USER, *roles: int) -> Member:
    return Member(user_id, "", list(roles))


def channel(*overwrites: Overwrite, kind: ChannelType = ChannelType.VOICE) -> Channel:
    return Channel(11, kind, guild_id=10, overwrites={each.id: each for each in overwrites})


def test_owners_and_administrators_may_do_everything() -> None:
    admin = guild(dj=int(Permission.ADMINISTRATOR))
    nothing = channel(Overwrite(10, 0, deny=ALL))

    assert in_channel(admin, member(OWNER), nothing) == ALL
    assert in_channel(admin, member(USER, DJ), nothing) == ALL


def test_a_members_own_overwrite_beats_the_roles_which_beat_everyones() -> None:
    connect = int(Permission.CONNECT)
    closed = Overwrite(10, 0, deny=connect)
    for_djs = Overwrite(DJ, 0, allow=connect)
    but_not_me = Overwrite(USER, 1, deny=connect)

    assert not may(guild(), member(), channel(closed), Permission.CONNECT)
    assert may(guild(), member(USER, DJ), channel(closed, for_djs), Permission.CONNECT)
    everything = channel(closed, for_djs, but_not_me)
    assert not may(guild(), member(USER, DJ), everything, Permission.CONNECT)


def test_who_may_not_view_may_nothing_and_who_may_not_connect_may_not_speak() -> None:
    hidden = channel(Overwrite(10, 0, deny=int(Permission.VIEW_CHANNEL)))
    closed = channel(Overwrite(10, 0, deny=int(Permission.CONNECT)))

    assert in_channel(guild(), member(), hidden) == 0
    assert not may(guild(), member(), closed, Permission.SPEAK)


def test_roles_add_up() -> None:
    bits = in_guild(guild(dj=int(Permission.MOVE_MEMBERS)), member(USER, DJ))

    assert bits == EVERYONE | Permission.MOVE_MEMBERS
