"""The registry as Discord wants it: names, options, permissions, in every language. Pure.

https://discord.com/developers/docs/interactions/application-commands#application-command-object
"""

import hashlib
from collections.abc import Sequence

import msgspec

from legato import text
from legato.gateway.commands import GROUP_PERMISSIONS, REGISTRY, Command, Option

Json = dict[str, object]

_KINDS = {"text": 3, "number": 4, "role": 8}
_SUBCOMMAND = 1
_GUILD_ONLY: Json = {"contexts": [0], "integration_types": [0]}


def of_registry(registry: Sequence[Command] = REGISTRY) -> list[Json]:
    """List the top-level commands; subcommands stand inside their group."""
    names = dict.fromkeys(command.group or command.name for command in registry)
    return [_top(name, [c for c in registry if (c.group or c.name) == name]) for name in names]


def digest(documents: Sequence[Json]) -> str:
    """Name this very set of commands, so that it is registered only when it changed."""
    return hashlib.sha256(msgspec.json.encode(documents, order="deterministic")).hexdigest()


def _top(name: str, members: Sequence[Command]) -> Json:
    first = members[0]
    if first.group:
        options = [{"type": _SUBCOMMAND, **_command(member)} for member in members]
        document = {"type": 1, **_words(name, f"command.{name}"), "options": options}
    else:
        document = {"type": 1, **_command(first)}
    permission = GROUP_PERMISSIONS.get(name)
    if permission is not None:
        document["default_member_permissions"] = str(int(permission))
    return document | _GUILD_ONLY


def _command(command: Command) -> Json:
    document = _words(command.name, command.key)
    if command.options:
        document["options"] = [_option(command, option) for option in command.options]
    return document


def _option(command: Command, option: Option) -> Json:
    key = f"{command.key}.{option.name}"
    document = {"type": _KINDS[option.kind], **_words(option.name, key)}
    if option.required:
        document["required"] = True
    if option.autocomplete:
        document["autocomplete"] = True
    bound = "length" if option.kind == "text" else "value"
    if option.least is not None:
        document[f"min_{bound}"] = option.least
    if option.most is not None:
        document[f"max_{bound}"] = option.most
    if option.choices:
        document["choices"] = [_choice(key, choice) for choice in option.choices]
    return document


def _choice(key: str, choice: str) -> Json:
    name = f"{key}.{choice}"
    return {
        "name": text.say(name),
        "name_localizations": text.localisations(name),
        "value": choice,
    }


def _words(name: str, key: str) -> Json:
    words: Json = {"name": name, "description": text.say(key)}
    if names := text.localisations(f"{key}.name"):
        words["name_localizations"] = names
    words["description_localizations"] = text.localisations(key)
    return words
