"""What a running service says of its own health, asked over HTTP from the same machine."""

import urllib.error
import urllib.request

import msgspec

TIMEOUT = 5.0
"""Seconds that a service may take to answer."""


class Health(msgspec.Struct, frozen=True):
    """Of /health what people are told."""

    status: str = "not healthy"
    away: tuple[str, ...] = ()


def ask(url: str) -> Health:
    """Read /health, which says most when it answers 503; raises OSError where nobody does."""
    try:
        with urllib.request.urlopen(url, timeout=TIMEOUT) as answer:  # noqa: S310 (our own address)
            body = answer.read()
    except urllib.error.HTTPError as error:
        with error:
            body = error.read()
    try:
        return msgspec.json.decode(body, type=Health)
    except (msgspec.DecodeError, msgspec.ValidationError):
        return Health()
