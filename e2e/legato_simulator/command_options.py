"""What Discord's client makes of a typed command: typed options and resolved objects. Pure."""

from collections.abc import Mapping
from dataclasses import dataclass, field

from legato_simulator import payloads
from legato_simulator.command_forms import GROUP, INTEGER, NUMBER, STRING, SUBCOMMAND
from legato_simulator.json_values import Json
from legato_simulator.views import ScriptError
from legato_simulator.world import Guild, World

BOOLEAN, USER, CHANNEL, ROLE, MENTIONABLE = 5, 6, 7, 8, 9
Value = str | int | float | bool


@dataclass(slots=True)
class Typed:
    """Collects the options of one typed command."""

    world: World
    guild: Guild | None
    focused: str | None = None
    forge: bool = False
    """Send texts, numbers and choices that Discord's client would not: a changed client's."""
    resolved: Json = field(default_factory=dict)

    def data(self, command: Json, path: list[str], values: Mapping[str, Value]) -> Json:
        """Write the `data` of INTERACTION_CREATE."""
        body: Json = {"id": command["id"], "name": command["name"], "type": command["type"]}
        if "guild_id" in command:
            body["guild_id"] = command["guild_id"]
        options = self._options(command.get("options", []), path, dict(values))
        if options:
            body["options"] = options
        if self.resolved:
            body["resolved"] = self.resolved
        return body

    def _options(
        self, declared: list[Json], path: list[str], values: dict[str, Value]
    ) -> list[Json]:
        nested = [each for each in declared if each["type"] in {SUBCOMMAND, GROUP}]
        if nested:
            chosen = next((each for each in nested if path and each["name"] == path[0]), None)
            if chosen is None:
                raise ScriptError(f"Choose one of {[each['name'] for each in nested]}.")
            inner = self._options(chosen.get("options", []), path[1:], values)
            return [{"name": chosen["name"], "type": chosen["type"], "options": inner}]
        if path:
            raise ScriptError(f"There is no sub-command {path[0]!r}.")
        names = [each["name"] for each in declared]
        if unknown := [name for name in values if name not in names]:
            raise ScriptError(f"The command has no option {unknown[0]!r}; it has {names}.")
        return [
            self._option(each, values[each["name"]])
            for each in declared
            if self._given(each, values)
        ]

    def _given(self, option: Json, values: dict[str, Value]) -> bool:
        if option["name"] in values:
            return True
        if option.get("required") and self.focused is None:
            raise ScriptError(f"The option {option['name']!r} is required.")
        return False

    def _option(self, option: Json, value: Value) -> Json:
        name, kind = option["name"], option["type"]
        body: Json = {"name": name, "type": kind, "value": value}
        if name == self.focused:
            return body | {"focused": True, "value": str(value)}
        body["value"] = self._value(option, value)
        return body

    def _value(self, option: Json, value: Value) -> Value:
        name, kind = option["name"], option["type"]
        if self.forge and kind in {STRING, INTEGER, NUMBER}:
            return value
        if option.get("choices"):
            return _choice(option, value)
        if kind == STRING:
            return _text(option, value)
        if kind in {INTEGER, NUMBER}:
            return _number(option, value)
        if kind == BOOLEAN:
            if isinstance(value, bool):
                return value
            raise ScriptError(f"The option {name!r} is true or false.")
        self._resolve(kind, str(value))
        return str(value)

    def _resolve(self, kind: int, wanted: str) -> None:
        if kind in {USER, MENTIONABLE} and int(wanted) in self.world.users:
            self.resolve_user(int(wanted))
        elif kind in {ROLE, MENTIONABLE} and self.guild and int(wanted) in self.guild.roles:
            role = payloads.role(self.guild.roles[int(wanted)])
            self.resolved.setdefault("roles", {})[wanted] = role
        elif kind == CHANNEL and self.guild and int(wanted) in self.guild.channels:
            self.resolve_channel(int(wanted))
        else:
            raise ScriptError(f"There is nothing here with the id {wanted}.")

    def resolve_user(self, user_id: int) -> None:
        """Add a user, and their membership, to the resolved objects."""
        user = payloads.user(self.world.users[user_id])
        self.resolved.setdefault("users", {})[str(user_id)] = user
        if self.guild and user_id in self.guild.members:
            member = payloads.bare_member(self.guild.members[user_id]) | {"permissions": "0"}
            del member["mute"], member["deaf"]
            self.resolved.setdefault("members", {})[str(user_id)] = member

    def resolve_channel(self, channel_id: int) -> None:
        """Add a channel to the resolved objects."""
        if self.guild:
            channel = payloads.channel(self.world, self.guild.channels[channel_id])
            channel["permissions"] = "0"
            self.resolved.setdefault("channels", {})[str(channel_id)] = channel


def _choice(option: Json, value: Value) -> Value:
    for choice in option["choices"]:
        if value in (choice["value"], choice["name"]):
            chosen: Value = choice["value"]
            return chosen
    named = [choice["name"] for choice in option["choices"]]
    raise ScriptError(f"The option {option['name']!r} is one of {named}.")


def _text(option: Json, value: Value) -> str:
    low, high = option.get("min_length") or 0, option.get("max_length") or 6000
    if isinstance(value, str) and low <= len(value) <= high:
        return value
    raise ScriptError(f"The option {option['name']!r} takes a text of {low} to {high} characters.")


def _number(option: Json, value: Value) -> int | float:
    name, whole = option["name"], option["type"] == INTEGER
    fits = isinstance(value, int) if whole else isinstance(value, int | float)
    if not fits or isinstance(value, bool | str):
        raise ScriptError(f"The option {name!r} takes a {'whole ' if whole else ''}number.")
    if value < option.get("min_value", value) or value > option.get("max_value", value):
        raise ScriptError(f"{value} is outside what the option {name!r} takes.")
    return value
