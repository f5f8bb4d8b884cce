"""The place of Discord's end-to-end encryption (DAVE); so far it only settles the version.

It knows no socket and no key. Version 0 means: the media carries no second encryption.
"""

from dataclasses import dataclass
from enum import StrEnum

REQUIRED = 4017
"""Close code: this call needs end-to-end encryption."""


class Policy(StrEnum):
    """What a voice server asks of its clients."""

    OFF = "off"
    """Everyone is answered version 0."""
    REQUIRED = "required"
    """A client that can't encrypt is closed with 4017, as Discord has done since 2026-03."""


@dataclass(frozen=True, slots=True)
class Negotiation:
    """The version of a connection, or the code that ends it."""

    version: int
    refusal: int | None = None


def negotiate(policy: Policy, client_version: int) -> Negotiation:
    """Choose a version from the highest one the client names at Identify."""
    if policy is Policy.REQUIRED and client_version < 1:
        return Negotiation(version=0, refusal=REQUIRED)
    return Negotiation(version=0)
