"""Which addresses the node may read from. Pure: names are resolved elsewhere."""

import ipaddress
from collections.abc import Collection
from dataclasses import dataclass
from urllib.parse import SplitResult, urlsplit

from legato.addresses import is_public
from legato.node.errors import MediaError

DEFAULT_PORTS = {"http": 80, "https": 443}


@dataclass(frozen=True, slots=True)
class Target:
    """One link taken apart."""

    scheme: str
    host: str
    port: int
    path: str

    @property
    def authority(self) -> str:
        """What the Host header says."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return host if self.port == DEFAULT_PORTS[self.scheme] else f"{host}:{self.port}"


def parse(link: str) -> Target:
    """Take a link apart; raises MediaError if it is none that the node reads."""
    if any(ord(letter) <= 32 or ord(letter) == 127 for letter in link):
        raise MediaError(
            "Not a valid URL.", "common", "the link holds spaces or control characters"
        )
    try:
        parts = urlsplit(link)
        port = parts.port
    except ValueError as error:
        raise MediaError("Not a valid URL.", "common", str(error)) from error
    if parts.scheme not in DEFAULT_PORTS or not parts.hostname:
        raise MediaError("Not a valid URL.", "common", "only http and https links are read")
    if parts.username is not None or parts.password is not None:
        raise MediaError("Not a valid URL.", "common", "the link holds a user name")
    host = _ascii_host(parts.hostname)
    return Target(parts.scheme, host, port or DEFAULT_PORTS[parts.scheme], _path(parts))


def check(target: Target, resolved: Collection[str], allowed: Collection[str]) -> str:
    """Choose the address to connect to; raises MediaError when one of them may not be read."""
    if not resolved:
        raise MediaError("Connecting to the URL failed.", "suspicious", "the name has no address")
    if f"{target.host}:{target.port}" not in allowed:
        for text in resolved:
            if not is_public(ipaddress.ip_address(text.partition("%")[0])):
                raise MediaError(
                    "That URL is not playable.", "common", "private addresses are not read"
                )
    return next(iter(resolved))


def _ascii_host(host: str) -> str:
    try:
        return host.encode("idna").decode().lower().rstrip(".") if not host.isascii() else host
    except UnicodeError as error:
        raise MediaError("Not a valid URL.", "common", "the host name is not valid") from error


def _path(parts: SplitResult) -> str:
    """Give what the request line asks for, in ASCII."""
    path = parts.path or "/"
    whole = f"{path}?{parts.query}" if parts.query else path
    return "".join(
        letter if letter.isascii() else "".join(f"%{byte:02X}" for byte in letter.encode())
        for letter in whole
    )
