"""Which links may be handed to a node, and which texts are searches. Pure: asks no name server.

The node checks addresses again where it connects (also after DNS and each redirect); refusing here
too means that a nonsense link never leaves the gateway.
"""

import re
import unicodedata
from collections.abc import Collection, Iterable
from dataclasses import dataclass
from urllib.parse import urlsplit

from legato import queries
from legato.addresses import address_of, is_public

LONGEST = 500
"""Characters of a query; the option's max_length says the same to Discord's clients."""

_HOST = re.compile(r"(?=.{1,253}\Z)([a-z0-9_-]{1,63}\.)+[a-z][a-z0-9-]{0,62}", re.IGNORECASE)
_LOCAL_NAMES = ("localhost", "local", "internal", "intranet", "lan", "home", "corp", "arpa")
_JOINERS = "\u200c\u200d"
"""Zero-width (non-)joiners, which Persian, Hindi and emoji need; never in a link."""


@dataclass(frozen=True, slots=True)
class Link:
    """A link that may be played."""

    url: str
    host: str
    port: int
    is_allowed: bool = False
    """An exception from settings: its address is not looked at again."""


@dataclass(frozen=True, slots=True)
class SearchText:
    """Words to search for."""

    text: str


@dataclass(frozen=True, slots=True)
class Wrong:
    """Neither; the reason is one of text.REFUSALS' names."""

    reason: str


def read(query: str, *, allowed: Collection[str] = ()) -> Link | SearchText | Wrong:
    """Tell a link from a search; `allowed` holds exact `host:port` exceptions."""
    text = query.strip()
    if not text:
        return Wrong("empty_query")
    if len(text) > LONGEST:
        return Wrong("too_long")
    if has_tricks(text):
        return Wrong("invalid")
    match queries.kind(text):
        case "link":
            return _link(text, allowed)
        case "words":
            return SearchText(text)
        case "neither":
            return Wrong("bad_url")


def has_tricks(text: str) -> bool:
    """Find control, bidirectional and zero-width characters, which show other than they are."""
    return any(
        unicodedata.category(character) in {"Cc", "Cf", "Cs", "Co", "Zl", "Zp"}
        and character not in _JOINERS
        for character in text
    )


def _link(text: str, allowed: Collection[str]) -> Link | Wrong:
    if any(character.isspace() or character in _JOINERS or character == "\\" for character in text):
        return Wrong("bad_url")
    try:
        parts = urlsplit(text)
        host = (parts.hostname or "").rstrip(".").encode("idna" if _is_wide(text) else "ascii")
        port = parts.port or (443 if parts.scheme.lower() == "https" else 80)
    except (ValueError, UnicodeError):
        return Wrong("bad_url")
    if parts.username is not None or parts.password is not None:
        return Wrong("bad_url")
    name = host.decode("ascii").lower()
    if f"{name}:{port}" in allowed or f"[{name}]:{port}" in allowed:
        return Link(text, name, port, is_allowed=True)
    if reason := _refused_host(name):
        return Wrong(reason)
    if port not in {80, 443} and port < 1024:
        return Wrong("bad_url")
    return Link(text, name, port)


def _is_wide(text: str) -> bool:
    return not text.isascii()


def _refused_host(host: str) -> str | None:
    address = address_of(host)
    if address is not None:
        return None if is_public(address) else "private_address"
    labels = host.split(".")
    if labels[-1] in _LOCAL_NAMES:
        return "private_address"
    if len(labels) < 2:
        return "private_address" if host else "bad_url"
    return None if _HOST.fullmatch(host) else "bad_url"


def all_public(addresses: Iterable[str]) -> bool:
    """Say whether everything a name leads to is of the open internet."""
    found = [address_of(text) for text in addresses]
    return all(address is not None and is_public(address) for address in found)
