"""Application commands as bots register them: Discord's rules and the shape it answers in. Pure.

Source: https://discord.com/developers/docs/interactions/application-commands
"""

import re

from legato_simulator.json_values import Json
from legato_simulator.problems import Form, Kinds

CHAT_INPUT, USER, MESSAGE = 1, 2, 3
SUBCOMMAND, GROUP, STRING, INTEGER, NUMBER = 1, 2, 3, 4, 10
LIMIT = {CHAT_INPUT: 100, USER: 15, MESSAGE: 15}
"""Commands of each type, globally and again for each guild."""
_KINDS: Kinds = {
    "name": str,
    "description": str,
    "type": int,
    "options": list,
    "choices": list,
    "name_localizations": dict,
    "description_localizations": dict,
    "required": bool,
    "autocomplete": bool,
}
_NAME = re.compile(r"[-_'\w]{1,32}")
_TOTAL = 8000
"""Characters of all names, descriptions and values of one command."""


def check(form: Form, body: Json, place: tuple[str | int, ...] = ()) -> None:
    """Note what Discord would refuse in one command."""
    body = form.typed(place, body, _KINDS)
    kind = body.get("type", CHAT_INPUT)
    if kind not in LIMIT:
        form.add((*place, "type"), "BASE_TYPE_CHOICES", "Value must be one of {1, 2, 3}.")
        return
    if kind != CHAT_INPUT:
        form.length((*place, "name"), body.get("name"), 1, 32)
        return
    _check_name(form, body.get("name"), (*place, "name"))
    form.length((*place, "description"), body.get("description") or "", 1, 100)
    _check_localizations(form, body, place)
    _check_options(form, body.get("options") or [], place, depth=0)
    if form.fine and _size(body) > _TOTAL:
        message = f"Command exceeds maximum size ({_TOTAL})"
        form.add(place, "APPLICATION_COMMAND_TOO_LARGE", message)


def _check_name(form: Form, name: object, place: tuple[str | int, ...]) -> None:
    if isinstance(name, str) and _NAME.fullmatch(name) and name == name.lower():
        return
    if not isinstance(name, str) or not 1 <= len(name) <= 32:
        form.length(place, name, 1, 32)
        return
    message = "Command name is invalid"
    form.add(place, "APPLICATION_COMMAND_INVALID_NAME", message)


def _check_localizations(form: Form, body: Json, place: tuple[str | int, ...]) -> None:
    for locale, name in (body.get("name_localizations") or {}).items():
        _check_name(form, name, (*place, "name_localizations", locale))
    for locale, text in (body.get("description_localizations") or {}).items():
        form.length((*place, "description_localizations", locale), text, 1, 100)


def _check_options(form: Form, found: object, place: tuple[str | int, ...], *, depth: int) -> None:
    options = form.items((*place, "options"), found, 25)
    names: set[str] = set()
    optional = False
    for index, option in enumerate(options):
        here = (*place, "options", index)
        _check_option(form, option, here, depth=depth)
        name = str(option.get("name"))
        if name in names:
            message = "Option names must be unique"
            form.add(here, "APPLICATION_COMMAND_OPTIONS_NAME_ALREADY_EXISTS", message)
        names.add(name)
        if option.get("required") and optional:
            message = "Required options must be placed before non-required options"
            form.add(here, "APPLICATION_COMMAND_OPTIONS_REQUIRED_INVALID", message)
        optional = optional or not option.get("required")


def _check_option(form: Form, raw: Json, here: tuple[str | int, ...], *, depth: int) -> None:
    option = form.typed(here, raw, _KINDS)
    kind = option.get("type")
    _check_name(form, option.get("name"), (*here, "name"))
    form.length((*here, "description"), option.get("description") or "", 1, 100)
    _check_localizations(form, option, here)
    if not isinstance(kind, int) or not 1 <= kind <= 11:
        form.add((*here, "type"), "BASE_TYPE_CHOICES", "Value must be between 1 and 11.")
    elif kind in {SUBCOMMAND, GROUP}:
        if depth > 1 or (kind == GROUP and depth > 0):
            message = "Sub-commands and groups may not be nested this deep."
            form.add((*here, "type"), "APPLICATION_COMMAND_OPTIONS_TYPE_INVALID", message)
        _check_options(form, option.get("options") or [], here, depth=depth + 1)
    choices = form.items((*here, "choices"), option.get("choices") or [], 25)
    if choices and option.get("autocomplete"):
        message = "Choices and autocomplete exclude each other."
        form.add(here, "APPLICATION_COMMAND_OPTIONS_CHOICES_AUTOCOMPLETE", message)
    for number, choice in enumerate(choices):
        form.length((*here, "choices", number, "name"), choice.get("name"), 1, 100)
        if kind == STRING:
            form.length((*here, "choices", number, "value"), choice.get("value"), 1, 100)


def _size(body: Json) -> int:
    own = len(body.get("name") or "") + len(body.get("description") or "")
    choices = body.get("choices") or []
    own += sum(len(str(each.get("name"))) + len(str(each.get("value"))) for each in choices)
    return own + sum(_size(option) for option in body.get("options") or [])


def check_choices(form: Form, choices: list[Json]) -> None:
    """Note what Discord would refuse in the answer to an autocomplete."""
    for index, choice in enumerate(choices):
        here = ("data", "choices", index)
        form.length((*here, "name"), choice.get("name"), 1, 100)
        value = choice.get("value")
        if isinstance(value, str):
            form.length((*here, "value"), value, 1, 100)
        elif not isinstance(value, int | float):
            form.add((*here, "value"), "BASE_TYPE_REQUIRED", "This field is required")


def shown(body: Json, *, command_id: int, application_id: int, version: int) -> Json:
    """Give a command the shape in which Discord returns it."""
    kind = body.get("type") or CHAT_INPUT
    permissions = body.get("default_member_permissions")
    command: Json = {
        "id": str(command_id),
        "application_id": str(application_id),
        "version": str(version),
        "type": kind,
        "name": body["name"],
        "name_localizations": body.get("name_localizations"),
        "description": body.get("description") or "",
        "description_localizations": body.get("description_localizations"),
        "default_member_permissions": None if permissions is None else str(permissions),
        "dm_permission": body.get("dm_permission") is not False,
        "contexts": body.get("contexts"),
        "integration_types": body.get("integration_types") or [0],
        "nsfw": bool(body.get("nsfw")),
    }
    if body.get("options"):
        command["options"] = [_option(option) for option in body["options"]]
    return command


def _option(option: Json) -> Json:
    body = {key: value for key, value in option.items() if value is not None}
    if "options" in body:
        body["options"] = [_option(each) for each in body["options"]]
    return body
