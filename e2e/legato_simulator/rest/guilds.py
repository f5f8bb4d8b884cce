"""Guilds, members, roles, and the channels of a guild."""

from legato_simulator import payloads, population
from legato_simulator.json_values import Json
from legato_simulator.permissions import Permission
from legato_simulator.problems import Form, Problem
from legato_simulator.rest.routes import Answer, Call, Routes
from legato_simulator.world import ChannelType, Guild, Member, Role

routes = Routes()


@routes.add("GET", "/guilds/{guild_id}")
async def guild(call: Call) -> Answer:
    """Show a guild."""
    found = call.guild()
    body = payloads.guild(found)
    if call.asks("with_counts"):
        count = len(found.members)
        body |= {"approximate_member_count": count, "approximate_presence_count": count}
    return Answer(body)


@routes.add("GET", "/guilds/{guild_id}/channels")
async def channels(call: Call) -> Answer:
    """List a guild's channels."""
    world = call.sim.world
    return Answer([payloads.channel(world, each) for each in call.guild().channels.values()])


@routes.add("POST", "/guilds/{guild_id}/channels")
async def create_channel(call: Call) -> Answer:
    """Make a channel."""
    found = call.guild()
    call.need(found, Permission.MANAGE_CHANNELS)
    form = Form()
    form.length(("name",), call.form.get("name"), 1, 100)
    form.raise_if_wrong()
    kind = ChannelType(call.form.get("type") or 0)
    channel = population.add_channel(call.sim, found, call.form["name"], kind)
    return Answer(payloads.channel(call.sim.world, channel), 201)


@routes.add("GET", "/guilds/{guild_id}/members")
async def members(call: Call) -> Answer:
    """List members in the order of their ids."""
    found = call.guild()
    after, limit = int(call.query.get("after", "0")), int(call.query.get("limit", "1"))
    ids = [each for each in sorted(found.members) if each > after][:limit]
    return Answer([payloads.member(call.sim.world, found.members[each]) for each in ids])


@routes.add("GET", "/guilds/{guild_id}/members/search")
async def search_members(call: Call) -> Answer:
    """Find members whose name starts with a text."""
    found, world = call.guild(), call.sim.world
    query, limit = call.query.get("query", "").lower(), int(call.query.get("limit", "1"))
    named = [
        each
        for each in found.members.values()
        if (each.nick or world.users[each.user_id].username).lower().startswith(query)
    ]
    return Answer([payloads.member(world, each) for each in named[:limit]])


@routes.add("GET", "/guilds/{guild_id}/members/{user_id}")
async def member(call: Call) -> Answer:
    """Show a member."""
    found = call.guild()
    return Answer(payloads.member(call.sim.world, call.member(found)))


@routes.add("PATCH", "/guilds/{guild_id}/members/@me")
async def edit_self(call: Call) -> Answer:
    """Change the bot's own nickname."""
    found = call.guild()
    me = call.me(found)
    me.nick = call.form.get("nick", me.nick) or None
    population.member_changed(call.sim, found, me)
    return Answer(payloads.member(call.sim.world, me))


@routes.add("PATCH", "/guilds/{guild_id}/members/{user_id}")
async def edit_member(call: Call) -> Answer:
    """Rename, give roles, mute, deafen, move or disconnect a member."""
    found = call.guild()
    target = call.member(found)
    form = call.form
    if "nick" in form:
        call.need(found, Permission.MANAGE_NICKNAMES)
        target.nick = form["nick"] or None
    if "roles" in form:
        call.need(found, Permission.MANAGE_ROLES)
        target.roles = [int(each) for each in form["roles"]]
    await _edit_voice(call, found, target, form)
    population.member_changed(call.sim, found, target)
    return Answer(payloads.member(call.sim.world, target))


async def _edit_voice(call: Call, found: Guild, target: Member, form: Json) -> None:
    if not {"mute", "deaf", "channel_id"} & set(form):
        return
    if target.user_id not in found.voice_states:
        raise Problem(40032)
    if "mute" in form:
        call.need(found, Permission.MUTE_MEMBERS)
        target.mute = bool(form["mute"])
    if "deaf" in form:
        call.need(found, Permission.DEAFEN_MEMBERS)
        target.deaf = bool(form["deaf"])
    if "channel_id" in form:
        call.need(found, Permission.MOVE_MEMBERS)
        await _send_to(call, found, target, form["channel_id"])
    else:
        call.attendance.changed(found, target.user_id)


async def _send_to(call: Call, found: Guild, target: Member, channel_id: str | None) -> None:
    if channel_id is None:
        await call.attendance.leave(found, target.user_id)
        return
    channel = found.channels.get(int(channel_id))
    if channel is None:
        raise Problem(10003)
    await call.attendance.move(found, channel, target.user_id)


@routes.add("GET", "/guilds/{guild_id}/roles")
async def roles(call: Call) -> Answer:
    """List a guild's roles."""
    return Answer([payloads.role(each) for each in call.guild().roles.values()])


@routes.add("POST", "/guilds/{guild_id}/roles")
async def create_role(call: Call) -> Answer:
    """Make a role."""
    found = call.guild()
    call.need(found, Permission.MANAGE_ROLES)
    name, bits = call.form.get("name") or "new role", int(call.form.get("permissions") or 0)
    return Answer(payloads.role(population.add_role(call.sim, found, name, bits)))


def _role(call: Call, found: Guild) -> Role:
    role = found.roles.get(call.id("role_id"))
    if role is None:
        raise Problem(10011)
    return role


@routes.add("GET", "/guilds/{guild_id}/roles/{role_id}")
async def one_role(call: Call) -> Answer:
    """Show a role."""
    return Answer(payloads.role(_role(call, call.guild())))


@routes.add("PATCH", "/guilds/{guild_id}/roles/{role_id}")
async def edit_role(call: Call) -> Answer:
    """Change a role's name or permissions."""
    found = call.guild()
    role = _role(call, found)
    call.need(found, Permission.MANAGE_ROLES)
    role.name = call.form.get("name") or role.name
    role.permissions = int(call.form.get("permissions") or role.permissions)
    population.role_changed(call.sim, found, role)
    return Answer(payloads.role(role))


@routes.add("DELETE", "/guilds/{guild_id}/roles/{role_id}")
async def delete_role(call: Call) -> Answer:
    """Delete a role."""
    found = call.guild()
    role = _role(call, found)
    call.need(found, Permission.MANAGE_ROLES)
    population.remove_role(call.sim, found, role)
    return Answer()


async def _give(call: Call, *, has: bool) -> Answer:
    found = call.guild()
    role, target = _role(call, found), call.member(found)
    call.need(found, Permission.MANAGE_ROLES)
    target.roles = [each for each in target.roles if each != role.id] + ([role.id] if has else [])
    population.member_changed(call.sim, found, target)
    return Answer()


@routes.add("PUT", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}")
async def give_role(call: Call) -> Answer:
    """Give a member a role."""
    return await _give(call, has=True)


@routes.add("DELETE", "/guilds/{guild_id}/members/{user_id}/roles/{role_id}")
async def take_role(call: Call) -> Answer:
    """Take a role from a member."""
    return await _give(call, has=False)
