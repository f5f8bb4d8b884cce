"""How a case names the sentence it checks; knows no case."""

from typing import Literal

import pytest

Source = Literal["rest.md", "websocket.md", "index.md", "server", "measured"]
"""A page of Lavalink's API documents; its server's source; or what was measured of 4.2.2."""

PAGES = {
    "rest.md": "https://lavalink.dev/api/rest",
    "websocket.md": "https://lavalink.dev/api/websocket",
    "index.md": "https://lavalink.dev/api/",
    "server": "https://github.com/lavalink-devs/Lavalink",
    "measured": "Lavalink 4.2.2",
}


def documented(sentence: str, source: Source) -> pytest.MarkDecorator:
    """Mark a case with the sentence it checks and where it stands."""
    return pytest.mark.documented(sentence, source)
