"""All actions by name, called with plain values: what Python and HTTP scripts both go through."""

import inspect
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from typing import get_type_hints

import msgspec
from msgspec import Struct, defstruct

from legato_simulator.actions.breaking import Breaking
from legato_simulator.actions.knowing import Knowing
from legato_simulator.actions.making import Making
from legato_simulator.actions.many import Many
from legato_simulator.actions.people import People
from legato_simulator.actions.subjects import Subjects
from legato_simulator.actions.viewing import Viewing
from legato_simulator.views import ScriptError

Action = Callable[..., Awaitable[object]]


@dataclass(frozen=True, slots=True)
class Entry:
    """One action: what to call, and the arguments it takes."""

    action: Action
    arguments: type[Struct]
    about: str


class Catalogue:
    """Every public method of the action classes."""

    def __init__(self, subjects: Subjects) -> None:
        self.entries: dict[str, Entry] = {}
        kinds = (Making, People, Many, Viewing, Breaking, Knowing)
        for part in (kind(subjects) for kind in kinds):
            # Of the class: Python 3.11.2, which Debian 12 has, can't read every field of an object.
            for name, _ in inspect.getmembers(type(part), inspect.iscoroutinefunction):
                if not name.startswith("_"):
                    self.entries[name] = _entry(name, getattr(part, name))

    async def call(self, name: str, arguments: Mapping[str, object]) -> object:
        """Do something; unknown names and unfit arguments are the script's errors."""
        entry = self.entries.get(name)
        if entry is None:
            raise ScriptError(f"There is no action {name!r}.")
        try:
            given = msgspec.convert(dict(arguments), entry.arguments, strict=False)
        except msgspec.ValidationError as error:
            raise ScriptError(f"{name}: {error}") from error
        values = {field: getattr(given, field) for field in given.__struct_fields__}
        return await entry.action(**values)

    def describe(self) -> dict[str, dict[str, object]]:
        """List every action with its arguments, as JSON schema."""
        return {
            name: {"about": entry.about, "arguments": msgspec.json.schema(entry.arguments)}
            for name, entry in sorted(self.entries.items())
        }


def _entry(name: str, action: Action) -> Entry:
    hints = get_type_hints(action)
    fields: list[tuple[str, object] | tuple[str, object, object]] = []
    for parameter in inspect.signature(action).parameters.values():
        kind = hints[parameter.name]
        if parameter.default is inspect.Parameter.empty:
            fields.append((parameter.name, kind))
        else:
            fields.append((parameter.name, kind, parameter.default))
    arguments = defstruct(name, fields, kw_only=True, forbid_unknown_fields=True)
    about = (inspect.getdoc(action) or "").splitlines()[0]
    return Entry(action, arguments, about)
