"""The API's description for people: one page of plain HTML, made here, that loads nothing."""

import re
from base64 import b64encode
from collections.abc import Iterable
from hashlib import sha256
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark; overflow-wrap: anywhere; }
h2 { font-size: 1.15rem; }
h3 { font-size: 1rem; margin: 1rem 0 .25rem; }
ul { margin: 0; padding-left: 1.25rem; }
code, pre { font-family: ui-monospace, monospace; font-size: .9em; }
pre { white-space: pre-wrap; background: #8882; border-radius: .375rem; padding: .625rem .875rem; }
section { border-top: 1px solid #8886; padding: .5rem 0; }
"""
STYLE_SOURCE = f"'sha256-{b64encode(sha256(_STYLE.encode()).digest()).decode()}'"
"""What a Content-Security-Policy calls the page's style."""
_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title}</title>
<meta name="viewport" content="width=device-width, initial-scale=1">
<style>{style}</style></head><body>
<h1>{title} <small>{version}</small></h1>
<p>{description}</p>
<p>For programs: <a href="/schema/openapi.json">openapi.json</a></p>
{operations}
</body></html>"""


class SchemaPage(OpenAPIRenderPlugin):
    """Renders the description without any script or style from elsewhere."""

    def __init__(self) -> None:
        super().__init__(path="/")

    def render(
        self,
        request: Request[Any, Any, Any],
        openapi_schema: dict[str, Any],
    ) -> bytes:
        """Return the page."""
        info = openapi_schema["info"]
        address = str(request.base_url).rstrip("/")
        operations = "".join(
            _operation(method, path, operation, address)
            for path, item in sorted(openapi_schema["paths"].items())
            for method, operation in item.items()
            if isinstance(operation, dict)
        )
        return _PAGE.format(
            style=_STYLE,
            title=escape(info["title"]),
            version=escape(info["version"]),
            description=_marked(info.get("description", "")),
            operations=operations,
        ).encode()


def _operation(method: str, path: str, operation: dict[str, Any], address: str) -> str:
    parameters = operation.get("parameters", [])
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{_marked(operation.get('summary', ''))}</p>"
        f"<pre>{escape(_example(path, parameters, address))}</pre>"
        f"<h3>Parameters</h3>{_listed(_parameter(one) for one in parameters)}"
        f"<h3>Answers</h3>{_listed(_answer(*one) for one in operation['responses'].items())}"
        "</section>"
    )


def _example(path: str, parameters: Iterable[dict[str, Any]], address: str) -> str:
    """Write a call as a person types it."""
    for one in parameters:
        for example in one["schema"].get("examples", []):
            path = path.replace(f"{{{one['name']}}}", str(example))
    return f'curl -H "Authorization: Bearer legato_…" {address}{path}'


def _parameter(one: dict[str, Any]) -> tuple[str, str]:
    return one["name"], one.get("description", "")


def _answer(status: str, answer: dict[str, Any]) -> tuple[str, str]:
    return status, answer["description"]


def _listed(lines: Iterable[tuple[str, str]]) -> str:
    rows = (f"<li><code>{escape(name)}</code> {_marked(said)}</li>" for name, said in lines)
    return f"<ul>{''.join(rows)}</ul>"


def _marked(said: str) -> str:
    """Write a sentence; what stands between backticks is code."""
    return re.sub("`([^`]+)`", r"<code>\1</code>", escape(said))
