"""The reference of all settings, written from the Structs and the docstrings under their fields.

Pure but for reading the Structs' source; knows no component: it is given them.
"""

import ast
import inspect
import textwrap
from collections.abc import Collection, Mapping, Sequence
from datetime import timedelta

import msgspec
from msgspec import NODEFAULT
from msgspec.structs import FieldInfo, fields

from legato import settings

_HEAD = """# Settings

Written by `make docs` from the code; don't edit.

A setting is an environment variable. `NAME_FILE` names a file that holds `NAME`'s value, for
secrets. A duration is written like `500ms`, `10s`, `5m`, `2h` or `1d`. Settings that are wrong are
told all at once, and the service exits with code 2. `legato doctor` checks them beforehand.

Each section is of one program, and a name can mean something else in another: `LEGATO_DATA` of
`legato up` is the folder of everything, that of a gateway only its own. On one machine read
[`legato up`](#legato-up) first: it passes the other settings in its environment on to the services
it starts, and sets their addresses, ports and folders itself. Its nodes have their defaults. Those
who run the services one by one, as containers do, read their sections.
"""


Sections = Mapping[str, type[msgspec.Struct]]
"""Title, or name of a setting -> the Struct that describes it."""


def render(shared: Sections, own: Sections, first: Sections | None = None) -> str:
    """Return the page, a table for each title; what is shared is told only where it is.

    `first` names the settings that most people need, and the Structs they are described in.
    """
    parts = [_HEAD]
    if first:
        rows = [_named(name, struct) for name, struct in first.items()]
        parts.append(_titled("What most people set", rows))
    told: set[str] = set()
    for title, struct in shared.items():
        parts.append(_section(title, struct, told))
        told |= set(struct.__struct_fields__)
    parts += [_section(title, struct, told) for title, struct in own.items()]
    return "\n".join(parts)


def _section(title: str, struct: type[msgspec.Struct], told: Collection[str]) -> str:
    texts = docstrings(struct)
    rows = [
        _row(field, texts.get(field.name, "")) for field in fields(struct) if field.name not in told
    ]
    return _titled(title, rows)


def _titled(title: str, rows: Sequence[str]) -> str:
    table = ["| setting | what | default |", "| --- | --- | --- |", *rows]
    return f"## {title}\n\n" + "\n".join(table) + "\n"


def _named(name: str, struct: type[msgspec.Struct]) -> str:
    field = next(field for field in fields(struct) if field.name == name)
    return _row(field, docstrings(struct)[name])


def _row(field: FieldInfo, text: str) -> str:
    kind = settings.expected(msgspec.inspect.type_info(field.type))
    what = f"{text} ({kind})".replace("|", "\\|")
    return f"| `{field.name.upper()}` | {what} | {_default(field)} |"


def _default(field: FieldInfo) -> str:
    if field.required:
        return "must be set"
    match field.default:
        case None | () | "":
            return ""
        case timedelta() as length:
            return f"`{settings.spell(length)}`"
        case bool() as switch:
            return f"`{str(switch).lower()}`"
        case tuple() as several:
            return f"`{','.join(map(str, several))}`"
        case settings.Secret():
            return "see there"
        case default if default is NODEFAULT:
            return "made at the start"
        case default:
            return f"`{default}`"


def docstrings(struct: type[msgspec.Struct]) -> dict[str, str]:
    """Return field -> the text under it, inherited ones too, each on one line."""
    found: dict[str, str] = {}
    for one in reversed(struct.__mro__):
        if one is not msgspec.Struct and issubclass(one, msgspec.Struct):
            found |= _of_class(inspect.getsource(one))
    return found


def _of_class(source: str) -> dict[str, str]:
    body = ast.parse(textwrap.dedent(source)).body[0]
    if not isinstance(body, ast.ClassDef):
        return {}
    found: dict[str, str] = {}
    name = ""
    for statement in body.body:
        match statement:
            case ast.AnnAssign(target=ast.Name(id=name)):
                pass
            case ast.Expr(value=ast.Constant(value=str(text))) if name:
                found[name] = " ".join(text.split())
            case _:
                name = ""
    return found
