"""Application commands: global ones and a guild's."""

from legato_simulator import command_forms
from legato_simulator.json_values import Json
from legato_simulator.problems import Form, Problem
from legato_simulator.ratelimits import Bucket
from legato_simulator.rest.routes import Answer, Call, Routes

routes = Routes()
GLOBAL = "/applications/{application_id}/commands"
OF_GUILD = "/applications/{application_id}/guilds/{guild_id}/commands"
WRITE = Bucket(20, 20.0)
DAILY = 200
"""New commands a day; replacing one of the same name does not count."""


def _scope(call: Call) -> str | None:
    """Check whose commands are asked for, and return the guild they belong to."""
    if call.id("application_id") != call.bot.id:
        raise Problem(20012)
    return str(call.guild().id) if "guild_id" in call.params else None


def _own(call: Call, scope: str | None) -> list[Json]:
    return [each for each in call.bot.commands.values() if each.get("guild_id") == scope]


def _shown(call: Call, command: Json) -> Json:
    if call.asks("with_localizations"):
        return command
    hidden = {"name_localizations", "description_localizations"}
    return {key: value for key, value in command.items() if key not in hidden}


def _one(call: Call, scope: str | None) -> Json:
    command = call.bot.commands.get(call.id("command_id"))
    if command is None or command.get("guild_id") != scope:
        raise Problem(10063)
    return command


def _put(call: Call, body: Json, scope: str | None, same: Json | None) -> Json:
    """Keep a command, under the id of the one it replaces if there is one."""
    if same is None:
        call.bot.creates += 1
        if call.bot.creates > DAILY:
            raise Problem(30034)
    command_id = int(same["id"]) if same else call.sim.make_id()
    version = call.sim.make_id()
    command = command_forms.shown(
        body, command_id=command_id, application_id=call.bot.id, version=version
    )
    if scope is not None:
        command["guild_id"] = scope
        command.pop("contexts")
        command.pop("integration_types")
        command.pop("dm_permission")
    if same is not None and same | {"version": ""} == command | {"version": ""}:
        command = same
    call.bot.commands[command_id] = command
    call.sim.publish("command_registered", command)
    return command


def _named(commands: list[Json], body: Json) -> Json | None:
    kind = body.get("type") or command_forms.CHAT_INPUT
    same = (each for each in commands if (each["name"], each["type"]) == (body.get("name"), kind))
    return next(same, None)


@routes.add("GET", GLOBAL)
@routes.add("GET", OF_GUILD)
async def list_commands(call: Call) -> Answer:
    """List commands."""
    return Answer([_shown(call, each) for each in _own(call, _scope(call))])


@routes.add("POST", GLOBAL, WRITE)
@routes.add("POST", OF_GUILD, WRITE)
async def create_command(call: Call) -> Answer:
    """Make a command: 201, or 200 where it replaces one of the same name."""
    scope = _scope(call)
    _checked([call.form], many=False)
    own = _own(call, scope)
    same = _named(own, call.form)
    if same is None:
        _check_count([*own, call.form])
    command = _put(call, call.form, scope, same)
    return Answer(command, 200 if same else 201)


@routes.add("PUT", GLOBAL, WRITE)
@routes.add("PUT", OF_GUILD, WRITE)
async def replace_commands(call: Call) -> Answer:
    """Make these the only commands; those of the same name keep their ids."""
    scope = _scope(call)
    wanted = call.body if isinstance(call.body, list) else []
    _checked(wanted, many=True)
    _check_count(wanted)
    before = _own(call, scope)
    for old in before:
        call.bot.commands.pop(int(old["id"]))
    return Answer([_put(call, body, scope, _named(before, body)) for body in wanted])


def _checked(bodies: list[Json], *, many: bool) -> None:
    form = Form()
    seen: set[tuple[object, object]] = set()
    for index, body in enumerate(bodies):
        place = (index,) if many else ()
        command_forms.check(form, body, place)
        key = (body.get("type") or command_forms.CHAT_INPUT, body.get("name"))
        if key in seen:
            message = "Application command names must be unique"
            form.add((*place, "name"), "APPLICATION_COMMANDS_DUPLICATE_NAME", message)
        seen.add(key)
    form.raise_if_wrong()


def _check_count(commands: list[Json]) -> None:
    for kind, limit in command_forms.LIMIT.items():
        same = [each for each in commands if (each.get("type") or command_forms.CHAT_INPUT) == kind]
        if len(same) > limit:
            raise Problem(30032)


@routes.add("GET", GLOBAL + "/{command_id}")
@routes.add("GET", OF_GUILD + "/{command_id}")
async def command(call: Call) -> Answer:
    """Show a command."""
    return Answer(_one(call, _scope(call)))


@routes.add("PATCH", GLOBAL + "/{command_id}", WRITE)
@routes.add("PATCH", OF_GUILD + "/{command_id}", WRITE)
async def edit_command(call: Call) -> Answer:
    """Change a command."""
    scope = _scope(call)
    old = _one(call, scope)
    merged = old | call.form
    _checked([merged], many=False)
    return Answer(_put(call, merged, scope, old))


@routes.add("DELETE", GLOBAL + "/{command_id}", WRITE)
@routes.add("DELETE", OF_GUILD + "/{command_id}", WRITE)
async def delete_command(call: Call) -> Answer:
    """Delete a command."""
    old = _one(call, _scope(call))
    call.bot.commands.pop(int(old["id"]))
    return Answer()


@routes.add("GET", OF_GUILD + "/permissions")
async def all_permissions(call: Call) -> Answer:
    """List who may use which command; nobody has restricted any."""
    _scope(call)
    return Answer([])


@routes.add("GET", OF_GUILD + "/{command_id}/permissions")
async def command_permissions(call: Call) -> Answer:
    """Say who may use a command: no one has restricted it, which Discord answers with 10066."""
    _scope(call)
    raise Problem(10066)
