"""The API's description for people: one page of plain HTML, made here, that loads nothing."""

from base64 import b64encode
from hashlib import sha256
from html import escape
from typing import Any

from litestar import Request
from litestar.openapi.plugins import OpenAPIRenderPlugin

_STYLE = """
body { font: 16px/1.5 system-ui, sans-serif; max-width: 56rem; margin: 2rem auto; padding: 0 1rem;
  color-scheme: light dark; }
code { font-family: ui-monospace, monospace; }
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
<p>For programs: <a href="openapi.json">openapi.json</a></p>
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
        operations = "".join(
            _operation(method, path, operation)
            for path, item in sorted(openapi_schema["paths"].items())
            for method, operation in item.items()
            if isinstance(operation, dict)
        )
        return _PAGE.format(
            style=_STYLE,
            title=escape(info["title"]),
            version=escape(info["version"]),
            description=escape(info.get("description", "")),
            operations=operations,
        ).encode()


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    parameters = "".join(
        f"<li><code>{escape(one['name'])}</code> {escape(one.get('description', ''))}</li>"
        for one in operation.get("parameters", [])
    )
    answers = "".join(
        f"<li><code>{escape(status)}</code> {escape(answer['description'])}</li>"
        for status, answer in operation.get("responses", {}).items()
    )
    return (
        f"<section><h2><code>{method.upper()} {escape(path)}</code></h2>"
        f"<p>{escape(operation.get('summary', ''))}</p>"
        f"<h3>Parameters</h3><ul>{parameters}</ul><h3>Answers</h3><ul>{answers}</ul></section>"
    )
