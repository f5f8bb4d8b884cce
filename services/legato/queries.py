"""Whether what a person typed is a link or words. Pure: the one rule of gateway and audio.

Were there two, a text could pass the gateway as words and reach a node as a link.
"""

import re
from typing import Literal
from urllib.parse import unquote, urlsplit

Kind = Literal["link", "words", "neither"]

_LINK = re.compile(r"https?://", re.IGNORECASE)
_OTHER_SCHEME = re.compile(r"(about|blob|data|file|javascript|local|view-source):", re.IGNORECASE)


def kind(text: str) -> Kind:
    """Tell a web link from words; a link further on, or of another scheme, is neither."""
    text = text.strip()
    if _LINK.match(text):
        return "link"
    if "://" in text or _OTHER_SCHEME.match(text):
        return "neither"
    return "words"


def storable(text: str) -> str:
    """Leave out the one character that PostgreSQL takes in no text."""
    return text.replace("\0", "")


def shown(text: str) -> str:
    """Name what was asked for, for people: of a link the file, or host and path; else the words."""
    if kind(text) != "link":
        return text
    try:
        link = urlsplit(text.strip())
        host = link.hostname or ""
    except ValueError:
        return text
    file = unquote(link.path.rpartition("/")[2])
    return file if "." in file else f"{host}{unquote(link.path).rstrip('/')}"
