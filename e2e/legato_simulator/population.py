"""Makes and removes users, guilds, channels and roles, and tells the bots. It knows no sockets."""

from legato_simulator import payloads, permissions, snowflakes
from legato_simulator.bots import Bot, id_in, token_for
from legato_simulator.json_values import Json
from legato_simulator.sessions import Session
from legato_simulator.simulation import Simulation
from legato_simulator.world import Channel, ChannelType, Guild, Member, Overwrite, Role, User


def add_bot(sim: Simulation, name: str, token: str | None = None) -> Bot:
    """Make an application with its bot user."""
    found = id_in(token) if token else None
    bot_id = found or sim.make_id()
    bot = Bot(bot_id, name, token or token_for(bot_id))
    sim.world.users[bot_id] = User(bot_id, name, bot=True)
    return sim.bots.add(bot)


def add_user(sim: Simulation, username: str, locale: str = "en-US") -> User:
    """Make a person."""
    user = User(sim.make_id(), username.lower(), global_name=username, locale=locale)
    sim.world.users[user.id] = user
    return user


def add_guild(sim: Simulation, name: str, owner: User, *, guild_id: int | None = None) -> Guild:
    """Make a guild with one text and one voice channel, and invite every bot."""
    now = sim.clock.timestamp()
    guild = Guild(guild_id or sim.make_id(), name, owner.id, now)
    guild.roles[guild.id] = Role(guild.id, "@everyone", permissions.EVERYONE)
    guild.members[owner.id] = Member(owner.id, now)
    for bot in sim.bots.by_id.values():
        _invite(sim, guild, bot)
    sim.world.add_guild(guild)
    add_channel(sim, guild, "music", ChannelType.TEXT, tell=False)
    add_channel(sim, guild, "Listening room", ChannelType.VOICE, tell=False)
    return guild


def add_guilds(sim: Simulation, count: int, owner: User) -> list[Guild]:
    """Make many guilds; their ids are a millisecond apart, so that they fill all shards.

    They come before all there are, since others may have been made in the same milliseconds.
    """
    oldest = min(map(snowflakes.time_of, sim.world.guilds), default=sim.clock.wall())
    start = oldest - (count + 1) / 1000
    made = [
        add_guild(sim, f"Guild {index + 1}", owner, guild_id=snowflakes.spread(index, start))
        for index in range(count)
    ]
    for guild in made:
        announce_guild(sim, guild)
    return made


def _invite(sim: Simulation, guild: Guild, bot: Bot) -> None:
    own = Role(sim.make_id(), bot.name, permissions.BOT, position=1, managed=True, bot_id=bot.id)
    guild.roles[own.id] = own
    guild.members[bot.id] = Member(bot.id, sim.clock.timestamp(), [own.id])


def guild_create(sim: Simulation, guild: Guild, session: Session) -> Json:
    """Write the GUILD_CREATE that one session receives."""
    bot = guild.members[session.bot_id]
    present = [guild.members[each] for each in guild.voice_states if each != bot.user_id]
    voice = bool(session.intents & (1 << 7))
    if session.intents & (1 << 1):
        present = [each for each in guild.members.values() if each is not bot]
    return payloads.full_guild(sim.world, guild, [bot, *present], voice=voice)


def announce_guild(sim: Simulation, guild: Guild) -> None:
    """Tell the bots that they are in a guild."""
    sim.dispatch.emit_each("GUILD_CREATE", guild.id, lambda each: guild_create(sim, guild, each))
    sim.publish("guild_created", {"id": str(guild.id), "name": guild.name})


def remove_bot(sim: Simulation, guild: Guild, bot: Bot) -> None:
    """Take a bot out of a guild: it hears GUILD_DELETE, and no more of this guild."""
    sim.dispatch.emit("GUILD_DELETE", {"id": str(guild.id)}, guild_id=guild.id, bot_id=bot.id)
    guild.members.pop(bot.id, None)
    for role in [each for each in guild.roles.values() if each.bot_id == bot.id]:
        guild.roles.pop(role.id)
    for key in [key for key, each in bot.commands.items() if each.get("guild_id") == str(guild.id)]:
        bot.commands.pop(key)
    sim.publish("guild_left", {"id": str(guild.id), "bot_id": str(bot.id)})


def invite_bot(sim: Simulation, guild: Guild, bot: Bot) -> None:
    """Bring a bot into a guild."""
    if bot.id not in guild.members:
        _invite(sim, guild, bot)
        for session in sim.dispatch.receivers("GUILD_CREATE", guild.id, bot.id):
            session.append("GUILD_CREATE", guild_create(sim, guild, session))


def set_outage(sim: Simulation, guild: Guild, *, unavailable: bool) -> None:
    """Make a guild unavailable, or available again."""
    guild.unavailable = unavailable
    if unavailable:
        body = {"id": str(guild.id), "unavailable": True}
        sim.dispatch.emit("GUILD_DELETE", body, guild_id=guild.id)
    else:
        announce_guild(sim, guild)


