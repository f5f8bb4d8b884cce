"""The generated files of the chart: its values, its page and its copies of the CRDs.

values.schema.json says what each value is for, what it may be and what it is when nothing is said;
values.yaml and README.md are written from it.
"""

import json
import pathlib
from collections.abc import Iterator
from typing import Any

import yaml

CHART = pathlib.Path(__file__).parents[1] / "charts/legato"
PLACE = "charts/legato"
WIDTH = 98
HEAD = """# The chart legato

Written by `make docs` from values.schema.json; don't edit.

It installs the operator, its custom resources and what watches over it.
[docs/kubernetes.md](../../docs/kubernetes.md) tells how to get from nothing to a bot that plays,
and how to upgrade and uninstall. No image is published yet: REGISTRY is where you push the one you
build (`docker build`, or `make images ARGS=operator`). For trying, not for production.

```sh
helm install legato charts/legato --namespace legato-system --create-namespace \\
  --set image.repository=REGISTRY/legato-operator
helm test legato --namespace legato-system
```

The chart knows no database: PostgreSQL and Redis come with each MusicBot, by Secrets.

## Values

| value | what | default |
| --- | --- | --- |
"""

Schema = dict[str, Any]
"""A part of a JSON schema."""


def render(crds: dict[str, str]) -> dict[str, str]:
    """Return the generated files: their paths from the root, and their texts."""
    schema = json.loads((CHART / "values.schema.json").read_text())
    rows = "".join(f"{_row(path, one)}\n" for path, one in leaves(schema))
    return {
        f"{PLACE}/README.md": HEAD + rows,
        f"{PLACE}/values.yaml": _values(schema),
        **{f"{PLACE}/files/{path}": text for path, text in crds.items()},
    }


def leaves(schema: Schema, path: str = "") -> Iterator[tuple[str, Schema]]:
    """Yield every value that has no parts of its own, in order."""
    for name, one in schema["properties"].items():
        here = f"{path}.{name}" if path else name
        if "properties" in one:
            yield from leaves(one, here)
        else:
            yield here, one


def _row(path: str, one: Schema) -> str:
    default = json.dumps(one["default"], ensure_ascii=False)
    cells = (f"`{path}`", f"{one['description']}{_bounds(one)}", f"`{default}`")
    return f"| {' | '.join(cell.replace('|', chr(92) + '|') for cell in cells)} |"


def _bounds(one: Schema) -> str:
    if "enum" in one:
        return f" ({', '.join(json.dumps(each).strip(chr(34)) for each in one['enum'])})"
    if "maximum" in one:
        return f" ({one['minimum']} to {one['maximum']})"
    return ""


def _values(schema: Schema) -> str:
    head = "# Written by `make docs` from values.schema.json; don't edit.\n"
    return head + "".join(f"\n{part}" for part in _parts(schema, ""))


def _parts(schema: Schema, indent: str) -> Iterator[str]:
    for name, one in schema["properties"].items():
        said = "".join(f"{indent}# {line}\n" for line in _wrapped(one["description"], indent))
        if "properties" in one:
            yield f"{said}{indent}{name}:\n" + "".join(_parts(one, f"{indent}  "))
        else:
            text = yaml.safe_dump({name: one["default"]}, sort_keys=False, width=1000)
            yield said + "".join(f"{indent}{line}\n" for line in text.splitlines())


def _wrapped(text: str, indent: str) -> Iterator[str]:
    line = ""
    for word in text.split():
        if line and len(indent) + 2 + len(line) + len(word) > WIDTH:
            yield line
            line = ""
        line = f"{line} {word}".strip()
    yield line
