"""The headers of every answer, errors too: nothing sniffed, nothing framed, nothing loaded."""

from litestar.datastructures import MutableScopeHeaders
from litestar.types import Message, Scope

from legato.api.schema_page import STYLE_SOURCE

POLICY = {
    "Content-Security-Policy": (
        f"default-src 'none'; style-src {STYLE_SOURCE}; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'"
    ),
    "X-Content-Type-Options": "nosniff",
    "Referrer-Policy": "no-referrer",
}


async def add(message: Message, _scope: Scope) -> None:
    """Put them on an answer that begins."""
    if message["type"] == "http.response.start":
        headers = MutableScopeHeaders.from_message(message)
        for name, value in POLICY.items():
            headers[name] = value