def remove_guild(sim: Simulation, guild: Guild) -> None:
    """Delete a guild."""
    sim.dispatch.emit("GUILD_DELETE", {"id": str(guild.id)}, guild_id=guild.id)
    sim.world.remove_guild(guild.id)
    sim.publish("guild_deleted", {"id": str(guild.id)})


def add_member(sim: Simulation, guild: Guild, user: User) -> Member:
    """Let a user join a guild."""
    member = guild.members.get(user.id)
    if member is None:
        member = guild.members[user.id] = Member(user.id, sim.clock.timestamp())
        body = payloads.member(sim.world, member) | {"guild_id": str(guild.id)}
        sim.dispatch.emit("GUILD_MEMBER_ADD", body, guild_id=guild.id)
        sim.publish("member_added", {"guild_id": str(guild.id), "user_id": str(user.id)})
    return member


def member_changed(sim: Simulation, guild: Guild, member: Member) -> None:
    """Tell the bots that a member's roles or name changed."""
    body = payloads.member(sim.world, member) | {"guild_id": str(guild.id)}
    sim.dispatch.emit("GUILD_MEMBER_UPDATE", body, guild_id=guild.id)


def add_role(sim: Simulation, guild: Guild, name: str, bits: int) -> Role:
    """Make a role."""
    role = Role(sim.make_id(), name, bits, position=len(guild.roles))
    guild.roles[role.id] = role
    _role_event(sim, guild, "GUILD_ROLE_CREATE", role)
    return role


def role_changed(sim: Simulation, guild: Guild, role: Role) -> None:
    """Tell the bots that a role changed."""
    _role_event(sim, guild, "GUILD_ROLE_UPDATE", role)


def remove_role(sim: Simulation, guild: Guild, role: Role) -> None:
    """Delete a role and take it from everyone."""
    guild.roles.pop(role.id, None)
    for member in guild.members.values():
        member.roles = [each for each in member.roles if each != role.id]
    body = {"guild_id": str(guild.id), "role_id": str(role.id)}
    sim.dispatch.emit("GUILD_ROLE_DELETE", body, guild_id=guild.id)


def _role_event(sim: Simulation, guild: Guild, event: str, role: Role) -> None:
    body = {"guild_id": str(guild.id), "role": payloads.role(role)}
    sim.dispatch.emit(event, body, guild_id=guild.id)


def add_channel(
    sim: Simulation, guild: Guild, name: str, kind: ChannelType, *, tell: bool = True
) -> Channel:
    """Make a channel."""
    position = len(guild.channels)
    channel = Channel(sim.make_id(), kind, name, guild_id=guild.id, position=position)
    sim.world.add_channel(guild, channel)
    if tell:
        channel_event(sim, guild, "CHANNEL_CREATE", channel)
    return channel


def channel_event(sim: Simulation, guild: Guild, event: str, channel: Channel) -> None:
    """Tell the bots that a channel was made, changed or deleted."""
    body = payloads.guild_channel(sim.world, channel)
    sim.dispatch.emit(event, body, guild_id=guild.id)
    sim.publish(event.lower(), body)


def set_overwrite(sim: Simulation, channel: Channel, overwrite: Overwrite) -> None:
    """Allow or deny a role or member something in a channel."""
    channel.overwrites[overwrite.id] = overwrite
    guild = sim.world.guild_of(channel)
    if guild is not None:
        channel_event(sim, guild, "CHANNEL_UPDATE", channel)


def set_status(sim: Simulation, channel: Channel, status: str | None) -> None:
    """Set the line under a voice channel's name."""
    channel.status = status or None
    guild_id = channel.guild_id or 0
    body = {"id": str(channel.id), "guild_id": str(guild_id), "status": channel.status}
    sim.dispatch.emit("VOICE_CHANNEL_STATUS_UPDATE", body, guild_id=guild_id)
    sim.publish("voice_channel_status", body)


def dm_with(sim: Simulation, bot: Bot, user: User) -> Channel:
    """Open the direct channel between a bot and a user."""
    people = [bot.id, user.id]
    for channel in sim.world.dms.values():
        if channel.recipients == people:
            return channel
    channel = Channel(sim.make_id(), ChannelType.DM, recipients=people)
    sim.world.dms[channel.id] = channel
    return channel


def seed(sim: Simulation) -> None:
    """Fill a new world: bots, a few people, and the Legato Lounge."""
    for number, token in enumerate(sim.settings.tokens or (None,)):
        add_bot(sim, "Legato" if number == 0 else f"Legato {number + 1}", token)
    people = [add_user(sim, name) for name in ("Ada", "Ben", "Cleo", "Dmitri")]
    lounge = add_guild(sim, "Legato Lounge", people[0])
    add_channel(sim, lounge, "Stage", ChannelType.STAGE, tell=False)
    for person in people:
        add_member(sim, lounge, person)
    if sim.settings.guilds > 1:
        add_guilds(sim, sim.settings.guilds - 1, people[0])
